"""One report, which is made with its first row."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import attrs

from .cells import harmless
from .draft import Draft, sweep


# With a byte order mark, or a spreadsheet takes it for another encoding.
_ENCODING = "utf-8-sig"


@attrs.define
class Report:
    """A text file of one line for each row.

    Attributes:
        path: Where it belongs.
        rows: How many it has, a header left out.
    """

    path: Path
    rows: int = attrs.field(default=0, init=False)
    _draft: Draft | None = attrs.field(default=None, init=False)
    _encoding: str = attrs.field(default="utf-8", init=False)

    def line(self, text: str) -> None:
        """Write a row as it is."""
        self._opened().file.write(f"{text}\n")
        self._count()

    def digest(self) -> bytes | None:
        """Write it to its end; return its digest, None without rows.

        Raises:
            ReportError: It can't be written.
        """
        return None if self._draft is None else self._draft.digest()

    def keep(self) -> None:
        """Put it in its place; without rows, nothing is there.

        Raises:
            ReportError: That can't be done.
        """
        if self._draft is None:
            sweep(self.path)
            self.path.unlink(missing_ok=True)
        else:
            self._draft.keep()

    def discard(self) -> None:
        """Leave nothing that is not in its place."""
        if self._draft is not None:
            self._draft.discard()
            self._draft = None

    def _count(self) -> None:
        self.rows += 1

    def _opened(self) -> Draft:
        if self._draft is None:
            self._draft = Draft.begin(self.path, self._encoding)
        return self._draft


@attrs.define
class Sheet(Report):
    """A table that a spreadsheet opens.

    Attributes:
        header: Its first line.
        delimiter: Between its cells.
    """

    header: Sequence[str] = attrs.field(kw_only=True)
    delimiter: str = attrs.field(kw_only=True)
    _encoding: str = attrs.field(default=_ENCODING, init=False)

    def add(self, *values: object) -> None:
        """Write a row, of which no cell runs as a formula."""
        self.add_as_is([harmless(value) for value in values])

    def add_as_is(self, cells: Sequence[str]) -> None:
        """Write a row exactly as it is."""
        writer = csv.writer(self._opened().file, delimiter=self.delimiter)
        if not self.rows:
            writer.writerow(self.header)
        writer.writerow(cells)
        self._count()
