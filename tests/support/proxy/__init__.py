"""A TCP proxy that breaks connections at a chosen byte."""

from __future__ import annotations

from .connect import ESTABLISHED, ConnectProxy
from .fault import Act, ByteFault, Side
from .fault_proxy import FaultProxy


__all__ = [
    "ESTABLISHED",
    "Act",
    "ByteFault",
    "ConnectProxy",
    "FaultProxy",
    "Side",
]
