"""The ways in which a client reaches a server of this machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from sesamy_async import Connections

from .tls import TARGET, client_context


class Reachable(Protocol):
    """A server of this machine, in this process or in another one."""

    port: int

    @property
    def url(self) -> str:
        """Where it listens."""
        ...


Settings = Callable[[Reachable], dict[str, Any]]


def direct(server: Reachable) -> dict[str, Any]:
    """Reach the server itself."""
    connections = Connections(
        ssl_context=client_context(), max_response_size=1_000_000
    )
    return {"base_url": server.url, "transport": connections}


def distrustful(server: Reachable) -> dict[str, Any]:
    """Reach the server itself, but trust only the usual authorities."""
    return {"base_url": server.url, "transport": Connections()}


def mistaken(server: Reachable) -> dict[str, Any]:
    """Speak TLS to a server that does not."""
    connections = Connections(ssl_context=client_context())
    url = f"https://127.0.0.1:{server.port}"
    return {"base_url": url, "transport": connections}


def through_proxy(server: Reachable) -> dict[str, Any]:
    """Reach the `TARGET` through the server."""
    proxy = f"http://127.0.0.1:{server.port}"
    connections = Connections(ssl_context=client_context(), proxy=proxy)
    return {"base_url": TARGET, "transport": connections}


def forwarded(server: Reachable) -> dict[str, Any]:
    """Reach a plain target through the server, without a tunnel."""
    connections = Connections(proxy=server.url)
    return {"base_url": "http://127.0.0.1:1", "transport": connections}
