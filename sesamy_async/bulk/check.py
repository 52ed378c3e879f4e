"""Check a whole file before anything of it is sent."""

from __future__ import annotations

import os
import sqlite3
from bisect import insort
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from itertools import chain, groupby, islice
from operator import itemgetter
from pathlib import Path
from secrets import token_bytes
from typing import Any, Self, TypeAlias
from unicodedata import normalize

import attrs

from sesamy_async.bulk.reading._fields import PROMO_CODE
from sesamy_async.bulk.reading._table import (
    WRONG_WORD,
    TableSource,
    records_of,
)
from sesamy_async.bulk.reports import ReportError
from sesamy_async.bulk.reports._files import Sheet

from ._rows import (
    Mistaken,
    Note,
    Problem,
    Remark,
    Row,
    Sale,
    Source,
    id_of,
)
from ._states import InputFileError, Planned


@attrs.frozen
class Alike:
    """Two rows whose ids differ in case or in Unicode form only.

    Both are sent, but often one of them is a mistake.

    Attributes:
        row: The later row.
        other: The first row that looks the same.
    """

    row: int
    other: int


_MOST_EXAMPLES, _MOST_ROWS = 3, 20


@attrs.define
class RemarkCount:
    """The same remark on cells of a column.

    Attributes:
        remark: What was found.
        column: The header of the column, or the path of the field; empty
            if it is about whole rows, or about the file.
        count: How many cells it is about.
        rows: The first twenty rows that it is about.
        examples: The first three notes.  Their values are personal: show
            them only to a person who has the file.
    """

    remark: Remark
    column: str
    count: int = 0
    rows: list[int] = attrs.field(factory=list[int])
    examples: list[Note] = attrs.field(factory=list[Note], repr=False)

    def add(self, note: Note) -> None:
        """Count a cell."""
        self.count += 1
        if len(self.rows) < _MOST_ROWS:
            self.rows.append(note.row)
        if len(self.examples) < _MOST_EXAMPLES:
            self.examples.append(note)


@attrs.frozen
class Mistake:
    """The same problem in cells of a column.

    Attributes:
        column: The header of the column; empty if it is about whole rows.
        reason: The reason, as that of a `Problem`.
        word: The word in the cells, if only certain words may be there;
            show it only to a person who has the file.
        count: In how many rows it is.
        rows: The first three of them, such as ``"2, 3, 5"``.
    """

    column: str
    reason: str
    word: str | None = attrs.field(repr=False)
    count: int
    rows: str


class _First:
    """Finds the first three rows; for SQLite."""

    def __init__(self) -> None:
        self._rows: list[int] = []

    def step(self, row: int) -> None:
        """Take a row."""
        insort(self._rows, row)
        del self._rows[3:]

    def finalize(self) -> str:
        """Return the first ones."""
        return ", ".join(map(str, self._rows))


def canonical_id(order_id: str) -> str:
    """Return an id without case and Unicode form.

    Two are equal if they are a canonical caseless match (Unicode standard).
    """
    if order_id.isascii():
        return order_id.lower()
    return normalize("NFC", order_id.casefold())


RowNote: TypeAlias = tuple[
    int, str | None, bytes, bool, int | None, str | None
]
ProblemNote: TypeAlias = tuple[int, str, str, str | None]

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -4096;
PRAGMA temp_store = FILE;
CREATE TABLE rows (
    row INTEGER PRIMARY KEY, order_id TEXT, digest BLOB, known INTEGER,
    canonical INTEGER, vendor_id TEXT
);
CREATE TABLE problems (
    row INTEGER, "column" TEXT, reason TEXT, word TEXT
);
CREATE TABLE repeats (
    order_id TEXT PRIMARY KEY, first INTEGER, digest BLOB, other INTEGER
) WITHOUT ROWID;
"""

_ROW = "INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?)"
_PROBLEM = "INSERT INTO problems VALUES (?, ?, ?, ?)"

# A row with a wrong id counts for the order that it seems to be: once it is
# corrected, it would double that.  If all rows of an order are the same,
# `other` is NULL.  SQLite takes `digest` from the row with the lowest number.
_FIND_REPEATS = """
CREATE INDEX by_order ON rows (order_id) WHERE order_id IS NOT NULL;
INSERT INTO repeats (order_id, first, digest)
    SELECT order_id, min(row), digest FROM rows
    WHERE order_id IS NOT NULL GROUP BY order_id HAVING count(*) > 1;
UPDATE repeats SET other = (
    SELECT min(row) FROM rows
    WHERE rows.order_id = repeats.order_id AND rows.digest != repeats.digest
);
INSERT INTO problems
    SELECT row, '', CASE
        WHEN other IS NULL
            THEN 'the same row as row ' || first || ': remove this one'
        ELSE 'row ' || iif(rows.digest = repeats.digest, other, first)
            || ' has this externalOrderId too, with other data'
    END, NULL
    FROM repeats JOIN rows USING (order_id)
    WHERE other IS NOT NULL OR row > first;
CREATE INDEX by_row ON problems (row);
"""

_FIND_ALIKE = """
CREATE INDEX by_canonical ON rows (canonical) WHERE canonical IS NOT NULL;
CREATE TABLE alike AS
    SELECT canonical FROM rows WHERE canonical IS NOT NULL
    GROUP BY canonical HAVING count(*) > 1;
"""

# The first row of each id, grouped by how the ids look.
_ALIKE = """
SELECT canonical, order_id, first FROM (
    SELECT canonical, order_id, min(row) AS first
    FROM alike JOIN rows USING (canonical) GROUP BY canonical, order_id
) ORDER BY min(first) OVER (PARTITION BY canonical), first
"""

_MISTAKES = """
SELECT "column", reason, iif(?, word, NULL) AS shown, count(*), first(row)
FROM problems GROUP BY "column", reason, shown ORDER BY min(row), min(rowid)
"""

_PLAN = """
SELECT rows.row, iif(rows.row > first OR NOT known, NULL, rows.order_id),
    vendor_id, "column", reason
FROM rows
LEFT JOIN repeats ON repeats.order_id = rows.order_id
LEFT JOIN problems ON problems.row = rows.row
ORDER BY rows.row, problems.rowid
"""


class Checked:
    """All problems of a file, in a temporary file without a name.

    It is a context manager.

    Attributes:
        rows: The number of rows; blank ones don't count.
        invalid: The number of rows that can't be sent.
    """

    def __init__(self) -> None:
        self.rows: int = 0
        self.invalid: int = 0
        self._findings: dict[tuple[Remark, str], RemarkCount] = {}
        # One thread may check and another one plan, one after the other.
        self._database = sqlite3.connect(
            "", isolation_level=None, check_same_thread=False
        )
        first: Any = _First  # Which typeshed believes returns a number.
        self._database.create_aggregate("first", 1, first)
        self._database.executescript(_SCHEMA)

    def add(
        self, rows: Iterable[RowNote], problems: Iterable[ProblemNote]
    ) -> None:
        """Note rows, and their problems."""
        self._database.execute("BEGIN")
        self.rows += self._database.executemany(_ROW, rows).rowcount
        self._database.executemany(_PROBLEM, problems)
        self._database.execute("COMMIT")

    def note(self, notes: Iterable[Note]) -> None:
        """Count what was cleaned, and what may be wrong."""
        for each in notes:
            if each.remark is WRONG_WORD:
                continue
            key = each.remark, each.column
            found = self._findings.get(key)
            if found is None:
                found = self._findings[key] = RemarkCount(*key)
            found.add(each)

    @property
    def cleaned(self) -> tuple[RemarkCount, ...]:
        """What was cleaned, the first first."""
        found = self._findings.values()
        return tuple(each for each in found if not each.remark.warning)

    @property
    def warnings(self) -> tuple[RemarkCount, ...]:
        """What is sent as it is, and may be wrong."""
        found = self._findings.values()
        return tuple(each for each in found if each.remark.warning)

    def find_repeats(self) -> None:
        """Note which orders occur more than once, and which ids look alike."""
        self._database.executescript(_FIND_REPEATS + _FIND_ALIKE)
        query = "SELECT count(DISTINCT row) FROM problems"
        [self.invalid] = self._database.execute(query).fetchone()

    @property
    def valid(self) -> int:
        """The number of rows that can be sent."""
        return self.rows - self.invalid

    def alike(self) -> Iterator[Alike]:
        """Yield rows whose id differs from an earlier one in case or form.

        They are not problems: each is an order of its own.
        """
        found = self._database.execute(_ALIKE)
        for _, ids in groupby(found, itemgetter(0)):
            # Not by the hash alone, which two ids may share.
            first: dict[str, int] = {}
            for _, order_id, row in ids:
                other = first.setdefault(canonical_id(order_id), row)
                if other != row:
                    yield Alike(row=row, other=other)

    def problems(self) -> Iterator[Problem]:
        """Yield all problems, in the order of the rows."""
        query = "SELECT * FROM problems ORDER BY row, rowid"
        for row, column, reason, _ in self._database.execute(query):
            yield Problem(row, column, reason)

    def mistakes(self, *, words: bool) -> Iterator[Mistake]:
        """Yield each mistake once, the first first.

        With `words`, one in another word is another mistake.
        """
        for found in self._database.execute(_MISTAKES, (words,)):
            yield Mistake(*found)

    def planned(self) -> Iterator[Planned]:
        """Yield all rows in order, for a new journal.

        All problems of a row are one reason.
        """
        found = self._database.execute(_PLAN)
        for whose, lines in groupby(found, itemgetter(0, 1, 2)):
            row, order_id, vendor_id = whose
            reasons = [
                f"{column}: {reason}" if column else reason
                for *_, column, reason in lines
                if reason is not None
            ]
            yield Planned(
                row=row,
                order_id=order_id,
                vendor_id=vendor_id,
                reason="; ".join(reasons) if reasons else None,
            )

    def close(self) -> None:
        """Remove the file; nothing can be yielded any more."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


_BATCH = 1000
_NO_PROMO = "is missing, and no promo code is given for the whole file"


def check(
    source: Source,
    *,
    promo_code: str | None,
    strict: bool = False,
    on_rows: Callable[[int], None] | None = None,
) -> Checked:
    """Check all rows, and find all problems of each.

    The problems are in a temporary file without a name, so that memory does
    not grow with the rows.  It is removed when the result is closed.

    Args:
        source: The rows.
        promo_code: The promo code of rows that have none; None if each row
            must have its own.
        strict: Whether warnings are mistakes.
        on_rows: Called at times with the number of rows checked so far,
            and at the end with the number of all rows.

    Returns:
        The problems; close it, or use it in a ``with`` block.

    Raises:
        InputFileError: The rows can't be read, none has a promo code, or
            there is no room for the temporary file; nothing was sent.
    """
    # With a new key each time, nobody can guess a row from its digest.
    keyed = blake2b(digest_size=16, key=token_bytes(32))
    apart = isinstance(source, TableSource) and source.several_lines
    checked = Checked()
    try:
        checked.note(_on_file(source, promo_code, strict=strict))
        records = records_of(source, lambda note: checked.note([note]))
        while batch := [*islice(records, _BATCH)]:
            problems: list[ProblemNote] = []
            rows: list[RowNote] = []
            for each in batch:
                found = source.read(each)
                if found.notes:
                    checked.note(found.notes)
                    if strict:
                        problems += [
                            (it.row, it.column, it.remark.text, None)
                            for it in found.notes
                            if it.remark.warning
                        ]
                problems += _problems(each.number, found, promo_code)
                digest = _digest(each, keyed.copy(), apart=apart)
                rows.append(_note(each.number, found, digest))
            checked.add(rows, problems)
            if on_rows is not None:
                on_rows(checked.rows)
        checked.find_repeats()
    except BaseException as error:
        checked.close()
        if not isinstance(error, sqlite3.Error):
            raise
        reason = str(error)
    else:
        return checked
    # Not that error, whose traceback leads to the cells of a row.
    raise InputFileError(
        f"{source.name} can't be checked: the temporary database says "
        f"{reason!r}. Free some space, or set TMPDIR to a folder that has "
        "some."
    )


def notes_on(source: Source) -> tuple[Note, ...]:
    """Return what was found out about a file as a whole; a source may say."""
    notes: tuple[Note, ...] = getattr(source, "notes", ())
    return notes


def _on_file(
    source: Source, promo_code: str | None, *, strict: bool
) -> tuple[Note, ...]:
    """Return the notes on a file, unless all of its rows are wrong."""
    unnamed = isinstance(source, TableSource) and not source.names_promo
    if promo_code is None and unnamed:
        raise InputFileError(
            f"{source.name} has no column {PROMO_CODE}: give the promo code "
            "of its orders with --promo."
        )
    notes = notes_on(source)
    doubts = [it.remark.text for it in notes if it.remark.warning]
    if strict and doubts:
        raise InputFileError(
            f"{source.name}: {'; '.join(doubts)}. This is a warning: without "
            "--strict, the file is imported."
        )
    return notes


def _problems(
    row: int, found: Sale | Mistaken, promo_code: str | None
) -> Iterable[ProblemNote]:
    if isinstance(found, Mistaken):
        words = {
            it.column: it.before
            for it in found.notes
            if it.remark is WRONG_WORD
        }
        return [
            (it.row, it.column, it.reason, words.get(it.column))
            for it in found.problems
        ]
    if promo_code is None and found.promo_code is None:
        return ((row, PROMO_CODE, _NO_PROMO, None),)
    return ()


def _digest(record: Row, keyed: blake2b, *, apart: bool) -> bytes:
    """Return what tells whether two rows are the same."""
    cells = "\0".join(chain(record.cells, *record.more))
    if apart:
        # The same line once more is another line of its order.
        cells = f"{cells}\0{record.number}"
    keyed.update(cells.encode(errors="surrogatepass"))
    return keyed.digest()


def _note(row: int, found: Sale | Mistaken, digest: bytes) -> RowNote:
    order_id, known = id_of(found)
    canonical = None if order_id is None else hash(canonical_id(order_id))
    vendor = found.vendor_id if isinstance(found, Sale) else None
    return row, order_id, digest, known, canonical, vendor


def write_problems(
    checked: Checked, path: str | os.PathLike[str], *, delimiter: str = ","
) -> None:
    """Write all problems as CSV: row, column, reason.

    The file has mode 0600, and is UTF-8 with a byte order mark, as
    spreadsheets expect it.  No cell is a formula.  A file that is there is
    replaced as a whole; without problems, none is written.

    Args:
        checked: The result of the check.
        path: Where to write it.
        delimiter: The character between cells.

    Raises:
        InputFileError: It can't be written.
    """
    sheet = Sheet(
        Path(path), header=("row", "column", "reason"), delimiter=delimiter
    )
    try:
        for each in checked.problems():
            sheet.add(each.row, each.column, each.reason)
        sheet.keep()
    except ReportError as error:
        # Without its advice: there is no journal yet.
        raise InputFileError(str(error.args[0])) from None
    except OSError as error:
        reason = f"{path} can't be written: {error.strerror}."
        raise InputFileError(reason) from None
    finally:
        sheet.discard()
