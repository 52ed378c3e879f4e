"""Rows of a source: what they hold and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import attrs

from sesamy_async._models import NewContract


@attrs.frozen
class Problem:
    """One thing that is wrong; it never holds the cell's own value.

    Attributes:
        row: The row as a spreadsheet counts it: a header is row 1.  In
            JSON Lines it is the number of the line.
        column: The header of the column, or the path of the field in JSON
            Lines; empty where it is about the whole row.
        reason: What is wrong, such as ``"must be at least 1"``.
    """

    row: int
    column: str
    reason: str

    def __str__(self) -> str:
        place = f"row {self.row}, {self.column}".removesuffix(", ")
        return f"{place}: {self.reason}"


@attrs.frozen
class Row:
    """A row as it stands in the file.

    Attributes:
        number: The row, counted as in `Problem`.
        cells: Its cells; of JSON Lines, the line alone.  Personal, so in
            no repr.
    """

    number: int
    cells: tuple[str, ...] = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Sale:
    """What a right row says: an order, and what it is sold under.

    Attributes:
        order: The order.
        promo_code: Its own, instead of the import's; or None.
        vendor_id: Its own, instead of the client's; or None.
    """

    order: NewContract
    promo_code: str | None = None
    vendor_id: str | None = None


@attrs.frozen
class Mistaken:
    """A row that holds no order that can be sent.

    Attributes:
        problems: All that is wrong with it.
        external_order_id: Which order it is, where that can be read.
        perhaps: Which order it may be once it is mended, where that can't;
            it may be anything that stands there, so it is in no repr.
    """

    problems: tuple[Problem, ...]
    external_order_id: str | None = None
    perhaps: str | None = attrs.field(default=None, repr=False)

    @property
    def reason(self) -> str:
        """What is wrong, as one line."""
        return "; ".join(
            f"{each.column}: {each.reason}" if each.column else each.reason
            for each in self.problems
        )


class Source(Protocol):
    """Rows that can be read again and again, always in the same order.

    An import reads them when it checks, when it sends and when it reports,
    one at a time: a file of a million rows is never in memory.
    """

    @property
    def name(self) -> str:
        """How messages call it, such as ``"orders.csv"``."""
        ...

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the cells, for reports; () for JSON Lines."""
        ...

    def fingerprint(self) -> str:
        """Return what changes when any row, or its meaning, changes.

        A hash of the bytes and of how they are read (encoding, mapping).
        """
        ...

    def records(self) -> Iterator[Row]:
        """Yield the rows as they stand, the first one first.

        Raises:
            InputFileError: They can't be read (on).
        """
        ...

    def read(self, record: Row) -> Sale | Mistaken:
        """Return what a row says, or all that is wrong with it."""
        ...


IGNORED = "#"
"""Columns, or keys, that begin with it are not read."""

REASON = "#reason"
"""The column, or key, of a rejected report that says why."""

SAME_ROW = "the same row as row "
"""What the reason of such a row begins with."""

SENT_BEFORE = (
    "this row was left out because it repeats another one, whose order is "
    f"sent with that: remove the row; or, if it is another order, its {REASON}"
)
"""What is wrong with such a row of a report that is imported."""


KNOWN_ORDER = "its externalOrderId is that of row "
"""What is wrong with a row whose order another import has, in part."""


# The second is in the report of an import of such a report.
_OF_REPEATS = (SAME_ROW, SENT_BEFORE)


def is_repeat(reason: object) -> bool:
    """Whether a reason is that of such a row."""
    return isinstance(reason, str) and (
        # Other mistakes of the row may stand before it.
        reason.startswith(_OF_REPEATS) or KNOWN_ORDER in reason
    )


# What begins a formula in one spreadsheet or another (OWASP, "CSV injection").
_FORMULA = (*"=+-@＝＋－＠", "\t", "\r", "\n")  # noqa: RUF001 - full width


def harmless(value: object) -> str:
    """Return a cell that no spreadsheet takes for a formula.

    None is an empty cell.  An apostrophe in front makes a spreadsheet show
    the rest as it stands.
    """
    text = "" if value is None else str(value)
    # Also before apostrophes of its own, so that one can be taken away again.
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text
