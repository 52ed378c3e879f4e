"""A local Sesamy, to try things and to test against."""

from __future__ import annotations

from .bucket import Limit
from .config import SCOPES, Client, PromoCode, SandboxConfig, Vendor
from .contract import SoldContract
from .exchange import Answer, Delivery, SandboxRequest
from .fault import Fault, FaultKind
from .faults import Faults
from .kept import KeptLedger
from .ledger import NO_ANSWER, Ledger
from .lookup import SandboxLookup
from .routes import Endpoint
from .sandbox import BASE_URL, TOKEN_URL, Sandbox
from .server import running, serve


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
