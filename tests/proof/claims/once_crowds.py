"""Many processes that report the same orders at once."""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from proof.claim import Claim, Row, Scale
from proof.kills.served import served
from proof.once.forge import Forge, forge
from proof.once.job import LIMIT, Worker
from proof.once.judge import doubled, untrue
from proof.once.trials import WORLDS, Bench, crowd_trial
from support.servers import Postgres, Redis


_FEW_PROCESSES, _FEW, _FEW_MOST = 4, 40, 60
_PROCESSES, _MANY, _MOST = 8, 200, 1.5
_BRIEF = 20
_STORM = 300
_FAULTS = {"delay:0.05": 0.3}


def _rows(scale: Scale) -> Iterator[Row]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        forged = stack.enter_context(forge())
        sandbox = stack.enter_context(
            served(folder / "notes", scale.seed, _FAULTS)
        )
        postgres = stack.enter_context(Postgres(on_disk=not scale.brief))
        redis = stack.enter_context(Redis(on_disk=not scale.brief))
        stores: dict[str, tuple[str, Callable[[], None] | None]] = {
            "SQLite": (f"sqlite://{folder}/orders.db", None),
            "Postgres": (postgres.url, lambda: _crash(postgres)),
            "Redis": (redis.url, lambda: _crash(redis)),
        }
        for name, (url, crash) in stores.items():
            bench = Bench(sandbox, url)
            yield _crowd(name, bench, forged, scale, few=True)
            if not scale.brief:
                # The storm has as many processes.
                yield _crowd(name, bench, forged, scale, few=False)
            yield _storm(name, bench, forged, scale, crash)


def _crowd(
    name: str, bench: Bench, forged: Forge, scale: Scale, *, few: bool
) -> Row:
    many = _FEW if few else _MANY
    many = min(many, _BRIEF) if scale.brief else many
    processes = _FEW_PROCESSES if few else _PROCESSES
    tries = [
        crowd_trial(
            bench,
            forged,
            processes=processes,
            orders=many,
            at_once=10,
            most=_FEW_MOST / _FEW if few else _MOST,
        )
        for _ in range(scale.runs)
    ]
    return Row(
        what=f"{name}: {processes} processes, the same {many} orders",
        runs=scale.runs,
        violations=tuple(found for found, _ in tries if found is not None),
        figure=f"{max(made for _, made in tries):.2f} creates per order",
    )


def _crash(server: Postgres | Redis) -> None:
    server.kill()
    server.start()


def _storm(
    name: str,
    bench: Bench,
    forged: Forge,
    scale: Scale,
    crash: Callable[[], None] | None,
) -> Row:
    """Kill processes, and the server in the middle of it all."""
    many = _BRIEF if scale.brief else _STORM
    problems = [
        _storm_trial(bench, forged, many, scale.chance(name, run), crash)
        for run in range(scale.runs)
    ]
    what = f"{name}: {_PROCESSES} processes, {many} orders, 4 killed"
    return Row(
        what=what if crash is None else f"{what}, the server too",
        runs=scale.runs,
        violations=tuple(filter(None, problems)),
    )


def _storm_trial(
    bench: Bench,
    forged: Forge,
    many: int,
    chance: random.Random,
    crash: Callable[[], None] | None,
) -> str | None:
    orders = bench.orders(many, "storm")
    workers = [
        Worker(
            world=WORLDS[number % len(WORLDS)],
            orders=(*chance.sample(orders, many),),
            at_once=many // 6,
            after=chance.uniform(0.3, 2.0) if number % 2 else LIMIT,
        )
        for number in range(_PROCESSES)
    ]
    later = threading.Timer(chance.uniform(0.3, 1.0), crash or time.time)
    later.start()
    first = bench.run(forged, *workers, lasts=5.0)
    later.join()
    again = bench.run(
        forged, Worker(world="asyncio", orders=orders, at_once=20)
    )
    contracts = bench.served.ledger()["orders"]
    lost = [each for each in again.said if not each.done]
    return (
        first.broken
        or again.broken
        or doubled(contracts, orders)
        or untrue(contracts, [*first.said, *again.said])
        or (f"lost: {lost[0]}" if lost else None)
    )


CLAIM = Claim(
    name="once-crowds",
    promise=(
        "Up to eight processes, blocking and async, that onboard the same "
        "orders at once with one store all get the same contract for each "
        "order, and create at most 1.5 contracts per order. Kills of "
        "processes and of the store's server do not change this."
    ),
    rows=_rows,
    runs=5,
    short=1,
)
