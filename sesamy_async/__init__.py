"""Python SDK for Sesamy's third-party onboarding API.

Every call ends in a known outcome: see `Outcome` and `SesamyError`.
"""

from __future__ import annotations

from ._blocking import Contracts, Sesamy
from ._version import __version__
from .auth import (
    ClientCredentials,
    FileTokenStore,
    MemoryTokenStore,
    StaticToken,
    StoredToken,
    TokenStore,
    TokenStoreWarning,
)
from .client import AsyncSesamy
from .contracts import AsyncContracts
from .core.auth import Auth
from .core.call import BeforeSend, Call, Middleware, Proceed, Request
from .core.headers import Headers
from .core.outcome import Outcome
from .core.rate_limit import RateLimit
from .core.record import Record
from .core.response import Response
from .core.retry_policy import RetryBudget, RetryPolicy
from .core.secret import Secret
from .errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    ConnectionFailedError,
    DeadlineExceededError,
    InvalidRequestError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    SesamyError,
    UnauthorizedError,
    UnreadableResponseError,
)
from .models import (
    Address,
    BusinessDetails,
    Contract,
    ContractItem,
    Discount,
    Gender,
    NewContract,
    Onboarded,
    PaymentData,
    PaymentMethod,
    PaymentProvider,
    User,
)
from .transport import Connections


__all__ = [
    "APIError",
    "Address",
    "AsyncContracts",
    "AsyncSesamy",
    "Auth",
    "AuthenticationError",
    "BadRequestError",
    "BeforeSend",
    "BusinessDetails",
    "Call",
    "ClientCredentials",
    "ConfigurationError",
    "ConflictError",
    "ConnectionFailedError",
    "Connections",
    "Contract",
    "ContractItem",
    "Contracts",
    "DeadlineExceededError",
    "Discount",
    "FileTokenStore",
    "Gender",
    "Headers",
    "InvalidRequestError",
    "MemoryTokenStore",
    "Middleware",
    "NewContract",
    "NotFoundError",
    "Onboarded",
    "Outcome",
    "OutcomeUnknownError",
    "PaymentData",
    "PaymentMethod",
    "PaymentProvider",
    "PermissionDeniedError",
    "Proceed",
    "RateLimit",
    "RateLimitError",
    "Record",
    "Request",
    "Response",
    "RetryBudget",
    "RetryPolicy",
    "Secret",
    "ServerError",
    "Sesamy",
    "SesamyError",
    "StaticToken",
    "StoredToken",
    "TokenStore",
    "TokenStoreWarning",
    "UnauthorizedError",
    "UnreadableResponseError",
    "User",
    "__version__",
]
