"""The connections to Sesamy: the only home of httpx."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sesamy_async._lazy import later

from .adapters import AsyncAdapter, SendTracker, by_async_transport
from .binding import bind, check_proxy
from .blocking_stream import Allowance, BlockingBackend, BlockingStream
from .body import Body
from .failures import FailureFacts, failure_of, tls_alert
from .opening import (
    default_context,
    open_async,
    open_blocking,
    prepare,
    proxy_for,
)
from .pool import Pool
from .settings import Connections, library_of, load_library
from .stream import READ_SIZE, holds_more
from .transport import HttpxTransport


if TYPE_CHECKING:
    from .asyncio_stream import AsyncioBackend, AsyncioStream, Inbox
    from .http11 import BlockingExchanges, CoreResponse
    from .trio_stream import TrioStream

# What only one kind of client uses is loaded with its first client.
__getattr__ = later(
    __name__,
    {
        "AsyncioBackend": "asyncio_stream",
        "AsyncioStream": "asyncio_stream",
        "BlockingExchanges": "http11",
        "CoreResponse": "http11",
        "Inbox": "asyncio_stream",
        "TrioStream": "trio_stream",
    },
)

__all__ = [
    "READ_SIZE",
    "Allowance",
    "AsyncAdapter",
    "AsyncioBackend",
    "AsyncioStream",
    "BlockingBackend",
    "BlockingExchanges",
    "BlockingStream",
    "Body",
    "Connections",
    "CoreResponse",
    "FailureFacts",
    "HttpxTransport",
    "Inbox",
    "Pool",
    "SendTracker",
    "TrioStream",
    "bind",
    "by_async_transport",
    "check_proxy",
    "default_context",
    "failure_of",
    "holds_more",
    "library_of",
    "load_library",
    "open_async",
    "open_blocking",
    "prepare",
    "proxy_for",
    "tls_alert",
]
