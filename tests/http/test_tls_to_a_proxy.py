"""A proxy may be reached over TLS."""

from __future__ import annotations

import asyncio
import ssl
from unittest import mock

import httpcore
import pytest

from sesamy_async import Connections, Outcome
from sesamy_async._http import AsyncioStream, Inbox
from support.calling import World, create
from support.fault_server import FaultServer
from support.faults import good
from support.marks import every_world
from support.tls import TARGET, client_context, server_context
from support.tls_proxy import tls_proxy


@every_world
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_whom_it_trusts(library: str, world: World) -> None:
    """The context that was given holds for the proxy as for Sesamy."""
    with (
        FaultServer([], good, context=server_context()) as far,
        tls_proxy(far.port, record=65_536) as proxy,
    ):
        connections = Connections(
            ssl_context=client_context(),
            proxy=proxy,
            library=library,  # type: ignore[arg-type] # of a parameter
        )
        endings = world.run(
            [create, create], base_url=TARGET, transport=connections
        )

    assert ["c-1", "c-2"] == [each.value.id for each in endings]
    assert 1 == far.connections


@every_world
def test_a_proxy_that_is_not_trusted(world: World) -> None:
    """Nothing is sent through a proxy that nobody vouches for."""
    with (
        FaultServer([], good, context=server_context()) as far,
        tls_proxy(far.port, record=65_536) as proxy,
    ):
        connections = Connections(proxy=proxy)
        ending = world.one(create, base_url=TARGET, transport=connections)

    assert Outcome.NOT_SENT is ending.outcome
    assert "certificate verify failed" in str(ending.error)
    assert 0 == far.connections


@every_world
def test_a_target_that_is_not_trusted(world: World) -> None:
    """Nobody vouches for it: that is said, whatever the proxy may be."""
    with (
        FaultServer([], good, context=server_context()) as far,
        tls_proxy(far.port, record=65_536) as proxy,
    ):
        connections = Connections(ssl_context=client_context(), proxy=proxy)
        ending = world.one(
            create, base_url="https://another.test", transport=connections
        )

    assert Outcome.NOT_SENT is ending.outcome
    assert "certificate is not valid for 'another.test'" in str(ending.error)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_asyncio_stumbles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Older Pythons hide why TLS in TLS fails; it is found again."""
    reason = ssl.SSLCertVerificationError(1, "not trusted")

    with pytest.raises(httpcore.ConnectError, match="not trusted"):
        await secured(monkeypatch, reason)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_mistake_is_none_of_tls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A mistake of ours or of a loop's is not taken for a failure of TLS."""
    with pytest.raises(TypeError, match="stumbles"):
        await secured(monkeypatch, ValueError("a mistake"))


async def secured(
    monkeypatch: pytest.MonkeyPatch, reason: Exception
) -> AsyncioStream:
    """Put TLS over a stream on a loop that stumbles over a reason to fail."""

    async def stumble(*_: object, **__: object) -> None:
        stumbled = TypeError("stumbles")
        stumbled.__context__ = reason
        raise stumbled

    monkeypatch.setattr(asyncio.get_running_loop(), "start_tls", stumble)
    inbox = Inbox()
    inbox.transport = mock.Mock()
    stream = AsyncioStream(inbox, httpcore)
    return await stream.start_tls(client_context())
