"""What came of an import, against what the sandbox's ledger knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from sesamy_async.bulk import Confirm, Entry, State


@attrs.frozen(kw_only=True)
class Import:
    """An import that is complete.

    Attributes:
        confirm: As `Terms`.
        repeatable: As `Terms`.
        entries: What its journal says.
        contracts: What the ledger says: the contracts of each order.
        in_hand: How many creates may have been under way at the kills.
        lost: How many creates were left in doubt by faults.
        claimed: How many orders may have been claimed in a store at the
            kills, and not yet written into the journal.
    """

    confirm: Confirm
    repeatable: bool
    entries: Sequence[Entry]
    contracts: Mapping[str, Sequence[Mapping[str, Any]]]
    in_hand: int
    lost: int = 0
    claimed: int = 0

    @property
    def doubts(self) -> int:
        """How many creates nobody but Sesamy knows the outcome of."""
        return self.in_hand + self.lost + self.claimed

    @property
    def noted_strays(self) -> int:
        """How many strays there may be, by the journal."""
        return sum(each.strays for each in self.entries)

    @property
    def unknown(self) -> int:
        """How many orders a person has to look at."""
        return sum(each.state is State.UNKNOWN for each in self.entries)

    @property
    def strays(self) -> int:
        """How many strays there are, by the ledger."""
        return sum(
            max(0, len(self.contracts.get(each.order_id or "", ())) - 1)
            for each in self.entries
        )


def judged(done: Import) -> Iterator[str]:
    """Yield each way in which the promises of an import were broken."""
    goal = done.confirm.goal
    for entry in done.entries:
        found = done.contracts.get(entry.order_id or "", ())
        said = f"{entry.order_id}, {entry.state}"
        if entry.state is State.UNKNOWN and not done.repeatable:
            yield from _doubtful(said, done.confirm, found)
        elif entry.state is not goal:
            yield f"{said}: neither done nor to be looked at"
        else:
            yield from _done(said, entry, done.confirm, found)
    if done.repeatable and done.noted_strays > done.doubts:
        yield f"{done.noted_strays} strays noted of {done.doubts} doubts"
    if done.unknown > done.doubts:
        yield f"{done.unknown} unknown of {done.doubts} doubts"


def _doubtful(
    said: str, confirm: Confirm, found: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    if len(found) > 1:
        yield f"{said}: {len(found)} contracts"
    if confirm is not Confirm.AT_ONCE and any(x["confirmed"] for x in found):
        yield f"{said}: confirmed, though its contract is not known"


def _done(
    said: str,
    entry: Entry,
    confirm: Confirm,
    found: Sequence[Mapping[str, Any]],
) -> Iterator[str]:
    ids = [each["id"] for each in found]
    confirmed = [each["id"] for each in found if each["confirmed"]]
    wanted = [] if confirm is Confirm.NO else [entry.contract_id]
    if confirmed != wanted:
        yield f"{said}: {confirmed} are confirmed, not {wanted}"
    if entry.contract_id not in ids:
        yield f"{said}: its contract is not among {ids}"
    if len(ids) - 1 > entry.strays:
        yield f"{said}: {len(ids)} contracts, {entry.strays} strays noted"
