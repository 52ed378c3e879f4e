"""Whatever an attacker answers, a call ends in a `SesamyError` or well."""

from __future__ import annotations

import gzip
import tracemalloc
from functools import partial
from typing import Any

import pytest

from proof.hostile_rows import ROWS, Hostile, confirm
from sesamy_async import (
    AuthenticationError,
    ConnectionFailedError,
    Connections,
    NotFoundError,
    Outcome,
    RateLimit,
    RateLimitError,
)
from support import faults
from support.calling import WORLDS, World, create
from support.fault_server import FaultServer
from support.faults import BOMB, answer, raw


MB = 1_000_000


def fetch(client: Any) -> Any:
    """Ask for something that has no method yet."""
    return client.request("GET", "/x")


worlds = pytest.mark.parametrize("world", WORLDS)
rows = partial(pytest.mark.parametrize, "row", ids=lambda row: row.what)


def hostile(row: Hostile) -> FaultServer:
    """Return a server that answers so once; then all is well."""
    return FaultServer([raw(row.data, stay=not row.ends)], faults.good)


@worlds
@rows(ROWS)
def test_a_hostile_answer(row: Hostile, world: World) -> None:
    """A call ends as its status says, and the next gets its own answer.

    A confirm is of the contract that we named.  Without a token no order is
    sent, and the error says so.
    """
    with hostile(row) as server:
        first, second = world.run(
            [create, create], base_url=server.url, rate_limit=RateLimit()
        )
    with hostile(row) as server:
        confirmed = world.one(confirm, base_url=server.url)
    with hostile(row) as server:
        no_token = world.one(
            create,
            base_url=server.url,
            token_url=f"{server.url}/oauth/token",
            client_id="c",
            client_secret="s3cret",
        )

    assert (row.create, "c-2") == (first.outcome, second.value.id)
    assert row.confirm is confirmed.outcome
    assert confirmed.error or "c-0" == confirmed.value.id
    assert no_token.outcome in {Outcome.NOT_SENT, Outcome.REFUSED}
    assert isinstance(
        no_token.failed, AuthenticationError | ConnectionFailedError
    )
    # A refusal is asked for again in the other encoding.
    assert server.operations in (["POST"], ["POST", "POST"])


@worlds
@pytest.mark.parametrize("size", [2**16, 2**16 + 1])
def test_how_much_of_an_error_is_read(size: int, world: World) -> None:
    """It is 64 KiB; headers count all the same, and a success is longer."""
    body = b"x" * size
    late = answer(429, body, {"Retry-After": "3000"})
    steps = [answer(404, body), late, answer(200, b"x" * 2**19)]
    with FaultServer(steps, faults.good) as server:
        missing, limited, free = world.run(
            [fetch, create, fetch], base_url=server.url
        )

    assert isinstance(missing.error, NotFoundError)
    assert size % 2**16 == (not missing.error.body)
    assert isinstance(limited.error, RateLimitError)
    assert 3000.0 == limited.error.retry_after
    assert 2**19 == len(free.value.content)


def items(size: int) -> bytes:
    """Return a contract of so many bytes, zipped; it becomes many objects."""
    return gzip.compress(
        b'{"id": "c-0", "items": [%s{}]}' % (b"{}," * (size // 3))
    )


@worlds
@pytest.mark.parametrize(
    ("body", "zipped", "outcome", "most"),
    [
        # With all defaults, no answer costs much more than what it is for.
        pytest.param(items(300_000), True, Outcome.APPLIED, 20, id="cut"),
        pytest.param(items(200_000), True, None, 20, id="read"),
        # 30 MB cost no more than a few times the limit.
        pytest.param(BOMB, True, Outcome.UNKNOWN, 6, id="zipped"),
        pytest.param(b"x" * 30 * MB, False, Outcome.UNKNOWN, 6, id="plain"),
        pytest.param(b"[" * 30 * MB, False, Outcome.UNKNOWN, 6, id="nested"),
    ],
)
def test_memory_of_what_is_read(
    body: bytes,
    zipped: bool,
    outcome: Outcome | None,
    most: int,
    world: World,
) -> None:
    """What is read takes so many MB at most, whatever is sent."""
    step = answer(201, body, {"Content-Encoding": "gzip"} if zipped else {})
    limit = Connections(max_response_size=MB)
    with FaultServer([faults.good, step], faults.good) as server:
        tracemalloc.start()
        _, ending, _ = world.run(
            [create] * 3,
            base_url=server.url,
            transport=limit if most < 20 else None,
        )
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert outcome is ending.outcome
    assert most * MB > peak
