"""What somebody has in hand after a run: reports that are whole and true."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from sesamy_async.bulk import Confirm, Entry
from sesamy_async.bulk._states import kind_of


_PAGE = "page.html"
_HIDDEN = (".orders.", ".page.", "orders.csv.journal.")


@attrs.frozen
class Hand:
    """The reports in a folder.

    Attributes:
        files: The content of each, by its name.
    """

    files: Mapping[str, bytes]

    @classmethod
    def of(cls, folder: Path) -> Hand:
        """Read them."""
        names = [*folder.glob("orders.*.csv"), *folder.glob(_PAGE)]
        return cls({each.name: each.read_bytes() for each in names})

    def torn(
        self, before: Hand, entries: Sequence[Entry], confirm: Confirm
    ) -> Iterator[str]:
        """Yield what is neither as before a run nor as the run has left it.

        Args:
            before: What was there.
            entries: What the journal says now.
            confirm: When contracts are confirmed.
        """
        true = _reported(entries, confirm)
        for name, content in self.files.items():
            if content == before.files.get(name):
                continue
            if name == _PAGE:
                if not content.endswith(b"</html>\n"):
                    yield f"{name} has no end"
            elif (has := _rows(content)) != true.get(name, []):
                yield f"{name} has {has}, and not {true.get(name)}"

    def untrue(
        self, entries: Sequence[Entry], confirm: Confirm
    ) -> Iterator[str]:
        """Yield what is not as a run that came to its end has left it."""
        yield from self.torn(Hand({}), entries, confirm)
        wanted = {_PAGE, *_reported(entries, confirm)}
        if wanted != {*self.files}:
            yield f"there are {sorted(self.files)}, not {sorted(wanted)}"


def left_over(folder: Path) -> list[str]:
    """Return the files that nobody has asked for."""
    return sorted(
        each.name
        for each in folder.iterdir()
        if each.name.startswith(_HIDDEN) or each.name.endswith("-wal")
    )


def _reported(
    entries: Sequence[Entry], confirm: Confirm
) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in entries:
        kinds = [str(kind_of(each.state, confirm))]
        for kind in [*kinds, *(["strays"] if each.strays else [])]:
            found.setdefault(f"orders.{kind}.csv", []).append(str(each.row))
    return found


def _rows(content: bytes) -> list[str]:
    """Return the numbers of the rows of a report that is whole."""
    text = content.decode("utf-8-sig")
    header, *rows = csv.reader(io.StringIO(text, newline=""))
    whole = text.endswith("\n") and {len(header)} == {*map(len, rows)}
    return [row[0] for row in rows] if whole else ["torn"]
