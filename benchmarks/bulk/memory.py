"""How much memory an import takes, for few rows and for very many.

Each size is measured in a process of its own.  To send a million orders
would take hours: of the large files all but the last rows are confirmed
already, as after a restart, and the rest is sent.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import attrs

from benchmarks.serving import serving
from sesamy_async.bulk import Change, State
from sesamy_async.bulk.journal import Journal

from .apart import apart, peak
from .importing import client, plan, run, write_orders


_SENT = 10_000
_AT_ONCE = 50
_PAGE = 10_000


@attrs.frozen(kw_only=True)
class Memory:
    """What an import of so many rows took.

    Attributes:
        rows: Of the file.
        sent: How many orders were sent.
        peak: The largest resident size, in MB.
        planned: Seconds to check the file and to write the journal.
    """

    rows: int
    sent: int
    peak: float
    planned: float


def measure(rows: int) -> Memory:
    """Import a file of so many rows, in a process of its own."""
    return apart(_measure, rows)


def _measure(rows: int) -> Memory:
    sent = min(rows, _SENT)
    with (
        serving(None, own=True) as target,
        TemporaryDirectory(dir=Path.cwd()) as folder,
    ):
        file = Path(folder) / "orders.csv"
        write_orders(file, rows)
        start = perf_counter()
        with plan(file, target.base_url) as journal:
            planned = perf_counter() - start
            _confirm_all_before(journal, rows + 2 - sent)
            asyncio.run(_import(file, journal, target.base_url))
            assert rows == journal.counts()[State.CONFIRMED]
    return Memory(rows=rows, sent=sent, peak=peak(), planned=planned)


async def _import(file: Path, journal: Journal, base_url: str) -> None:
    async with client(base_url) as sesamy:
        await run(file, journal, sesamy, _AT_ONCE)


def _confirm_all_before(journal: Journal, row: int) -> None:
    for first in range(2, row, _PAGE):
        rows = range(first, min(first + _PAGE, row))
        journal.apply([Change(row=n, state=State.INTENT) for n in rows])
        journal.apply(
            [
                Change(row=n, state=State.CONFIRMED, contract_id=f"c-{n}")
                for n in rows
            ]
        )
