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
    from .http11 import Connection, NetworkPath, origin_of
    from .httpx_transports import AsyncPoolTransport, PoolTransport
    from .opening import (
        bind,
        connector,
        default_context,
        is_socks,
        prepare,
        proxy_for,
        route_to,
    )
    from .peers import SendTracker
    from .pool import Pool
    from .stream import READ_SIZE, TlsStream, until
    from .transport import HttpTransport

_HOMES = {
    "AsyncPoolTransport": "httpx_transports",
    "Body": "body",
    "Connection": "http11",
    "FailureFacts": "failures",
    "HttpTransport": "transport",
    "NetworkPath": "http11",
    "Pool": "pool",
    "PoolTransport": "httpx_transports",
    "READ_SIZE": "stream",
    "SendTracker": "peers",
    "TlsStream": "stream",
    "bind": "opening",
    "connector": "opening",
    "default_context": "opening",
    "failure_of": "failures",
    "is_socks": "opening",
    "origin_of": "http11",
    "prepare": "opening",
    "proxy_for": "opening",
    "route_to": "opening",
    "tls_alert": "failures",
    "until": "stream",
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
    "NetworkPath",
    "Pool",
    "PoolTransport",
    "SendTracker",
    "TlsStream",
    "bind",
    "connector",
    "default_context",
    "failure_of",
    "is_socks",
    "library_of",
    "load_library",
    "origin_of",
    "prepare",
    "proxy_for",
    "route_to",
    "tls_alert",
    "until",
]
