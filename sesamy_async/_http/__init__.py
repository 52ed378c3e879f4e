"""The connections to Sesamy: the only home of httpx."""

from __future__ import annotations

from .adapters import AsyncTransportWire, Boundary
from .asyncio_stream import AsyncioBackend, AsyncioStream, Inbox
from .binding import bind, check_way
from .blocking_stream import Allowance, BlockingBackend, BlockingStream
from .body import Body
from .failures import failure_of, over_proxy, tls_alert, unread
from .http11 import Answered, BlockingExchanges
from .opening import (
    default_context,
    open_async,
    open_blocking,
    prepared,
    proxy_for,
)
from .pool import ConnectionSet
from .settings import Connections, library, library_of
from .stream import READ_SIZE, holds_more
from .transport import OverHttpx
from .trio_stream import TrioStream


__all__ = [
    "READ_SIZE",
    "Allowance",
    "Answered",
    "AsyncTransportWire",
    "AsyncioBackend",
    "AsyncioStream",
    "BlockingBackend",
    "BlockingExchanges",
    "BlockingStream",
    "Body",
    "Boundary",
    "ConnectionSet",
    "Connections",
    "Inbox",
    "OverHttpx",
    "TrioStream",
    "bind",
    "check_way",
    "default_context",
    "failure_of",
    "holds_more",
    "library",
    "library_of",
    "open_async",
    "open_blocking",
    "over_proxy",
    "prepared",
    "proxy_for",
    "tls_alert",
    "unread",
]
