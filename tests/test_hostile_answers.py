"""Whatever an attacker answers, a call ends in a `SesamyError` or well."""

from __future__ import annotations

import tracemalloc
from functools import partial

import pytest

from sesamy_async import (
    AuthenticationError,
    ConnectionFailedError,
    Connections,
    Outcome,
    RateLimit,
)
from support import faults
from support.calling import WORLDS, World, create
from support.fault_server import FaultServer
from support.faults import BOMB, answer, raw
from support.hostile_rows import ROWS, Hostile, confirm


MB = 1_000_000
worlds = pytest.mark.parametrize("world", WORLDS)
rows = partial(pytest.mark.parametrize, "row", ids=lambda row: row.what)


def hostile(row: Hostile) -> FaultServer:
    """Return a server that answers so once; then all is well."""
    return FaultServer([raw(row.data, stay=not row.ends)], faults.good)


@worlds
@rows(ROWS)
def test_a_hostile_answer_to_a_create(row: Hostile, world: World) -> None:
    """It ends as its status says, and the next order gets its own answer."""
    with hostile(row) as server:
        first, second = world.run(
            [create, create], base_url=server.url, rate_limit=RateLimit()
        )

    assert row.create is first.outcome
    assert "c-2" == second.value.id


@worlds
@rows(ROWS)
def test_a_hostile_answer_to_a_confirm(row: Hostile, world: World) -> None:
    """It ends as its status says, and the contract is the one we named."""
    with hostile(row) as server:
        ending = world.one(confirm, base_url=server.url)

    assert row.confirm is ending.outcome
    assert ending.error or "c-0" == ending.value.id


@worlds
@rows(ROWS)
def test_a_hostile_answer_to_a_token_call(row: Hostile, world: World) -> None:
    """There is no token, the order was not sent, and the error says so."""
    with hostile(row) as server:
        ending = world.one(
            create,
            base_url=server.url,
            token_url=f"{server.url}/oauth/token",
            client_id="c",
            client_secret="s3cret",
        )

    assert ending.outcome in {Outcome.NOT_SENT, Outcome.REFUSED}
    assert isinstance(
        ending.failed, AuthenticationError | ConnectionFailedError
    )
    # A refusal is asked for again in the other encoding.
    assert server.operations in (["POST"], ["POST", "POST"])


@worlds
@pytest.mark.parametrize(
    "body",
    [BOMB, b"x" * 30 * MB, b"[" * 30 * MB],
    ids=["zipped", "plain", "nested"],
)
def test_memory_stays_near_the_cap(body: bytes, world: World) -> None:
    """30 MB cost no more than a few times the cap of 1 MB."""
    headers = {"Content-Encoding": "gzip"} if body is BOMB else {}
    step = answer(201, body, headers)
    settings = Connections(max_response_size=MB)
    with FaultServer([faults.good, step], faults.good) as server:
        tracemalloc.start()
        _, ending, _ = world.run(
            [create, create, create],
            base_url=server.url,
            transport=settings,
        )
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert Outcome.UNKNOWN is ending.outcome
    assert 6 * MB > peak
