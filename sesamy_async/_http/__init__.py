"""The connections to Sesamy: the only home of httpx.

httpx and h11 are loaded with the first client: they take longer to import
than all the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sesamy_async._lazy import later

from .settings import Connections, load_library


if TYPE_CHECKING:
    from .anyio_stream import look_up
    from .http11 import Connection, NetworkPath, origin_of
    from .httpx_transports import AsyncPoolTransport, PoolTransport
    from .opening import bind, connector, is_socks, route_to
    from .peers import OwnPeer
    from .transport import HttpTransport

_HOMES = {
    "AsyncPoolTransport": "httpx_transports",
    "Connection": "http11",
    "HttpTransport": "transport",
    "NetworkPath": "http11",
    "OwnPeer": "peers",
    "PoolTransport": "httpx_transports",
    "bind": "opening",
    "connector": "opening",
    "is_socks": "opening",
    "look_up": "anyio_stream",
    "origin_of": "http11",
    "route_to": "opening",
}
__getattr__ = later(__name__, _HOMES)

__all__ = [
    "AsyncPoolTransport",
    "Connection",
    "Connections",
    "HttpTransport",
    "NetworkPath",
    "OwnPeer",
    "PoolTransport",
    "bind",
    "connector",
    "is_socks",
    "load_library",
    "look_up",
    "origin_of",
    "route_to",
]
