"""What a server sends behind an answer is not the answer to the next order."""

from __future__ import annotations

import pytest

from sesamy_async import Connections
from support.calling import World, create, later
from support.fault_server import FaultServer, Peer, Step
from support.faults import answer, good, message, raw, tunnel
from support.marks import every_world
from support.reaching import Settings, direct, forwarded, through_proxy
from support.tls import TARGET, client_context, server_context
from support.tls_proxy import tls_proxy


FIRST = {"id": "c-1"}
STALE = message(201, {"id": "stale"})
DOUBLE = raw(message(201, FIRST) + STALE)
READ_AT_ONCE = 2**16
A_SIP = 2**13
SOON = later(0.3, create)  # All that was sent has arrived.


def in_two_records(peer: Peer) -> None:
    """Answer twice, in two TLS records but one packet."""
    peer.read_request()
    with peer.corked():
        peer.send(message(201, FIRST))
        peer.send(STALE)


def of_just(size: int) -> bytes:
    """Return an answer of so many bytes."""
    short = message(201, FIRST, {"X-Long": ""})
    return message(201, FIRST, {"X-Long": "x" * (size - len(short))})


def ids(world: World, way: Settings, step: Step, *, tls: bool) -> list[str]:
    """Create twice; return the ids of the contracts that come of it."""
    proxied = way is through_proxy
    with FaultServer(
        [tunnel(step) if proxied else step],
        tunnel(good) if proxied else good,
        context=server_context() if tls else None,
    ) as server:
        endings = world.run([create, SOON], **way(server))
    return [ending.value.id for ending in endings]


@every_world
@pytest.mark.parametrize("way", [direct, through_proxy])
def test_in_a_record_of_its_own(way: Settings, world: World) -> None:
    """TLS may hold what nobody has read yet, and the socket not show it."""
    assert ["c-1", "c-2"] == ids(world, way, in_two_records, tls=True)


@every_world
@pytest.mark.parametrize("way", [direct, forwarded])
@pytest.mark.parametrize("size", [A_SIP, READ_AT_ONCE])
def test_behind_what_is_read_at_once(
    size: int, way: Settings, world: World
) -> None:
    """Nor does a buffer between us and the socket keep it for later."""
    step = raw(of_just(size) + STALE)

    assert ["c-1", "c-2"] == ids(world, way, step, tls=False)


@every_world
@pytest.mark.parametrize("way", [direct, through_proxy])
def test_behind_a_sip_of_a_record(way: Settings, world: World) -> None:
    """Nor does TLS, where a record is more than is read at once."""
    step = raw(of_just(A_SIP) + STALE)

    assert ["c-1", "c-2"] == ids(world, way, step, tls=True)


@every_world
@pytest.mark.parametrize("record", [16, READ_AT_ONCE])
def test_over_tls_to_a_proxy(record: int, world: World) -> None:
    """Both layers of TLS may hold something, and neither is forgotten."""
    with (
        FaultServer([in_two_records], good, context=server_context()) as far,
        tls_proxy(far.port, record=record) as proxy,
    ):
        settings = {
            "base_url": TARGET,
            "transport": Connections(
                ssl_context=client_context(), proxy=proxy
            ),
        }
        endings = world.run([create, SOON, create], **settings)

    assert ["c-1", "c-2", "c-3"] == [
        each.error or each.value.id for each in endings
    ]
    assert 2 == far.connections


@every_world
def test_what_follows_an_answer_is_not_the_next_one(world: World) -> None:
    """Bytes behind an answer must never be taken for the next order's."""
    with FaultServer([DOUBLE], good) as server:
        endings = world.run([create, create], **direct(server))

    assert ["c-1", "c-2"] == [ending.value.id for ending in endings]


@every_world
@pytest.mark.parametrize("way", [through_proxy, forwarded])
def test_what_follows_an_answer_through_a_proxy(
    way: Settings, world: World
) -> None:
    """The same holds for the connections that lead through a proxy."""
    proxied = way is through_proxy
    with FaultServer(
        [tunnel(DOUBLE) if proxied else DOUBLE],
        tunnel(good) if proxied else good,
        context=server_context() if proxied else None,
    ) as server:
        endings = world.run([create, create], **way(server))

    assert ["c-1", "c-2"] == [ending.value.id for ending in endings]


@every_world
@pytest.mark.parametrize("status", [204, 304])
def test_a_body_where_none_may_be(status: int, world: World) -> None:
    """Such a body does not spoil the next call."""
    with FaultServer([answer(status, b"body")], good) as server:
        _, ending = world.run([create, create], **direct(server))

    assert "c-2" == ending.value.id
