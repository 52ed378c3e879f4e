"""How calls are authorized: credentials, tokens, and where they are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sesamy_async._lazy import later

from ._credentials import (
    CallableAuth,
    ClientCredentials,
    StaticToken,
    bind,
    token_request,
)
from ._stores import (
    FileTokenStore,
    MemoryTokenStore,
    SharedTokenStore,
    StoredToken,
    TokenStore,
    TokenStoreWarning,
)


if TYPE_CHECKING:
    from ._refusals import authentication_error
    from ._renewal import TokenAuth
    from ._tokens import Token, store_key, token_from_answer
else:  # A type checker would take any name for one that is there.
    __getattr__ = later(
        __name__,
        {
            "Token": "_tokens",
            "TokenAuth": "_renewal",
            "authentication_error": "_refusals",
            "store_key": "_tokens",
            "token_from_answer": "_tokens",
        },
    )


__all__ = [
    "CallableAuth",
    "ClientCredentials",
    "FileTokenStore",
    "MemoryTokenStore",
    "SharedTokenStore",
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
