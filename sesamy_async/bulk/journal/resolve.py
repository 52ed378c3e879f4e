"""Settle what is unknown, once somebody has looked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import attrs

from sesamy_async.bulk.errors import InputFileError
from sesamy_async.bulk.lookup import Found
from sesamy_async.bulk.state import State

from .entry import Change, Entry
from .journal import Journal


@attrs.frozen(kw_only=True)
class Finding:
    """What somebody found out about an order.

    Attributes:
        order_id: The order.
        contract_id: The contract that it has; None where it is certain
            that it has none.
        confirmed: Whether that contract gives access already.
        where: Where that was said, for messages, such as ``"row 3"``.

    .. versionadded:: 0.1.0
    """

    order_id: str
    contract_id: str | None
    confirmed: bool = False
    where: str = ""


def resolve(journal: Journal, findings: Iterable[Finding]) -> int:
    """Settle unknown orders: all that are found, or none.

    An order with a contract is CREATED: the next run confirms it, if that
    is wanted.  One whose contract is confirmed is done.  One without is
    PENDING: the next run sends it again.

    Args:
        journal: Where they are unknown.
        findings: What was found out.

    Returns:
        How many were settled.

    Raises:
        InputFileError: One of them can't be settled; all are named, and
            nothing was changed.
        JournalError: The journal can't be read or written.

    .. versionadded:: 0.1.0
    """
    goal = journal.terms.confirm.goal
    findings = [*findings]
    holders = journal.holders(
        each.contract_id for each in findings if each.contract_id is not None
    )
    changes, problems = decide(findings, journal.entry, holders, goal)
    if problems:
        raise InputFileError(
            f"Nothing was settled: {'; '.join(problems)}.", problems=problems
        )
    journal.apply(changes)
    return len(changes)


def decide(
    findings: Iterable[Finding],
    entry_of: Callable[[str], Entry | None],
    holders: Mapping[str, int],
    goal: State,
) -> tuple[list[Change], list[str]]:
    """Return the changes that findings make, and what is wrong with them.

    Args:
        findings: What was found out.
        entry_of: Returns what the journal holds of an order.
        holders: The rows that have contracts already.
        goal: The state in which an order is done.
    """
    changes: list[Change] = []
    problems: list[str] = []
    seen: set[str] = set()
    taken = {**holders}
    for finding in findings:
        entry = entry_of(finding.order_id)
        said = objection(entry)
        if finding.order_id in seen:
            said = "stands twice"
        seen.add(finding.order_id)
        if entry is not None and finding.contract_id is not None:
            row = taken.setdefault(finding.contract_id, entry.row)
            if row != entry.row:
                # Or one of the two orders would never be confirmed.
                said = f"can't have the contract of row {row}"
        if entry is None or said is not None:
            subject = f"order {finding.order_id!r} {said}"
            problems.append(": ".join(filter(None, (finding.where, subject))))
        else:
            changes.append(settle(entry, _found(finding), goal))
    return changes, problems


def objection(entry: Entry | None) -> str | None:
    """Return why an order can't be settled; None where it can."""
    if entry is None:
        return "is not in the journal"
    if entry.state is not State.UNKNOWN:
        return f"is {entry.state}, and only what is UNKNOWN can be settled"
    return None


def settle(entry: Entry, found: Found | None, goal: State) -> Change:
    """Return what becomes of an unknown order.

    Args:
        entry: The order.
        found: The contract that it has; None for none.
        goal: The state in which an order is done.
    """
    if found is None:
        return Change(row=entry.row, state=State.PENDING)
    state = goal if found.confirmed is True else State.CREATED
    return Change(row=entry.row, state=state, contract_id=found.contract_id)


def _found(finding: Finding) -> Found | None:
    if finding.contract_id is None:
        return None
    return Found(contract_id=finding.contract_id, confirmed=finding.confirmed)
