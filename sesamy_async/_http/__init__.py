"""The connections to Sesamy: the only home of httpx.

httpx and h11 are loaded with the first client: they take longer to import
than all the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sesamy_async._lazy import later

from .settings import Connections, library_of, load_library


if TYPE_CHECKING:
    from .body import Body
    from .failures import FailureFacts, failure_of, tls_alert
    from .http11 import Connection
    from .httpx_transports import AsyncPoolTransport, PoolTransport
    from .opening import (
        bind,
        default_context,
        prepare,
        proxy_for,
    )
    from .peers import SendTracker
    from .pool import Pool
    from .stream import READ_SIZE, TlsStream
    from .transport import HttpTransport

_HOMES = {
    "AsyncPoolTransport": "httpx_transports",
    "Body": "body",
    "Connection": "http11",
    "FailureFacts": "failures",
    "HttpTransport": "transport",
    "Pool": "pool",
    "PoolTransport": "httpx_transports",
    "READ_SIZE": "stream",
    "SendTracker": "peers",
    "TlsStream": "stream",
    "bind": "opening",
    "default_context": "opening",
    "failure_of": "failures",
    "prepare": "opening",
    "proxy_for": "opening",
    "tls_alert": "failures",
}
__getattr__ = later(__name__, _HOMES)

__all__ = [
    "READ_SIZE",
    "AsyncPoolTransport",
    "Body",
    "Connection",
    "Connections",
    "FailureFacts",
    "HttpTransport",
    "Pool",
    "PoolTransport",
    "SendTracker",
    "TlsStream",
    "bind",
    "default_context",
    "failure_of",
    "library_of",
    "load_library",
    "prepare",
    "proxy_for",
    "tls_alert",
]
