"""A served sandbox, and the proxies between it and a client."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from enum import StrEnum
from typing import Any

import attrs
import httpx
import httpx2
from anyio.from_thread import BlockingPortal, start_blocking_portal

from sesamy_async import Connections, StaticToken
from sesamy_async.sandbox import Sandbox, SandboxConfig, SandboxRequest
from sesamy_async.sandbox._listener import listening
from support.calling import World
from support.ports import mute_port
from support.proxy import ByteFault, ConnectProxy, FaultProxy
from support.tls import TARGET, client_context, server_context


class Way(StrEnum):
    """How a client reaches the sandbox."""

    HTTP = "HTTP"
    HTTPS = "HTTPS"
    CONNECT = "CONNECT"
    TLS_CONNECT = "CONNECT over TLS"
    HTTPX = "HTTP over a caller's httpx client"
    HTTPX2 = "HTTP over a caller's httpx2 client"


TUNNELS = (Way.CONNECT, Way.TLS_CONNECT)
OWN = (Way.HTTP, Way.HTTPS, *TUNNELS)
# Without TLS: cancelled in a handshake, httpcore leaves the socket open.
_PLAIN = (Way.HTTP, Way.HTTPX, Way.HTTPX2)
_CALLERS = {Way.HTTPX: httpx, Way.HTTPX2: httpx2}


@attrs.frozen(kw_only=True)
class Site:
    """A client's requests pass the outer proxy, the hop, then the inner one.

    Attributes:
        way: How a client gets here.
        sandbox: What answers.
        outer: Counts the bytes on the wire.
        hop: Counts the bytes that a proxy of the client's would see: those
            inside of the TLS to it, or else those on the wire.
        tunnel: What opens the tunnel, where there is one.
        inner: Counts the bytes of HTTP.
        mute: A port where connecting hangs.
        portal: Leads to their event loop.
    """

    way: Way
    sandbox: Sandbox
    outer: FaultProxy
    hop: FaultProxy
    tunnel: ConnectProxy | None
    inner: FaultProxy
    mute: int
    portal: BlockingPortal

    def arm_outer(self, *faults: ByteFault) -> None:
        """Let these strike on the wire."""
        self.portal.call(self.outer.arm, *faults)

    def arm_hop(self, *faults: ByteFault) -> None:
        """Let these strike where a proxy sees it."""
        self.portal.call(self.hop.arm, *faults)

    def arm_inner(self, *faults: ByteFault) -> None:
        """Let these strike in HTTP."""
        self.portal.call(self.inner.arm, *faults)

    def calm(self) -> None:
        """Let nothing more go wrong."""
        self.arm_outer()
        self.arm_hop()
        self.arm_inner()

    def drop(self) -> None:
        """End what connections are left."""
        for proxy in (self.outer, self.hop, self.tunnel, self.inner):
            if proxy is not None:
                self.portal.call(proxy.drop)

    def refuse(self) -> None:
        """Let connections be refused."""
        self.portal.call(self.outer.refuse)

    def listen(self) -> None:
        """Let them be accepted again."""
        self.portal.call(self.outer.listen)

    def transport(self, world: World, given: Connections) -> Any:
        """Return what a client of a world sends through.

        Args:
            world: The client's.
            given: The connections that it would have of its own.
        """
        library: Any = _CALLERS.get(self.way)
        if library is None:
            return given
        blocking = world is World.BLOCKING
        kind = library.Client if blocking else library.AsyncClient
        return kind(verify=given.ssl_context, trust_env=False)

    def settings(
        self, host: str = "127.0.0.1", port: int = 0, **more: Any
    ) -> dict[str, Any]:
        """Return what leads a client here.

        Args:
            host: Another name for this machine.
            port: Another one than that of the outer proxy.
            more: Of the connections.
        """
        here = f"{host}:{port or self.outer.port}"
        scheme = "http" if self.way in _PLAIN else "https"
        proxied = self.tunnel is not None
        to_proxy = "https" if self.way is Way.TLS_CONNECT else "http"
        connections: dict[str, Any] = {
            "ssl_context": client_context(),
            "proxy": f"{to_proxy}://{here}" if proxied else None,
            "max_response_size": 1_000_000,
            **more,
        }
        return {
            "base_url": TARGET if proxied else f"{scheme}://{here}",
            "transport": Connections(**connections),
            "auth": StaticToken(token_of(self.sandbox)),
        }


def token_of(sandbox: Sandbox) -> str:
    """Return a token, got in process."""
    [client] = sandbox.config.clients
    form = {
        "grant_type": "client_credentials",
        "client_id": client.id,
        "client_secret": client.secret.reveal(),
        "scope": client.scopes[0],
    }
    answer = sandbox.handle(
        SandboxRequest(
            method="POST",
            path="/oauth/token",
            headers={"content-type": "application/json"},
            body=json.dumps(form).encode(),
        )
    )
    token: str = json.loads(answer.body)["access_token"]
    return token


@contextmanager
def serving(way: Way, seed: int) -> Generator[Site]:
    """Serve a new sandbox in a thread while the block runs."""
    sandbox = Sandbox(SandboxConfig(seed=seed, rate_limit=None))
    with mute_port() as mute, start_blocking_portal("asyncio") as portal:
        served = _serving(way, sandbox, mute, portal)
        with portal.wrap_async_context_manager(served) as site:
            yield site


@asynccontextmanager
async def _serving(
    way: Way, sandbox: Sandbox, mute: int, portal: BlockingPortal
) -> AsyncGenerator[Site]:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(
            listening(sandbox, "127.0.0.1", 0, None)
        )
        context = None if way in _PLAIN else server_context()
        inner = FaultProxy(int(url.rpartition(":")[2]), context=context)
        await stack.enter_async_context(inner)
        tunnel = hop = None
        if way in TUNNELS:
            tunnel = ConnectProxy(inner.port)
            await stack.enter_async_context(tunnel)
        if tunnel is not None and way is Way.TLS_CONNECT:
            hop = FaultProxy(tunnel.port, context=context)
            await stack.enter_async_context(hop)
        outer = FaultProxy((hop or tunnel or inner).port)
        await stack.enter_async_context(outer)
        yield Site(
            way=way,
            sandbox=sandbox,
            outer=outer,
            hop=hop or outer,
            tunnel=tunnel,
            inner=inner,
            mute=mute,
            portal=portal,
        )
