"""A local Sesamy, to try things and to test against."""

from __future__ import annotations

from ._config import (
    SCOPES,
    Client,
    Limit,
    PromoCode,
    SandboxConfig,
    Vendor,
    Webhook,
)
from ._exchange import Answer, Delivery, Endpoint, SandboxRequest
from ._faults import Fault, FaultKind, Faults
from ._ledger import (
    NO_ANSWER,
    KeptLedger,
    Ledger,
    RecordedCall,
    SentWebhook,
    SoldContract,
)
from ._sandbox import BASE_URL, TOKEN_URL, Sandbox, SandboxLookup
from ._service import EVENT_TYPES
from ._serving import running, serve


__all__ = [
    "BASE_URL",
    "EVENT_TYPES",
    "NO_ANSWER",
    "SCOPES",
    "TOKEN_URL",
    "Answer",
    "Client",
    "Delivery",
    "Endpoint",
    "Fault",
    "FaultKind",
    "Faults",
    "KeptLedger",
    "Ledger",
    "Limit",
    "PromoCode",
    "RecordedCall",
    "Sandbox",
    "SandboxConfig",
    "SandboxLookup",
    "SandboxRequest",
    "SentWebhook",
    "SoldContract",
    "Vendor",
    "Webhook",
    "running",
    "serve",
]
