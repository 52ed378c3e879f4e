"""A local Sesamy, to try things and to test against."""

from __future__ import annotations

from ._config import SCOPES, Client, Limit, PromoCode, SandboxConfig, Vendor
from ._exchange import Answer, Delivery, Endpoint, SandboxRequest
from ._faults import Fault, FaultKind, Faults
from ._ledger import NO_ANSWER, KeptLedger, Ledger, SoldContract
from ._sandbox import BASE_URL, TOKEN_URL, Sandbox, SandboxLookup
from ._serving import running, serve


__all__ = [
    "BASE_URL",
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
    "Sandbox",
    "SandboxConfig",
    "SandboxLookup",
    "SandboxRequest",
    "SoldContract",
    "Vendor",
    "running",
    "serve",
]
