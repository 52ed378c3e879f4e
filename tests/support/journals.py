"""Journals to test with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from sesamy_async.bulk import Change, Planned, State, Terms
from sesamy_async.bulk.journal import Journal


TERMS = Terms(
    source="orders.csv",
    fingerprint="f1",
    promo_code="SPRING-12",
    vendor_id="acme",
    base_url="https://api.sesamy.com",
)
AT = 1_800_000_000.0

WAYS: dict[State, tuple[State, ...]] = {
    State.PENDING: (),
    State.INTENT: (State.INTENT,),
    State.CREATED: (State.INTENT, State.CREATED),
    State.CONFIRMED: (State.INTENT, State.CONFIRMED),
    State.ALREADY: (State.ALREADY,),
    State.REJECTED: (State.REJECTED,),
    State.UNKNOWN: (State.INTENT, State.UNKNOWN),
}
"""How an order comes into each state."""


def planned(count: int) -> Iterator[Planned]:
    """Yield rows that can be sent; the first one is row 2."""
    for row in range(2, count + 2):
        yield Planned(row=row, order_id=f"A-{row}")


def new_journal(
    path: Path, terms: Terms = TERMS, rows: Iterable[Planned] | int = 3
) -> Journal:
    """Make a journal whose time stands still."""
    listed = planned(rows) if isinstance(rows, int) else rows
    return Journal.create(path, terms, listed, clock=lambda: AT)


def change(row: int, state: State, **more: object) -> Change:
    """Return a change, with a contract where the state needs one."""
    if state in {State.CREATED, State.CONFIRMED}:
        more.setdefault("contract_id", f"c-{row}")
    return Change(row=row, state=state, **more)  # type: ignore[arg-type]


def bring(journal: Journal, row: int, state: State) -> None:
    """Bring a row that is pending into a state."""
    for step in WAYS[state]:
        journal.apply([change(row, step)])


def in_the_way(path: Path) -> str:
    """Return a pattern of what is said of a file that is in the way."""
    return re.escape(
        f"There is a file {path} already. If it is the journal of this "
        "import, continue with it; it says which orders were sent. Outcome:"
    )
