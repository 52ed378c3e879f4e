"""Python SDK for Sesamy's third-party onboarding API.

Every call ends in a known outcome: see `Outcome` and `SesamyError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._lazy import later


if TYPE_CHECKING:
    from ._blocking import Contracts, Sesamy
    from ._call import (
        Auth,
        BeforeSend,
        Call,
        MemoryPacer,
        Middleware,
        Pacer,
        PacerUnavailable,
        Place,
        PlaceEnd,
        Priority,
        Proceed,
        RateLimit,
        Record,
        Request,
        Response,
        RetryBudget,
        RetryPolicy,
        Secret,
        Turn,
    )
    from ._client import AsyncSesamy
    from ._contracts import AsyncContracts
    from ._headers import Headers, RateState
    from ._http import AsyncPoolTransport, Connections, PoolTransport
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
        FileTokenStore,
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
else:  # A type checker would take any name for one that is there.
    # The pytest plugin costs other people's tests nothing; a program loads
    # what it uses.
    _HOMES = {
        "_blocking": "Contracts Sesamy",
        "_call": (
            "Auth BeforeSend Call MemoryPacer Middleware Pacer "
            "PacerUnavailable Place PlaceEnd Priority Proceed RateLimit "
            "Record Request Response RetryBudget RetryPolicy Secret Turn"
        ),
        "_client": "AsyncSesamy",
        "_contracts": "AsyncContracts",
        "_headers": "Headers RateState",
        "_http": "AsyncPoolTransport Connections PoolTransport",
        "_models": (
            "Address BusinessDetails Contract ContractItem Discount "
            "Gender NewContract Onboarded PaymentData PaymentMethod "
            "PaymentProvider User"
        ),
        "_outcome": "Outcome",
        "_version": "__version__",
        "auth": (
            "ClientCredentials FileTokenStore MemoryTokenStore "
            "StaticToken StoredToken TokenStore TokenStoreWarning"
        ),
        "errors": (
            "APIError AuthenticationError BadRequestError Became "
            "ConfigurationError ConflictError ConnectionFailedError "
            "DeadlineExceededError InvalidRequestError NotFoundError "
            "OrderMismatchError OutcomeUnknownError PermissionDeniedError "
            "RateLimitError ServerError SesamyError UnauthorizedError "
            "UnreadableResponseError what_became"
        ),
    }
    _MODULES = ("auth", "errors", "idempotency")
    __getattr__ = later(
        __name__,
        {name: home for home in _HOMES for name in _HOMES[home].split()},
        _MODULES,
    )

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__, *_MODULES})


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
    "MemoryPacer",
    "MemoryTokenStore",
    "Middleware",
    "NewContract",
    "NotFoundError",
    "Onboarded",
    "OrderMismatchError",
    "Outcome",
    "OutcomeUnknownError",
    "Pacer",
    "PacerUnavailable",
    "PaymentData",
    "PaymentMethod",
    "PaymentProvider",
    "PermissionDeniedError",
    "Place",
    "PlaceEnd",
    "PoolTransport",
    "Priority",
    "Proceed",
    "RateLimit",
    "RateLimitError",
    "RateState",
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
    "Turn",
    "UnauthorizedError",
    "UnreadableResponseError",
    "User",
    "__version__",
    "what_became",
]
