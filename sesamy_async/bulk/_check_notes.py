"""The rows and problems that a check has seen, in a temporary database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias
from unicodedata import normalize

import attrs

from ._rows import SAME_ROW, Problem
from ._states import Planned


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


def canonical_id(order_id: str) -> str:
    """Return an id without case and Unicode form.

    Two are equal if they are a canonical caseless match (Unicode standard).
    """
    if order_id.isascii():
        return order_id.lower()
    return normalize("NFC", order_id.casefold())


RowNote: TypeAlias = tuple[int, str | None, bytes, bool, int | None]
ProblemNote: TypeAlias = tuple[int, str, str]

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -4096;
PRAGMA temp_store = FILE;
CREATE TABLE rows (
    row INTEGER PRIMARY KEY, order_id TEXT, digest BLOB, known INTEGER,
    canonical INTEGER
);
CREATE TABLE problems (row INTEGER, "column" TEXT, reason TEXT);
CREATE TABLE repeats (
    order_id TEXT PRIMARY KEY, first INTEGER, digest BLOB, other INTEGER
) WITHOUT ROWID;
"""

_ROW = "INSERT INTO rows VALUES (?, ?, ?, ?, ?)"
_PROBLEM = "INSERT INTO problems VALUES (?, ?, ?)"

# A row with a wrong id counts for the order that it seems to be: once it is
# corrected, it would double that.  If all rows of an order are the same,
# `other` is NULL.  SQLite takes `digest` from the row with the lowest number.
_FIND_REPEATS = f"""
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
            THEN '{SAME_ROW}' || first || ': remove this one'
        ELSE 'row ' || iif(rows.digest = repeats.digest, other, first)
            || ' has this externalOrderId too, with other data'
    END
    FROM repeats JOIN rows USING (order_id)
    WHERE other IS NOT NULL OR row > first;
CREATE INDEX by_row ON problems (row);
"""  # noqa: S608 - a constant of ours

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

_PROBLEMS = """
SELECT row, "column", reason FROM problems ORDER BY row, rowid
"""

# Paged by the id, because problems are added between two pages.
_ORDER_IDS = """
SELECT DISTINCT order_id FROM rows
WHERE order_id > ? ORDER BY order_id LIMIT ?
"""

_OF_ORDER = """
INSERT INTO problems SELECT row, '', ? FROM rows WHERE order_id = ?
"""

_PLAN = """
SELECT rows.row, iif(rows.row > first OR NOT known, NULL, rows.order_id),
    "column", reason
FROM rows
LEFT JOIN repeats ON repeats.order_id = rows.order_id
LEFT JOIN problems ON problems.row = rows.row
ORDER BY rows.row, problems.rowid
"""


class Notes:
    """A private database in a temporary file without a name.

    Attributes:
        rows: The number of rows that were noted.
    """

    def __init__(self) -> None:
        self.rows: int = 0
        # One thread may check and another one plan, one after the other.
        self._database = sqlite3.connect(
            "", isolation_level=None, check_same_thread=False
        )
        self._database.executescript(_SCHEMA)

    def add(
        self, rows: Iterable[RowNote], problems: Iterable[ProblemNote]
    ) -> None:
        """Note rows, and their problems."""
        self._database.execute("BEGIN")
        self.rows += self._database.executemany(_ROW, rows).rowcount
        self._database.executemany(_PROBLEM, problems)
        self._database.execute("COMMIT")

    def find_repeats(self) -> None:
        """Note which orders occur more than once, and which ids look alike."""
        self._database.executescript(_FIND_REPEATS + _FIND_ALIKE)

    def order_ids(self, most: int) -> Iterator[list[str]]:
        """Yield all ids, each once, so many at a time.

        It needs the index that `find_repeats` makes.
        """
        last = ""
        while found := self._database.execute(
            _ORDER_IDS, (last, most)
        ).fetchall():
            yield (ids := [each for (each,) in found])
            last = ids[-1]

    def add_to_orders(self, reasons: Iterable[tuple[str, str]]) -> None:
        """Note reasons, each with the id of the order whose rows have it."""
        self._database.execute("BEGIN")
        self._database.executemany(_OF_ORDER, reasons)
        self._database.execute("COMMIT")

    def alike(self) -> Iterator[Alike]:
        """Yield rows whose id looks like that of an earlier one."""
        found = self._database.execute(_ALIKE)
        for _, ids in groupby(found, itemgetter(0)):
            # Not by the hash alone, which two ids may share.
            first: dict[str, int] = {}
            for _, order_id, row in ids:
                other = first.setdefault(canonical_id(order_id), row)
                if other != row:
                    yield Alike(row=row, other=other)

    def wrong_rows(self) -> int:
        """Return how many rows have a problem."""
        query = "SELECT count(DISTINCT row) FROM problems"
        [count] = self._database.execute(query).fetchone()
        return int(count)

    def problems(self) -> Iterator[Problem]:
        """Yield all problems, in the order of the rows."""
        for found in self._database.execute(_PROBLEMS):
            yield Problem(*found)

    def plan(self) -> Iterator[Planned]:
        """Yield all rows, with all problems of each as one reason."""
        found = self._database.execute(_PLAN)
        for (row, order_id), lines in groupby(found, itemgetter(0, 1)):
            reasons = [
                f"{column}: {reason}" if column else reason
                for _, _, column, reason in lines
                if reason is not None
            ]
            yield Planned(
                row=row,
                order_id=order_id,
                reason="; ".join(reasons) if reasons else None,
            )

    def close(self) -> None:
        """Remove the file."""
        self._database.close()
