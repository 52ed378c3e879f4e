"""What is wrong with a cell of the file."""

from __future__ import annotations

import attrs


@attrs.frozen
class Problem:
    """One thing that is wrong; it never holds the cell's own value.

    Attributes:
        row: The row as a spreadsheet counts it: a header is row 1.  In
            JSON Lines it is the number of the line.
        column: The header of the column, or the path of the field in JSON
            Lines; empty where it is about the whole row.
        reason: What is wrong, such as ``"must be at least 1"``.

    .. versionadded:: 0.1.0
    """

    row: int
    column: str
    reason: str

    def __str__(self) -> str:
        place = f"row {self.row}, {self.column}".removesuffix(", ")
        return f"{place}: {self.reason}"
