"""Where the reports of an import lie."""

from __future__ import annotations

from pathlib import Path

import attrs

from .kind import Kind


STRAYS = "strays"
"""The report that comes on top: its rows are in another one too."""


@attrs.frozen
class Place:
    """The folder and the beginning of the names.

    Attributes:
        folder: Where the journal is.
        stem: Such as ``"orders"`` of ``orders.csv``.
    """

    folder: Path
    stem: str

    def of(self, kind: Kind | str, suffix: str = ".csv") -> Path:
        """Return the path of a report."""
        return self.folder / f"{self.stem}.{kind}{suffix}"
