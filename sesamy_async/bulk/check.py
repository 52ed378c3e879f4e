"""Check a whole file before anything of it is sent."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from secrets import token_bytes
from typing import Self

from sesamy_async.bulk.journal import Journal, journal_path
from sesamy_async.bulk.journal._files import (
    SUFFIX,
    followed,
    is_journal,
    same_file,
)
from sesamy_async.bulk.reading._fields import PROMO_CODE
from sesamy_async.bulk.reports import Place, ReportError
from sesamy_async.bulk.reports._files import Sheet

from ._check_notes import Alike, Notes, ProblemNote, RowNote, canonical_id
from ._rows import KNOWN_ORDER, REASON, Mistaken, Problem, Row, Sale, Source
from ._states import (
    Entry,
    InputFileError,
    JournalBusyError,
    JournalError,
    JournalMismatchError,
    Planned,
    State,
)


_BATCH = 1000
_NO_PROMO = "required, for no promo code is given for the whole file"


def check(
    source: Source,
    *,
    promo_code: str | None,
    on_rows: Callable[[int], None] | None = None,
    journals: Iterable[Journal] = (),
) -> Checked:
    """Check all rows, and find all problems of each.

    The problems, with the order ids, are in a temporary file without a name,
    so that memory does not grow with the rows.  It is removed when the
    result is closed.

    Args:
        source: The rows.
        promo_code: The promo code of rows that have none; None if each row
            must have its own.
        on_rows: Called at times with the number of rows checked so far,
            and at the end with the number of all rows.
        journals: The journals of other imports, opened by
            `related_journals`.  A row is wrong if one of them has its
            order, unless the order was rejected there.

    Returns:
        The problems; close it, or use it in a ``with`` block.

    Raises:
        InputFileError: The rows can't be read, or there is no room for the
            temporary file; nothing was sent.
        JournalError: One of the journals can't be read; nothing was sent.
    """
    # With a new key each time, nobody can guess a row from its digest.
    needs_promo = promo_code is None
    keyed = blake2b(digest_size=16, key=token_bytes(32))
    notes = Notes()
    try:
        records = source.records()
        while batch := [*islice(records, _BATCH)]:
            problems: list[ProblemNote] = []
            rows = [
                _note(each, source.read(each), keyed, problems, needs_promo)
                for each in batch
            ]
            notes.add(rows, problems)
            if on_rows is not None:
                on_rows(notes.rows)
        notes.find_repeats()
        for journal in journals:
            _find_known(notes, journal)
        return Checked(notes)
    except BaseException as error:
        notes.close()
        if not isinstance(error, sqlite3.Error):
            raise
        said = str(error)
    raise InputFileError(
        f"{source.name} can't be checked: the temporary database says "
        f"{said!r}. Make room, or let TMPDIR name a folder that has some."
    )


def _note(
    record: Row,
    found: Sale | Mistaken,
    keyed: blake2b,
    problems: list[ProblemNote],
    needs_promo: bool,  # noqa: FBT001 - called for each row
) -> RowNote:
    """Return the note of a row, and add its problems."""
    known = True
    if isinstance(found, Mistaken):
        order_id = found.external_order_id or found.perhaps
        known = bool(found.external_order_id)
        problems += [(it.row, it.column, it.reason) for it in found.problems]
    else:
        order_id = found.order.external_order_id
        if needs_promo and found.promo_code is None:
            problems.append((record.number, PROMO_CODE, _NO_PROMO))
    digest = keyed.copy()
    cells = "\0".join(record.cells)
    digest.update(cells.encode(errors="surrogatepass"))
    canonical = None if order_id is None else hash(canonical_id(order_id))
    return (record.number, order_id, digest.digest(), known, canonical)


class Checked:
    """All problems of a file; a context manager.

    Attributes:
        rows: The number of rows; blank ones don't count.
        valid: The number of rows that can be sent.
        invalid: The number of the others.
    """

    def __init__(self, notes: Notes) -> None:
        self.rows: int = notes.rows
        self.invalid: int = notes.wrong_rows()
        self.valid: int = self.rows - self.invalid
        self._notes = notes

    def problems(self) -> Iterator[Problem]:
        """Yield all problems, in the order of the rows."""
        return self._notes.problems()

    def alike(self) -> Iterator[Alike]:
        """Yield rows whose id differs from an earlier one in case or form.

        They are not problems: each is an order of its own.
        """
        return self._notes.alike()

    def planned(self) -> Iterator[Planned]:
        """Yield all rows in order, for a new journal."""
        return self._notes.plan()

    def close(self) -> None:
        """Remove the temporary file; nothing can be yielded any more."""
        self._notes.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def write_problems(checked: Checked, path: str | os.PathLike[str]) -> None:
    """Write all problems as CSV: row, column, reason.

    The file has mode 0600, and is UTF-8 with a byte order mark, as
    spreadsheets expect it.  No cell is a formula.  A file that is there is
    replaced as a whole; without problems, none is written.

    Args:
        checked: The result of the check.
        path: Where to write it.

    Raises:
        InputFileError: It can't be written.
    """
    sheet = Sheet(
        Path(path), header=("row", "column", "reason"), delimiter=","
    )
    try:
        for each in checked.problems():
            sheet.add(each.row, each.column, each.reason)
        sheet.keep()
    except ReportError as error:
        # Without its advice: there is no journal yet.
        said = str(error.args[0])
    except OSError as error:
        said = f"{path} can't be written: {error.strerror}."
    else:
        return
    finally:
        sheet.discard()
    raise InputFileError(said)


_AT_ONCE = 500

_IS = {
    State.PENDING: "which that import sends when it goes on",
    State.INTENT: "which that import was sending when it stopped",
    State.CREATED: "whose contract is made",
    State.CONFIRMED: "which is confirmed",
    State.UNKNOWN: "of which nobody knows whether it has a contract",
}


def _find_known(notes: Notes, other: Journal) -> None:
    """Note which rows are of orders that another import has sent, or may."""
    for order_ids in notes.order_ids(_AT_ONCE):
        notes.add_to_orders(
            (_reason(each, other.terms.source), str(each.order_id))
            for each in other.entries_of(order_ids)
            if each.state is not State.REJECTED
        )


def _reason(entry: Entry, source: str) -> str:
    return (
        f"{KNOWN_ORDER}{entry.row} of {source}, {_IS[entry.state]}: remove "
        "this row, or, if it is another order, mend its id and empty its "
        f"{REASON}"
    )


@contextmanager
def related_journals(
    source: Path, *, base_url: str, journal: Path | None = None
) -> Generator[tuple[Journal, ...]]:
    """Open the journals of imports that a file goes with, by its name.

    Of ``orders.rejected.csv`` these are ``orders.csv.journal`` beside it,
    and those of all other reports of ``orders.csv``, and of their reports:
    whoever mends a row may write an id there that one of them has sent.

    They stay open as long as the block runs.  Make the journal of the file
    in it: none of these imports can begin, or go on, between the check and
    that.

    Args:
        source: The file of orders.
        base_url: Where its orders go; imports that sent theirs elsewhere
            are left out.
        journal: Its own, which is left out; that beside it if not given.

    Raises:
        JournalError: One of them can't be read, or is in use; or they can't
            be searched for.  Nothing was sent.
    """
    own = journal_path(source) if journal is None else journal
    # All are found before one is opened, for finding opens files, too: to
    # close a second name of a journal would free its lock.
    paths = _found(source, own)
    with ExitStack() as held:
        related: list[Journal] = []
        for path in paths:
            other = _opened(path, source.name)
            if other.terms.reach(base_url):
                related.append(held.enter_context(other))
            else:
                other.close()
        yield tuple(related)


def _found(source: Path, own: Path) -> list[Path]:
    found: list[Path] = []
    try:
        for root in _roots(source, own):
            for each in _journals(root):
                if not any(same_file(each, one) for one in (own, *found)):
                    found.append(each)
    except OSError as error:
        raise JournalError(
            f"The journal {own} can't be made, for the journals of related "
            f"imports can't be looked for ({error.filename}: "
            f"{error.strerror}). See that this is there, and that you may "
            "read it.",
            unsent=True,
        ) from error
    return found


def _roots(source: Path, own: Path) -> list[Place]:
    roots = [Place.beside(own).root]
    place = Place.beside(followed(source))
    # A file that is no report may be imported twice, with two journals.
    if place.root not in (place, *roots):
        roots.append(place.root)
    return roots


def _journals(root: Place) -> Iterator[Path]:
    # The name may be typed in another case, or Unicode form, than the disk
    # returns it in.
    stem = canonical_id(root.stem)
    for each in sorted(root.folder.iterdir()):
        if (
            canonical_id(Place.beside(each).root.stem) == stem
            and each.is_file()
            and (each.name.endswith(SUFFIX) or is_journal(each))
        ):
            yield each


def _opened(path: Path, name: str) -> Journal:
    try:
        return Journal.open(path)
    except JournalBusyError:
        raise JournalBusyError(
            f"{name} goes with {path}, the journal of another import, and "
            "that one is in use. Let it end, or stop it, and try again: "
            "what was sent there must not be sent from here.",
            unsent=True,
        ) from None
    except JournalError as error:
        raise type(error)(
            f"{name} goes with another import: what was sent there must not "
            f"be sent from here. {_trouble(path, error)}",
            unsent=True,
        ) from error


def _trouble(path: Path, error: JournalError) -> str:
    if isinstance(error, JournalMismatchError) and not is_journal(path):
        return (
            f"But {path} is no journal of an import, though it has the name "
            "of one. If it is damaged, get it back from a backup; if it is "
            "something else, move it away."
        )
    return str(error.args[0])


__all__ = [
    "Alike",
    "Checked",
    "check",
    "related_journals",
    "write_problems",
]
