"""The journal of an import."""

from __future__ import annotations

import json
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
from types import TracebackType
from typing import Self

from sesamy_async.bulk.state import State

from .agreement import differences, disagreement
from .draft import draft, sweep
from .entry import Change, Entry, Planned
from .restart import MISSING, after_cut
from .schema import COLUMNS, RECOVER, UPDATE
from .store import Store
from .stored import entry_of, values_of
from .terms import Terms
from .terms_kept import terms_in
from .timeline import Span, spans
from .trouble import forbidden, told
from .waves import waves
from .written import Memory


_PAGE = 1_000


class Journal:
    """What an import intends and what came of it, on disk.

    It holds order ids, contract ids, states and reasons; nothing personal.
    It belongs to one process as long as it is open, and can be used from
    any of its threads.  Its folder must be on a local disk: network drives
    lie about locks, and about what is on disk.

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        store: Store,
        terms: Terms,
        clock: Callable[[], float],
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

        It appears as a whole: a crash leaves at most a file beside it that
        ends in ``.new``, which the next attempt removes.

        Args:
            path: Where; nothing may be there.
            terms: What the import has agreed to.
            rows: Every row of the file, each number and each order once.
            clock: Unix seconds.

        Raises:
            JournalError: There is a file already, or it can't be written.
        """
        with told(path):
            draft(path, terms, rows)
        return cls.open(path, clock=clock)

    @classmethod
    def open(
        cls, path: Path, *, clock: Callable[[], float] = time.time
    ) -> Self:
        """Open a journal that is there.

        Args:
            path: Where it is.
            clock: Unix seconds.

        Raises:
            JournalMismatchError: It is no journal, or one of another
                version.
            JournalBusyError: Another process has it open.
            JournalError: It can't be opened; the message says what to do.
        """
        store = Store.open(path)
        try:
            # It is there and ours, so nobody is about to make it.
            with told(path):
                sweep(path)
            return cls(store, terms_in(store), clock)
        except BaseException:
            store.close()
            raise

    @classmethod
    def recover(
        cls, path: Path, *, clock: Callable[[], float] = time.time
    ) -> int:
        """Make a journal whole again whose WAL is gone for good.

        Orders that may have been sent since they were last copied into the
        main file become UNKNOWN: somebody has to look.  A WAL beside it
        that is not its own is kept under another name.

        Args:
            path: Where it is.
            clock: Unix seconds.

        Returns:
            How many orders became unknown.

        Raises:
            JournalError: It is whole, or can't be used.
        """
        store = Store.open_without_wal(path)
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
        """What the import has agreed to."""
        return self._terms

    @property
    def memory(self) -> Memory:
        """What it knows of the reports that were written."""
        return Memory(self._store)

    def agree(self, terms: Terms) -> None:
        """Make sure that this is the journal of an import.

        Raises:
            JournalMismatchError: It is of another one; it says what
                differs, and what to do.
        """
        found = differences(self._terms, terms)
        if found:
            counts, strays = self.counts(), self.strays()
            raise disagreement(self.path, found, counts, strays)

    def restart(self) -> int:
        """Decide what becomes of every order whose create was cut off.

        Returns:
            How many there were.

        Raises:
            JournalError: It can't be written.
        """
        changes = [
            after_cut(entry.row, self._terms)
            for entry in self.entries(states={State.INTENT})
        ]
        if changes:
            self.apply(changes)
        return len(changes)

    def entries(
        self, *, after: int = 0, states: Collection[State] | None = None
    ) -> Iterator[Entry]:
        """Yield rows in their order, a page at a time.

        It may be mixed with `apply`: what is yielded was true when its
        page of 1,000 rows was read.

        Args:
            after: Only rows with a higher number.
            states: Only rows in these states; None for all.

        Raises:
            JournalError: It can't be read.
        """
        wanted = sorted(State if states is None else states)
        marks = ", ".join("?" * len(wanted))
        query = (
            f"SELECT {COLUMNS} FROM orders WHERE row > ? "  # noqa: S608 - constants of ours
            f"AND state IN ({marks}) ORDER BY row LIMIT {_PAGE}"
        )
        while page := self._store.read(query, after, *wanted):
            yield from map(entry_of, page)
            after = page[-1][0]

    def entry(self, order_id: str) -> Entry | None:
        """Return the row of an order, if there is one.

        Raises:
            JournalError: It can't be read.
        """
        found = self.entries_of([order_id])
        return found[0] if found else None

    def entries_of(self, order_ids: Sequence[str]) -> list[Entry]:
        """Return the rows of those orders that are there, some hundreds.

        Raises:
            JournalError: It can't be read.
        """
        marks = ", ".join("?" * len(order_ids))
        found = self._store.read(
            f"SELECT {COLUMNS} FROM orders WHERE order_id IN ({marks})",  # noqa: S608 - constants of ours
            *order_ids,
        )
        return [*map(entry_of, found)]

    def holders(self, contract_ids: Iterable[str]) -> Mapping[str, int]:
        """Return the row that has each contract, as far as one has it.

        Raises:
            JournalError: It can't be read.
        """
        return dict(
            self._store.read(
                "SELECT contract_id, row FROM orders WHERE contract_id IN "
                "(SELECT value FROM json_each(?))",
                json.dumps([*contract_ids]),
            )
        )

    def apply(self, changes: Sequence[Change]) -> None:
        """Put changes on disk: all of them, or none.

        Raises:
            JournalError: They are not on disk, or one of them is a move
                that no order may make.
        """
        now = self._clock()
        with self._store.transaction() as db:
            for wave in waves(changes):
                values = json.dumps(
                    [values_of(each) for each in wave.values()]
                )
                done = db.execute(UPDATE, (now, values)).rowcount
                if done != len(wave):
                    raise forbidden(self.path, wave.values())

    def counts(self) -> Mapping[State, int]:
        """Return how many rows are in each state; it reads all rows.

        Raises:
            JournalError: It can't be read.
        """
        found = dict(
            self._store.read(
                "SELECT state, count(*) FROM orders GROUP BY state"
            )
        )
        return {state: found.get(state, 0) for state in State}

    def strays(self) -> int:
        """Return how many strays may be left, at most; it reads all rows.

        Raises:
            JournalError: It can't be read.
        """
        [[count]] = self._store.read("SELECT total(strays) FROM orders")
        return int(count)

    def timeline(self, seconds: float) -> tuple[Span, ...]:
        """Return how many orders ended when; those never sent are left out.

        Args:
            seconds: How long each span is.

        Returns:
            The spans in which any order ended, the earliest first.

        Raises:
            JournalError: It can't be read.
        """
        return spans(self._store, self._terms.confirm.goal, seconds)

    def purge(self) -> None:
        """Close it, and remove it from the disk.

        Raises:
            JournalError: It can't be removed.
        """
        self._store.remove()
        with told(self.path):
            sweep(self.path)

    def close(self) -> None:
        """Let other processes have it.

        Raises:
            JournalError: What was written can't be tidied up; none of it
                is lost.
        """
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
