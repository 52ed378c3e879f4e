"""How fast a file is checked, and how much memory that takes.

``python -m benchmarks.bulk.check_speed``: each size in a process of its own,
as CSV and as JSON Lines, with all rows right and with a mistake in each
tenth.  Repeated orders are looked for, as in an import.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import attrs

from benchmarks.payload import ROOT
from sesamy_async.bulk.check import check
from sesamy_async.bulk.reading import open_source

from .apart import apart, peak


_ORDERS = ROOT / "examples" / "orders.csv"
_SIZES = (10_000, 100_000, 1_000_000)
_WRONG_EACH = 10


@attrs.frozen(kw_only=True)
class Speed:
    """What a check took.

    Attributes:
        seconds: From the first row to the last, repeats included.
        processor: Of that, seconds of processor time.
        peak: The largest resident size, in MB.
        invalid: Rows that can't be sent.
    """

    seconds: float
    processor: float
    peak: float
    invalid: int


def measure(path: Path) -> Speed:
    """Check a file, in a process of its own."""
    return apart(_measure, path)


def _measure(path: Path) -> Speed:
    source = open_source(path)
    start, used = perf_counter(), process_time()
    with check(source, promo_code="SPRING-12") as checked:
        return Speed(
            seconds=perf_counter() - start,
            processor=process_time() - used,
            peak=peak(),
            invalid=checked.invalid,
        )


def write(path: Path, rows: int, *, mistakes: bool) -> None:
    """Write so many orders: those of the example, with ids of their own."""
    with _ORDERS.open(encoding="utf-8", newline="") as file:
        header, *cells = csv.reader(file)
    table = _rows(cells, rows, mistakes=mistakes)
    with path.open("w", encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            csv.writer(file).writerows([header])
            csv.writer(file).writerows(table)
            return
        for row in table:
            line = json.dumps(_order(header, row), ensure_ascii=False)
            file.write(f"{line}\n")


def _rows(
    cells: list[list[str]], rows: int, *, mistakes: bool
) -> Iterator[list[str]]:
    for number in range(rows):
        row = [f"A-{number:07}", *cells[number % len(cells)][1:]]
        if mistakes and number % _WRONG_EACH == 0:
            row[1] = "klarma"
        yield row


def _order(header: list[str], cells: list[str]) -> dict[str, Any]:
    order: dict[str, Any] = {}
    for name, cell in zip(header, cells, strict=True):
        if cell:
            *above, last = name.split(".")
            place = order
            for each in above:
                place = place.setdefault(each, {})
            place[last] = int(cell) if name == "quantity" else cell
    return order


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser("python -m benchmarks.bulk.check_speed")
    parser.add_argument(
        "--short", action="store_true", help="see that it runs, in seconds"
    )
    sizes = (1000,) if parser.parse_args().short else _SIZES
    print("| file | rows | wrong | rows/s | s | processor, s | MB |")
    print("|---|---|---|---|---|---|---|")
    for ending in ("csv", "jsonl"):
        for rows in sizes:
            for mistakes in (False, True):
                with TemporaryDirectory() as folder:
                    path = Path(folder) / f"orders.{ending}"
                    write(path, rows, mistakes=mistakes)
                    speed = measure(path)
                assert speed.invalid == mistakes * rows // _WRONG_EACH
                _show(ending, rows, speed)


def _show(file: str, rows: int, speed: Speed) -> None:
    print(
        f"| {file} | {rows:,} | {speed.invalid:,} "
        f"| {rows / speed.seconds:,.0f} | {speed.seconds:.1f} "
        f"| {speed.processor:.1f} | {speed.peak:.0f} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
