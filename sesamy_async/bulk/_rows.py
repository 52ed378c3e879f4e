"""Rows of a source: what they hold and what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Protocol

import attrs

from sesamy_async._models import NewContract


@attrs.frozen
class Problem:
    """A problem of a row; of its cells, it holds at most the order's id.

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
class Remark:
    """Something that is said of many cells; it holds nothing of any cell.

    Attributes:
        text: What was found, such as ``"spaces around it were removed"``.
        warning: Whether the cell is sent as it is, and may be wrong;
            otherwise it was cleaned.
    """

    text: str
    warning: bool = False

    @property
    def asks(self) -> bool:
        """Whether it ends with a question, after which a sentence begins."""
        return self.text.endswith("?")


@attrs.frozen
class Note:
    """A remark on one cell.

    Its values are personal: show them only to a person who has the file.

    Attributes:
        row: The row, counted as in `Problem`.
        column: The header of the column, or the path of the field; empty if
            the note is about the whole row.
        remark: What was found.
        before: What the file has; in no repr.
        after: What is sent; the same in a warning; in no repr.
    """

    row: int
    column: str
    remark: Remark
    before: str = attrs.field(default="", repr=False)
    after: str = attrs.field(default="", repr=False)


@attrs.frozen
class Row:
    """A row as it is in the file.

    Attributes:
        number: The row, counted as in `Problem`.
        cells: Its cells; in JSON, the text of the order; in no repr.
        more: The cells of further lines of the same order; in no repr.
        broken: Why it could not be split into cells; then its only cell is
            its text.
        doubt: Why it may be only a part of an order, although its cells
            are right.
    """

    number: int
    cells: tuple[str, ...] = attrs.field(repr=False)
    more: tuple[tuple[str, ...], ...] = attrs.field(default=(), repr=False)
    broken: str = ""
    doubt: str = ""


@attrs.frozen(kw_only=True)
class Sale:
    """The order of a row, and what it is sold under.

    Attributes:
        order: The order.
        promo_code: Its own promo code, instead of the import's; or None.
        vendor_id: Its own publisher, instead of the client's; or None.
        notes: What was cleaned in it, and what may be wrong with it.
    """

    order: NewContract
    promo_code: str | None = None
    vendor_id: str | None = None
    notes: tuple[Note, ...] = attrs.field(default=(), repr=False, eq=False)


@attrs.frozen
class Mistaken:
    """A row that holds no order that can be sent.

    Attributes:
        problems: All its problems.
        external_order_id: The id of its order, if that can be read.
        perhaps: Else the id that it may have once it is corrected.  This
            may be any text, so no repr shows it.
        notes: What was cleaned in it, and what else may be wrong with it.
    """

    problems: tuple[Problem, ...]
    external_order_id: str | None = None
    perhaps: str | None = attrs.field(default=None, repr=False)
    notes: tuple[Note, ...] = attrs.field(default=(), repr=False, eq=False)


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

NUMBER = "#row"
"""The column, or key, of the row's number in the file of such a report."""

REASON = "#reason"
"""The column, or key, of the reason in a report of rejected rows."""

ORIGINAL = "#externalOrderId"
"""The column, or key, of the id that a row had before it was in a report."""

# No spreadsheet takes a text that begins so for a number, a date or a formula.
_CERTAIN, _POSSIBLE = "id:", "id?"


def id_of(found: Sale | Mistaken) -> tuple[str | None, bool]:
    """Return the id of an order, and whether it is certainly that."""
    if isinstance(found, Sale):
        return found.order.external_order_id, True
    certain = found.external_order_id
    return certain or found.perhaps, bool(certain)


def original_id(found: Sale | Mistaken) -> str:
    """Return what a report says of the id of a row; "" if it has none."""
    order_id, certain = id_of(found)
    return "" if order_id is None else guarded(order_id, certain=certain)


def guarded(order_id: str, *, certain: bool = True) -> str:
    """Return an id in a form in which no spreadsheet changes it.

    It is ASCII, because a spreadsheet may save a file in an encoding that
    has not all letters.
    """
    escaped = json.dumps(order_id)[1:-1]
    return f"{_CERTAIN if certain else _POSSIBLE}{escaped}"


def changed_id(original: object, order_id: str) -> str:
    """Say that an id is not the original one; "" if it is, or none is given.

    A spreadsheet turns ``0018`` into 18, and ``12E3`` into 12000: that would
    be another order.
    """
    said = "" if original is None else str(original).strip()
    if said in ("", guarded(order_id), guarded(order_id, certain=False)):
        return ""
    fix = (
        "put it back, or, if this is another order, keep its new id and empty "
        f"its {ORIGINAL}"
    )
    if said.startswith(_CERTAIN):
        with suppress(ValueError):
            was = json.loads(f'"{said.removeprefix(_CERTAIN)}"')
            return (
                f"was {was!r}, and is {order_id!r} here; did a spreadsheet "
                f"change it? Then {fix}"
            )
    # What is there may be a name, if the row was torn apart.
    return f"is not the id in its {ORIGINAL}; {fix}"


# What begins a formula in one spreadsheet or another (OWASP, "CSV injection").
_FORMULA = (*"=+-@＝＋－＠", "\t", "\r", "\n")  # noqa: RUF001 - full width


def harmless(value: object) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    # Also before apostrophes of its own, so that one can be removed again.
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


_MOST_SHOWN = 20


def first_of(lines: Iterable[str]) -> list[str]:
    """Return the first twenty lines, and how many more there are."""
    rest = iter(lines)
    shown = [*islice(rest, _MOST_SHOWN)]
    if more := sum(1 for _ in rest):
        shown.append(f"and {more:,} more")
    return shown
