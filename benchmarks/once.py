"""What a store of orders costs: ``python -m benchmarks.once [--short]``.

Onboardings without a store and with one take turns, against a sandbox in a
process of its own; the differences are those of neighbours.
"""

from __future__ import annotations

import argparse
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

import anyio
import attrs

from sesamy_async import AsyncSesamy, NewContract, Sesamy, User
from sesamy_async.idempotency import SQLiteStore
from sesamy_async.sandbox import Sandbox

from .machine import machine
from .pairing import Spread
from .report import table


_PROMO = "SPRING-12"
_AT_ONCE = 50
_SERVE = """
import sys
from sesamy_async.sandbox import Sandbox, SandboxConfig, serve
def tell(url):
    print(url, flush=True)
serve(Sandbox(SandboxConfig(rate_limit=None)), port=0, ready=tell)
"""
_numbers = count()


@attrs.frozen
class Scale:
    """How much is measured.

    Attributes:
        pairs: Of onboardings, one after the other.
        crowd: Onboardings at 50 at once.
    """

    pairs: int
    crowd: int


def main(given: Sequence[str] | None = None) -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser("python -m benchmarks.once")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--folder", type=Path, help="of the disk to measure")
    told = parser.parse_args(given)
    scale = Scale(5, 60) if told.short else Scale(1_000, 3_000)
    with (
        tempfile.TemporaryDirectory(dir=told.folder) as name,
        _served() as url,
    ):
        folder = Path(name)
        settings = _settings(url)
        rows = [
            _row(
                "a durable commit of SQLite, ms", commits(folder, scale.pairs)
            ),
            *anyio.run(partial(_awaited, folder, settings, scale)),
            _row(
                "onboard, blocking: more with a store, ms",
                _blocking(folder, settings, scale),
            ),
        ]
    where = machine()
    print(
        f"{where['implementation']} {where['python']}, {where['system']} "
        f"{where['architecture']}, "
        f"SQLite {sqlite3.sqlite_version}.\n"
    )
    print(table(["what", "median", "quartiles", "count"], rows))


def _order() -> NewContract:
    return NewContract(
        external_order_id=f"o-{next(_numbers)}",
        payment_method="CARD",
        user_data=User(email="kim@example.se"),
    )


@contextmanager
def _served() -> Iterator[str]:
    with subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", _SERVE], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _settings(url: str) -> dict[str, Any]:
    named = Sandbox().environment(url)
    return {
        name.removeprefix("SESAMY_").lower(): value
        for name, value in named.items()
    } | {"rate_limit": None}


def commits(folder: Path, count: int) -> list[float]:
    """Return what the disk takes for the least that can be durable."""
    db = sqlite3.connect(folder / "bare.db", isolation_level=None)
    db.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "CREATE TABLE t (a)"
    )
    seconds: list[float] = []
    for number in range(count):
        start = perf_counter()
        db.execute("INSERT INTO t VALUES (?)", (number,))
        seconds.append(perf_counter() - start)
    db.close()
    return seconds


async def _awaited(
    folder: Path, settings: dict[str, Any], scale: Scale
) -> list[list[str]]:
    store = SQLiteStore(folder / "async.db")
    async with (
        AsyncSesamy(**settings, idempotency=False) as without,
        AsyncSesamy(**settings, idempotency=store) as over,
    ):
        for client in (without, over):
            await client.contracts.onboard(_PROMO, _order())
        more: list[float] = []
        for _ in range(scale.pairs):
            start = perf_counter()
            await without.contracts.onboard(_PROMO, _order())
            middle = perf_counter()
            await over.contracts.onboard(_PROMO, _order())
            more.append(perf_counter() - middle - (middle - start))
        rates = {
            what: await _crowd(client, scale)
            for what, client in (("no store", without), ("SQLite", over))
        }
    store.close()
    return [
        _row("onboard, asyncio: more with a store, ms", more),
        *[
            [
                f"onboard, {_AT_ONCE} at once, {what}: orders a second",
                f"{rate:,.0f}",
                "",
                f"{scale.crowd:,}",
            ]
            for what, rate in rates.items()
        ],
    ]


async def _crowd(client: AsyncSesamy, scale: Scale) -> float:
    rest = iter(range(scale.crowd))

    async def work() -> None:
        for _ in rest:
            await client.contracts.onboard(_PROMO, _order())

    start = perf_counter()
    async with anyio.create_task_group() as group:
        for _ in range(_AT_ONCE):
            group.start_soon(work)
    return scale.crowd / (perf_counter() - start)


def _blocking(
    folder: Path, settings: dict[str, Any], scale: Scale
) -> list[float]:
    store = SQLiteStore(folder / "blocking.db")
    more: list[float] = []
    with (
        Sesamy(**settings, idempotency=False) as without,
        Sesamy(**settings, idempotency=store) as over,
    ):
        for client in (without, over):
            client.contracts.onboard(_PROMO, _order())
        for _ in range(scale.pairs):
            start = perf_counter()
            without.contracts.onboard(_PROMO, _order())
            middle = perf_counter()
            over.contracts.onboard(_PROMO, _order())
            more.append(perf_counter() - middle - (middle - start))
    store.close()
    return more


def _row(what: str, seconds: list[float]) -> list[str]:
    spread = Spread.of([1_000 * each for each in seconds])
    between = f"{spread.q1:.2f} to {spread.q3:.2f}"
    return [what, f"{spread.median:.2f}", between, f"{spread.count:,}"]


if __name__ == "__main__":
    main()
