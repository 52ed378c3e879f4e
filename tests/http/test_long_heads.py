"""How long the head of an answer may be: the same for all clients."""

from __future__ import annotations

import pytest

from sesamy_async import Outcome
from support.calling import WORLDS, World, create
from support.fault_server import FaultServer
from support.faults import good, message, raw
from support.reaching import Settings, direct, forwarded


KIB = 2**10
LIMIT = 100 * KIB
A_SIP = 8 * KIB
BODY = {"id": "c-1"}


def with_a_head(size: int) -> bytes:
    """Return an answer whose head has so many bytes."""
    bare = message(201, BODY, {"X-Long": ""})
    head = bare.index(b"\r\n\r\n") + 4
    return message(201, BODY, {"X-Long": "x" * (size - head)})


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("way", [direct, forwarded])
@pytest.mark.parametrize(
    ("size", "expected"),
    [(LIMIT, None), (LIMIT + A_SIP + 1, Outcome.UNKNOWN)],
)
def test_one_limit(
    size: int, expected: Outcome | None, way: Settings, world: World
) -> None:
    """Beyond 100 KiB, and 8 more that may pass, nobody looks at the status."""
    with FaultServer([raw(with_a_head(size))], good) as server:
        ending = world.one(create, **way(server))

    assert expected is ending.outcome
