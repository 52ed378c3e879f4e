"""How calls are authorized: credentials, tokens, and where they live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sesamy_async.lazy import later

from .bind import bind
from .credentials import ClientCredentials, token_request
from .given import CallableAuth, StaticToken
from .store import (
    MemoryTokenStore,
    StoredToken,
    TokenStore,
    TokenStoreWarning,
)
from .store_key import store_key


if TYPE_CHECKING:
    from .file_store import FileTokenStore
    from .problems import authentication_error
    from .token import Token, token_from_answer
    from .token_auth import TokenAuth
else:  # A type checker would take any name for one that is there.
    __getattr__ = later(
        __name__,
        {
            "FileTokenStore": "file_store",
            "Token": "token",
            "TokenAuth": "token_auth",
            "authentication_error": "problems",
            "token_from_answer": "token",
        },
    )


__all__ = [
    "CallableAuth",
    "ClientCredentials",
    "FileTokenStore",
    "MemoryTokenStore",
    "StaticToken",
    "StoredToken",
    "Token",
    "TokenAuth",
    "TokenStore",
    "TokenStoreWarning",
    "authentication_error",
    "bind",
    "store_key",
    "token_from_answer",
    "token_request",
]
