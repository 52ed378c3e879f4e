"""The connections to Sesamy: the only home of httpx.

httpx and h11 are loaded with the first client: they take longer to import
than all the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sesamy_async._lazy import later

from .settings import Connections, load_library


if TYPE_CHECKING:
    from .failures import FailureFacts, failure_of, tls_alert
    from .http11 import Connection, NetworkPath, origin_of
    from .httpx_transports import AsyncPoolTransport, PoolTransport
    from .opening import bind, connector, is_socks, route_to
    from .stream import until

_HOMES = {
    "AsyncPoolTransport": "httpx_transports",
    "Connection": "http11",
    "FailureFacts": "failures",
    "NetworkPath": "http11",
    "PoolTransport": "httpx_transports",
    "bind": "opening",
    "connector": "opening",
    "failure_of": "failures",
    "is_socks": "opening",
    "origin_of": "http11",
    "route_to": "opening",
    "tls_alert": "failures",
    "until": "stream",
}
__getattr__ = later(__name__, _HOMES)

__all__ = [
    "AsyncPoolTransport",
    "Connection",
    "Connections",
    "FailureFacts",
    "NetworkPath",
    "PoolTransport",
    "bind",
    "connector",
    "failure_of",
    "is_socks",
    "load_library",
    "origin_of",
    "route_to",
    "tls_alert",
    "until",
]
