"""The journal of an import."""

from __future__ import annotations

import time
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from pathlib import Path
from typing import Self

import attrs

from sesamy_async._files import sweep
from sesamy_async.bulk._states import (
    SANDBOX,
    Change,
    Entry,
    JournalError,
    JournalMismatchError,
    Planned,
    State,
    Terms,
)

from ._database import (
    RECOVER,
    SELECT,
    UPDATE,
    Store,
    entry_of,
    make_database,
    storable,
    values_of,
)
from ._files import as_journal_error


@attrs.frozen(kw_only=True)
class Span:
    """How many orders ended in a span of time.

    Attributes:
        start: When the span began, in Unix seconds.
        ended: How many orders ended in each state.
    """

    start: float
    ended: Mapping[State, int]


CUT_OFF = (
    "The import ended while this order was being sent; the response was not "
    "read."
)
MISSING = (
    "The latest changes of the journal are missing, so it is not known "
    "whether this order was sent."
)


def after_cut(entry: Entry, terms: Terms) -> Change:
    """Return what becomes of an INTENT at a restart."""
    row, reason = entry.row, entry.reason
    if reason is None and terms.repeatable:
        return Change(row=row, state=State.PENDING, strays=1)
    return Change(row=row, state=State.UNKNOWN, reason=reason or CUT_OFF)


_OPTIONS = {
    "promo_code": "--promo",
    "vendor_id": "--vendor",
    "base_url": "--base-url",
    "confirm": "--confirm",
    "strays": "--strays",
}
_SHOWN = {None: "not given", True: "given", False: "--no-strays"}


def _differences(before: Terms, now: Terms) -> Iterator[str]:
    # The name of the file may change: it is only for messages.
    if before.fingerprint != now.fingerprint:
        yield (
            f"{before.source} has changed, or how it is read (encoding, "
            "delimiter, mapping, --allow-unknown)"
        )
    for name, option in _OPTIONS.items():
        was, is_ = getattr(before, name), getattr(now, name)
        if was != is_:
            shown = [_SHOWN.get(each, each) for each in (was, is_)]
            yield f"{option} was {shown[0]}, and is {shown[1]}"


@attrs.frozen
class Memory:
    """What a journal knows of the reports of its import."""

    _store: Store

    def recall(self) -> Mapping[str, set[bytes]]:
        """Return the digests of what was written under each name."""
        found: dict[str, set[bytes]] = {}
        for name, digest in self._store.read("SELECT * FROM reports"):
            found.setdefault(name, set()).add(digest)
        return found

    def add(self, name: str, digest: bytes) -> None:
        """Remember a report that is about to be written."""
        insert = "INSERT OR IGNORE INTO reports VALUES (?, ?)"
        with self._store.transaction() as db:
            db.execute(insert, (name, digest))


_ENDED = {State.CONFIRMED, State.REJECTED, State.UNKNOWN}
_PAGE = 1_000


class Journal:
    """The state of an import on disk: what it intends, and what came of it.

    It has order ids, contract ids, states and reasons, and no personal data.
    While it is open it belongs to one process, whose threads may share it.
    Its folder must be on a local disk: network drives do not lock and flush
    reliably.  Every method raises a `JournalError`, which says what to do,
    if the file can't be read or written.
    """

    def __init__(
        self, store: Store, terms: Terms, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._terms = terms
        self._clock = clock

    @classmethod
    def create(
        cls,
        path: Path,
        terms: Terms,
        rows: Iterable[Planned],
        *,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Write a new journal, and open it.

        A crash leaves no incomplete journal.

        Args:
            path: Where to write it; nothing may be there.
            terms: The terms of the import.
            rows: Every row of the file, each number and each order once.
            clock: Returns Unix seconds.

        Raises:
            JournalError: There is a file already, or it can't be written.
        """
        with as_journal_error(path):
            make_database(path, terms, rows)
        return cls.open(path, clock=clock)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Open a journal that is there.

        Args:
            path: Where it is.
            clock: Returns Unix seconds.

        Raises:
            JournalMismatchError: It is no journal of this version.
            JournalBusyError: It is open already.
            JournalError: It can't be opened.
        """
        store = Store.open(path)
        try:
            # It is open, so no other process is about to make it.
            with as_journal_error(path):
                sweep(path)
            return cls(store, store.terms(), clock)
        except BaseException:
            store.close()
            raise

    @classmethod
    def recover(
        cls, path: Path, *, clock: Callable[[], float] = time.time
    ) -> int:
        """Make a journal whole again whose WAL is gone for good.

        Orders that may have been sent since the WAL was last copied into
        the main file become UNKNOWN: a person has to look.  The WAL of
        another journal is kept under another name.

        Args:
            path: Where it is.
            clock: Returns Unix seconds.

        Returns:
            How many orders became unknown.

        Raises:
            JournalError: It is whole, or can't be used.
        """
        store = Store.open(path, without_wal=True)
        try:
            return store.rescue(RECOVER, MISSING, clock())
        finally:
            store.close()

    @property
    def path(self) -> Path:
        """Where it is."""
        return self._store.path

    @property
    def terms(self) -> Terms:
        """The terms of the import."""
        return self._terms

    @property
    def memory(self) -> Memory:
        """What it knows of the reports that were written."""
        return Memory(self._store)

    def agree(self, terms: Terms) -> None:
        """Check that this is the journal of an import with these terms.

        Raises:
            JournalMismatchError: It is of another one; the message says
                what differs, and what to do.
        """
        found = tuple(_differences(self._terms, terms))
        if not found:
            return
        was_tried = self._terms.base_url.startswith(SANDBOX)
        if was_tried and not terms.base_url.startswith(SANDBOX):
            raise JournalMismatchError(
                f"{self.path} is the journal of a trial in a sandbox. To "
                "send the orders to Sesamy now, delete it, or name another "
                "journal with --journal."
            )
        error = JournalMismatchError(
            f"The journal {self.path} is of another import: "
            f"{'; '.join(found)}. Change this back, and run the same command "
            "again. To start over, name another journal with --journal: "
            "orders that the store of orders knows are not sent again, but "
            "without a store, all are."
        )
        error.problems = found
        raise error

    def restart(self) -> int:
        """Settle the orders whose create was cut off; return how many."""
        cut_off = self.entries(states={State.INTENT})
        changes = [after_cut(each, self._terms) for each in cut_off]
        if changes:
            self.apply(changes)
        return len(changes)

    def entries(
        self, *, after: int = 0, states: Collection[State] | None = None
    ) -> Iterator[Entry]:
        """Yield rows in their order, a page at a time.

        `apply` may be called meanwhile: a page of 1,000 rows is as it was
        when it was read.

        Args:
            after: Only rows with a higher number.
            states: Only rows in these states; None for all.
        """
        wanted = sorted(State if states is None else states)
        query = (
            f"{SELECT} WHERE row > ? AND state IN ({_marks(wanted)}) "
            f"ORDER BY row LIMIT {_PAGE}"
        )
        while page := self._store.read(query, after, *wanted):
            yield from map(entry_of, page)
            after = page[-1][0]

    def entry(self, order_id: str) -> Entry | None:
        """Return the row of an order, if there is one."""
        found = self._store.read(f"{SELECT} WHERE order_id = ?", order_id)
        return entry_of(found[0]) if found else None

    def told_to(self, store: str) -> bool:
        """Whether a store of orders has been told what is in it."""
        query = "SELECT 1 FROM stores WHERE name = ?"
        return bool(self._store.read(query, store))

    def note_told(self, store: str) -> None:
        """Note that a store of orders has been told what is in it."""
        with self._store.transaction() as db:
            db.execute("INSERT INTO stores VALUES (?)", (store,))

    def holders(self, contract_ids: Iterable[str]) -> Mapping[str, int]:
        """Return the row that has each contract, if one has it."""
        query = "SELECT row FROM orders WHERE contract_id = ?"
        return {
            each: row
            for each in contract_ids
            for (row,) in self._store.read(query, storable(each))
        }

    def apply(self, changes: Sequence[Change]) -> None:
        """Put changes on disk: all of them, or none.

        Raises:
            JournalError: They are not on disk, or one of them is a move
                that no order may make.
        """
        now = self._clock()
        with self._store.transaction() as db:
            for each in changes:
                if not db.execute(UPDATE, values_of(each, now)).rowcount:
                    raise JournalError(
                        f"The journal {self.path} was asked to move row "
                        f"{each.row} to {each.state}, which is not possible. "
                        "That is a bug in sesamy-async: please report it."
                    )

    def counts(self) -> Mapping[State, int]:
        """Return how many rows are in each state; it reads all rows."""
        query = "SELECT state, count(*) FROM orders GROUP BY state"
        found = dict(self._store.read(query))
        return {state: found.get(state, 0) for state in State}

    def strays(self) -> int:
        """Return how many strays may be left, at most; it reads all rows."""
        [[count]] = self._store.read("SELECT total(strays) FROM orders")
        return int(count)

    def timeline(self, seconds: float) -> tuple[Span, ...]:
        """Return when orders ended; those that were never sent don't count.

        Args:
            seconds: How long each span is.

        Returns:
            The spans in which any order ended, in order.
        """
        wanted = sorted(_ENDED | {self._terms.confirm.goal})
        found = self._store.read(
            "SELECT CAST(at / ? AS INTEGER) AS span, state, count(*) "  # noqa: S608 - constants of ours
            f"FROM orders WHERE at > 0 AND state IN ({_marks(wanted)}) "
            "GROUP BY span, state ORDER BY span",
            seconds,
            *wanted,
        )
        spans: dict[int, dict[State, int]] = {}
        for number, state, count in found:
            spans.setdefault(number, {})[State(state)] = count
        return tuple(
            Span(start=number * seconds, ended=ended)
            for number, ended in spans.items()
        )

    def purge(self) -> None:
        """Close it, and remove it from the disk."""
        self._store.remove()
        with as_journal_error(self.path):
            sweep(self.path)

    def close(self) -> None:
        """Let other processes have it; nothing that was written is lost."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
