"""A call ends as it should, whatever bytes it receives."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial

from proof.claim import Claim, Row, Scale, tried
from proof.hostile_rows import ROWS, Hostile, confirm
from sesamy_async import Outcome
from support import faults
from support.calling import World, create
from support.fault_server import FaultServer
from support.faults import raw


_SETTLED = {Outcome.NOT_SENT, Outcome.REFUSED}


def _rows(scale: Scale) -> Iterator[Row]:
    for row in ROWS:
        yield tried(row.what, scale, partial(_once, row))


def _once(row: Hostile, chance: random.Random) -> str | None:
    world = chance.choice(list(World))
    kind = chance.choice(["create", "confirm", "token"])
    step = raw(row.data, stay=not row.ends)
    with FaultServer([step], faults.good) as server:
        login = {
            "token_url": f"{server.url}/oauth/token",
            "client_id": "c",
            "client_secret": "s3cret",
        }
        ending = world.one(
            confirm if kind == "confirm" else create,
            base_url=server.url,
            **(login if kind == "token" else {}),
        )
        received = server.operations
    expected = row.confirm if kind == "confirm" else row.create
    holds = ending.outcome is expected
    if kind == "token":
        holds = ending.outcome in _SETTLED and set(received) == {"POST"}
    where = f"{kind}, {world}"
    return None if holds else f"{where}: {ending.outcome}, {received}"


CLAIM = Claim(
    name="hostile-answers",
    promise=(
        "Whatever bytes a server sends in response to a create, a confirm or "
        "a token request, over a real socket, a call raises nothing but a "
        "`SesamyError`, and its outcome is true: on asyncio, on trio and "
        "blocking."
    ),
    rows=_rows,
    runs=100,
    short=2,
)
