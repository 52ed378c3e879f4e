"""Python SDK for Sesamy's third-party onboarding API.

Every call ends in a known outcome: see `Outcome` and `SesamyError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._call import (
    Auth,
    BeforeSend,
    Call,
    Middleware,
    Proceed,
    RateLimit,
    Record,
    Request,
    Response,
    RetryBudget,
    RetryPolicy,
    Secret,
)
from ._client import AsyncSesamy
from ._contracts import AsyncContracts
from ._headers import Headers
from ._http import Connections
from ._lazy import later
from ._models import (
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
from ._outcome import Outcome
from ._version import __version__
from .auth import (
    ClientCredentials,
    MemoryTokenStore,
    StaticToken,
    StoredToken,
    TokenStore,
    TokenStoreWarning,
)
from .errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    Became,
    ConfigurationError,
    ConflictError,
    ConnectionFailedError,
    DeadlineExceededError,
    InvalidRequestError,
    NotFoundError,
    OrderMismatchError,
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    SesamyError,
    UnauthorizedError,
    UnreadableResponseError,
    what_became,
)


if TYPE_CHECKING:
    from ._blocking import Contracts, Sesamy
    from ._http import AsyncPoolTransport, PoolTransport
    from .auth import FileTokenStore
else:  # A type checker would take any name for one that is there.
    # Programs that await need no blocking client; few keep tokens in files.
    _HOMES = {
        "AsyncPoolTransport": "_http",
        "Contracts": "_blocking",
        "FileTokenStore": "auth",
        "PoolTransport": "_http",
        "Sesamy": "_blocking",
    }
    __getattr__ = later(__name__, _HOMES)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = [
    "APIError",
    "Address",
    "AsyncContracts",
    "AsyncPoolTransport",
    "AsyncSesamy",
    "Auth",
    "AuthenticationError",
    "BadRequestError",
    "Became",
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
    "OrderMismatchError",
    "Outcome",
    "OutcomeUnknownError",
    "PaymentData",
    "PaymentMethod",
    "PaymentProvider",
    "PermissionDeniedError",
    "PoolTransport",
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
    "what_became",
]
