"""How long an answer may be; what comes behind it is not the next answer."""

from __future__ import annotations

import pytest

from sesamy_async import Connections, Outcome
from support.calling import World, create, later
from support.fault_server import FaultServer, Peer, Step
from support.faults import answer, good, message, raw, tunnel
from support.marks import every_world
from support.patience import patiently
from support.reaching import Settings, direct, forwarded, through_proxy
from support.tls import TARGET, client_context, server_context
from support.tls_proxy import tls_proxy


FIRST = {"id": "c-1"}
STALE = message(201, {"id": "stale"})
DOUBLE = raw(message(201, FIRST) + STALE)
READ_AT_ONCE = 2**16
KIB = 2**10
READ = 8 * KIB
LARGEST_HEAD = 100 * KIB
# Seconds after which all that was sent has arrived, on any machine.
PAUSES = (0.1, 0.5, 2.0)


def in_two_records(peer: Peer) -> None:
    """Answer twice, in two TLS records but one packet."""
    peer.read_request()
    with peer.corked():
        peer.send(message(201, FIRST))
        peer.send(STALE)


def of_just(size: int, *, body: bool = True) -> bytes:
    """Return an answer of so many bytes, with its body or without."""
    short = message(201, FIRST, {"X-Long": ""})
    counted = len(short) if body else short.index(b"\r\n\r\n") + 4
    return message(201, FIRST, {"X-Long": "x" * (size - counted)})


def ids(
    world: World, way: Settings, step: Step, *, tls: bool, pause: float = 0.0
) -> list[str]:
    """Create twice; return the ids of the contracts that come of it."""
    proxied = way is through_proxy
    with FaultServer(
        [tunnel(step) if proxied else step],
        tunnel(good) if proxied else good,
        context=server_context() if tls else None,
    ) as server:
        endings = world.run([create, later(pause, create)], **way(server))
    return [ending.value.id for ending in endings]


@every_world
@pytest.mark.parametrize(
    ("way", "step", "tls"),
    [
        # TLS may hold what nobody has read yet, and the socket not show it.
        pytest.param(direct, in_two_records, True, id="two records"),
        pytest.param(through_proxy, in_two_records, True, id="in a tunnel"),
        # So may a buffer between us and the socket.
        *(
            pytest.param(
                way,
                raw(of_just(size) + STALE),
                False,
                id=f"{size} bytes, {way.__name__}",
            )
            for way in (direct, forwarded)
            for size in (READ, READ_AT_ONCE)
        ),
        # So may TLS, where a record is more than is read at once.
        *(
            pytest.param(
                way,
                raw(of_just(READ) + STALE),
                True,
                id=f"a long record, {way.__name__}",
            )
            for way in (direct, through_proxy)
        ),
    ],
)
def test_bytes_that_wait_somewhere(
    way: Settings, step: Step, tls: bool, world: World
) -> None:
    """Wherever bytes behind an answer wait, they are not the next answer."""
    expected = ["c-1", "c-2"]

    assert expected == patiently(
        expected,
        lambda pause: ids(world, way, step, tls=tls, pause=pause),
        PAUSES,
    )


@every_world
@pytest.mark.parametrize(
    ("way", "tls"),
    [(direct, False), (through_proxy, True), (forwarded, False)],
)
def test_bytes_that_came_with_the_answer(
    way: Settings, tls: bool, world: World
) -> None:
    """The same holds for what was read together with the answer."""
    assert ["c-1", "c-2"] == ids(world, way, DOUBLE, tls=tls)


@every_world
@pytest.mark.parametrize("record", [16, READ_AT_ONCE])
def test_over_tls_to_a_proxy(record: int, world: World) -> None:
    """Both layers of TLS may hold something, and neither is forgotten."""

    def attempt(pause: float) -> tuple[list[object], int]:
        with (
            FaultServer(
                [in_two_records], good, context=server_context()
            ) as far,
            tls_proxy(far.port, record=record) as proxy,
        ):
            connections = Connections(
                ssl_context=client_context(), proxy=proxy
            )
            endings = world.run(
                [create, later(pause, create), create],
                base_url=TARGET,
                transport=connections,
            )
        made = [each.error or each.value.id for each in endings]
        return made, far.connections

    expected = ["c-1", "c-2", "c-3"], 2

    assert expected == patiently(expected, attempt, PAUSES)


@every_world
@pytest.mark.parametrize("status", [204, 304])
def test_a_body_where_none_may_be(status: int, world: World) -> None:
    """Such a body does not spoil the next call."""
    with FaultServer([answer(status, b"body")], good) as server:
        _, ending = world.run([create, create], **direct(server))

    assert "c-2" == ending.value.id


@every_world
@pytest.mark.parametrize("way", [direct, forwarded])
@pytest.mark.parametrize(
    ("size", "expected"),
    [(LARGEST_HEAD, None), (LARGEST_HEAD + READ + 1, Outcome.UNKNOWN)],
)
def test_the_longest_head(
    size: int, expected: Outcome | None, way: Settings, world: World
) -> None:
    """Beyond 100 KiB, and 8 more that may pass, nobody looks at the status."""
    step = raw(of_just(size, body=False))
    with FaultServer([step], good) as server:
        ending = world.one(create, **way(server))

    assert expected is ending.outcome
