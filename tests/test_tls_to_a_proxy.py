"""A proxy may be reached over TLS."""

from __future__ import annotations

import pytest

from sesamy_async import Connections, Outcome
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
    assert 0 == far.connections
