"""How calls are authorized: credentials, tokens, and where they live."""

from __future__ import annotations

from ._credentials import (
    CallableAuth,
    ClientCredentials,
    StaticToken,
    bind,
    token_request,
)
from ._refusals import authentication_error
from ._renewal import TokenAuth
from ._stores import (
    FileTokenStore,
    MemoryTokenStore,
    StoredToken,
    TokenStore,
    TokenStoreWarning,
)
from ._tokens import Token, store_key, token_from_answer


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
