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
from types import TracebackType
from typing import Self

import attrs

from sesamy_async._files import sweep
from sesamy_async.bulk._states import (
    Change,
    Entry,
    JournalMismatchError,
    Planned,
    State,
    Terms,
)

from ._creating import Memory, draft
from ._database import Store, terms_in
from ._schema import COLUMNS, RECOVER, UPDATE, entry_of, storable, values_of
from ._trouble import forbidden, told


@attrs.frozen(kw_only=True)
class Span:
    """What ended in a span of time.

    Attributes:
        start: When it began, in Unix seconds.
        ended: How many orders ended in each state.
    """

    start: float
    ended: Mapping[State, int]


_ENDED = {State.CONFIRMED, State.REJECTED, State.UNKNOWN}


def spans(store: Store, goal: State, seconds: float) -> tuple[Span, ...]:
    """Return the spans in which orders ended, the earliest first.

    Args:
        store: The file of the journal.
        goal: The state in which an order is done.
        seconds: How long each span is.

    Raises:
        JournalError: It can't be read.
    """
    wanted = sorted(_ENDED | {goal})
    marks = ", ".join("?" * len(wanted))
    found = store.read(
        "SELECT CAST(at / ? AS INTEGER) AS span, state, count(*) "  # noqa: S608 - constants of ours
        f"FROM orders WHERE at > 0 AND state IN ({marks}) "
        "GROUP BY span, state ORDER BY span",
        seconds,
        *wanted,
    )
    ended: dict[int, dict[State, int]] = {}
    for number, state, count in found:
        ended.setdefault(number, {})[State(state)] = count
    return tuple(
        Span(start=number * seconds, ended=counts)
        for number, counts in ended.items()
    )


_IDLE = {State.PENDING, State.REJECTED}

_OPTIONS = {
    "promo_code": "--promo",
    "vendor_id": "--vendor",
    "base_url": "--base-url",
    "confirm": "--confirm",
}


def differences(before: Terms, now: Terms) -> tuple[str, ...]:
    """Say what has changed since the import began; () if nothing has.

    The name of the file may change: it is only for messages.
    """
    found = [
        f"{option} was {_shown(getattr(before, name))}, and is "
        f"{_shown(getattr(now, name))}"
        for name, option in _OPTIONS.items()
        if getattr(before, name) != getattr(now, name)
    ]
    if before.strays != now.strays:
        given = ("given", "not given")
        found.append(
            f"--no-strays was {given[before.strays]}, and is "
            f"{given[now.strays]}"
        )
    if before.fingerprint != now.fingerprint:
        found.insert(
            0,
            f"{before.source} has changed, or how it is read (encoding, "
            "delimiter, mapping, --allow-unknown)",
        )
    return tuple(found)


def disagreement(
    path: Path, found: Iterable[str], counts: Mapping[State, int], strays: int
) -> JournalMismatchError:
    """Return the error that says what differs, and what to do.

    Args:
        path: Of the journal.
        found: What differs.
        counts: How many rows are in each state.
        strays: How many contracts may be left over.
    """
    sent = strays or any(counts[each] for each in State if each not in _IDLE)
    onward = (
        "or import what is new from a file of its own, with none of the "
        "orders that this journal knows, for they would be sent again"
        if sent
        else "or begin anew, for no order of it has a contract: `sesamy "
        f"journal purge {path} --yes --force` removes it"
    )
    return JournalMismatchError(
        f"The journal {path} is of another import: {'; '.join(found)}. "
        f"Go on as it began; {onward}."
    )


def _shown(value: str | None) -> str:
    return "not given" if value is None else str(value)


CUT_OFF = (
    "The import ended while this order was being sent; nobody has seen the "
    "answer."
)
"""Why such an order is unknown."""

MISSING = (
    "The latest changes of the journal are missing, so nobody knows whether "
    "this order was sent."
)
"""Why an order is unknown whose journal was recovered without them."""


def after_cut(row: int, terms: Terms) -> Change:
    """Return what becomes of an INTENT at a restart.

    Where a create may be repeated, it is, and the one that was cut off may
    have left a stray.  Else nobody but a person may send it again.
    """
    if terms.repeatable:
        return Change(row=row, state=State.PENDING, strays=1)
    return Change(row=row, state=State.UNKNOWN, reason=CUT_OFF)


_PAGE = 1_000


class Journal:
    """What an import intends and what came of it, on disk.

    It holds order ids, contract ids, states and reasons; nothing personal.
    It belongs to one process as long as it is open, and can be used from
    any of its threads.  Its folder must be on a local disk: network drives
    lie about locks, and about what is on disk.
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
                    raise forbidden(self.path, each)

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
