"""How calls are authorized: credentials, tokens, and where they live."""

from __future__ import annotations

from .bind import bind
from .credentials import ClientCredentials, token_request
from .file_store import FileTokenStore
from .given import CallableAuth, StaticToken
from .problems import authentication_error
from .store import (
    MemoryTokenStore,
    StoredToken,
    TokenStore,
    TokenStoreWarning,
)
from .store_key import store_key
from .token import Token, token_from_answer
from .token_auth import TokenAuth


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
