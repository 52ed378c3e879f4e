"""Rows of a source: what they hold and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import attrs

from sesamy_async._models import NewContract


@attrs.frozen
class Problem:
    """A problem of a row; it never holds the value of a cell.

    Attributes:
        row: The row as a spreadsheet counts it: a header is row 1.  In
            JSON Lines it is the number of the line.
        column: The header of the column, or the path of the field in JSON
            Lines; empty if the problem is about the whole row.
        reason: The reason, such as ``"must be at least 1"``.
    """

    row: int
    column: str
    reason: str

    def __str__(self) -> str:
        place = f"row {self.row}, {self.column}".removesuffix(", ")
        return f"{place}: {self.reason}"


@attrs.frozen
class Row:
    """A row as it is in the file.

    Attributes:
        number: The row, counted as in `Problem`.
        cells: Its cells; in JSON Lines, the line; in no repr.
    """

    number: int
    cells: tuple[str, ...] = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Sale:
    """The order of a row, and what it is sold under.

    Attributes:
        order: The order.
        promo_code: Its own promo code, instead of the import's; or None.
        vendor_id: Its own publisher, instead of the client's; or None.
    """

    order: NewContract
    promo_code: str | None = None
    vendor_id: str | None = None


@attrs.frozen
class Mistaken:
    """A row that holds no order that can be sent.

    Attributes:
        problems: All its problems.
        external_order_id: The id of its order, if that can be read.
        perhaps: Else the id that it may have once it is corrected.  This
            may be any text, so no repr shows it.
    """

    problems: tuple[Problem, ...]
    external_order_id: str | None = None
    perhaps: str | None = attrs.field(default=None, repr=False)

    @property
    def reason(self) -> str:
        """All problems in one line."""
        return "; ".join(
            f"{each.column}: {each.reason}" if each.column else each.reason
            for each in self.problems
        )


class Source(Protocol):
    """Rows that can be read again and again, always in the same order.

    An import reads them one at a time when it checks, sends and reports.
    """

    @property
    def name(self) -> str:
        """Its name in messages, such as ``"orders.csv"``."""
        ...

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the cells, for reports; () for JSON Lines."""
        ...

    def fingerprint(self) -> str:
        """Return a hash of the rows and of how they are read."""
        ...

    def records(self) -> Iterator[Row]:
        """Yield the rows as they are, in order.

        Raises:
            InputFileError: They can't be read (on).
        """
        ...

    def read(self, record: Row) -> Sale | Mistaken:
        """Return the order of a row, or all its problems."""
        ...


IGNORED = "#"
"""Columns, or keys, that begin with it are not read."""

REASON = "#reason"
"""The column, or key, of the reason in a report of rejected rows."""

SAME_ROW = "the same row as row "
"""The beginning of the reason of a row that repeats another one."""

SENT_BEFORE = (
    "this row was left out because it repeats another one, whose order is "
    f"sent with that: remove the row; or, if it is another order, its {REASON}"
)
"""The reason of such a row if the report is imported."""

KNOWN_ORDER = "its externalOrderId is that of row "
"""A part of the reason of a row whose order another import has."""


def is_repeat(reason: object) -> bool:
    """Whether a reason is that of a row which repeats another one."""
    return isinstance(reason, str) and (
        # A report may be one of a report; and other reasons may come first.
        reason.startswith((SAME_ROW, SENT_BEFORE)) or KNOWN_ORDER in reason
    )


# What begins a formula in one spreadsheet or another (OWASP, "CSV injection").
_FORMULA = (*"=+-@＝＋－＠", "\t", "\r", "\n")  # noqa: RUF001 - full width


def harmless(value: object) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    # Also before apostrophes of its own, so that one can be removed again.
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text
