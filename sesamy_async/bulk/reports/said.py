"""What Sesamy said of rejected rows, in the reports of earlier runs.

The journal does not hold it, so a report that replaces one takes it over.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from .rejected import SAID
from .shelf import Shelf


_COLUMNS = ("#row", "#reason")


def said_before(shelf: Shelf, delimiter: str) -> dict[int, str]:
    """Return it, by the numbers of the rows.

    Args:
        shelf: The reports of rejected rows that are there; only those that
            we wrote and nobody has changed are read.
        delimiter: Between their cells.
    """
    said: dict[int, str] = {}
    for spot in shelf.spots:
        if spot.ours and spot.digest is not None:
            # What can't be read is told where it is to be replaced.
            with suppress(OSError):
                said.update(_said_in(spot.path, delimiter))
    return said


def _said_in(path: Path, delimiter: str) -> Iterator[tuple[int, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows: Iterator[Any] = (
            csv.reader(file, delimiter=delimiter)
            if path.suffix == ".csv"
            else (_cells(json.loads(line)) for line in file)
        )
        for number, reason, *_ in rows:
            words = reason.partition(SAID)[2]
            if words:
                yield int(number), words


def _cells(order: dict[str, Any]) -> list[Any]:
    return [order[name] for name in _COLUMNS]
