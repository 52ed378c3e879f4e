"""Settle unknown orders: by hand, by a table, or by a lookup."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TypeAlias, cast

import anyio
import attrs

from sesamy_async._checks import is_segment, segment
from sesamy_async.bulk._rows import ORIGINAL, changed_id, harmless
from sesamy_async.bulk._states import (
    Change,
    Entry,
    InputFileError,
    JournalError,
    State,
)
from sesamy_async.bulk.lookup import Found, Lookup
from sesamy_async.bulk.reading._opening import open_table
from sesamy_async.errors import InvalidRequestError

from ._journal import Journal
from ._writer import Writer


@attrs.frozen(kw_only=True)
class Finding:
    """What a person found out about an order.

    Attributes:
        order_id: The order.
        contract_id: Its contract; None if it certainly has none.
        confirmed: Whether that contract gives access already.
        where: Where this is written, such as ``"row 3"``, for messages.
    """

    order_id: str
    contract_id: str | None
    confirmed: bool = False
    where: str = ""


# Tells a store of orders what became of some; or returns the problems.
Tell: TypeAlias = Callable[[Sequence[tuple[Entry, Change]]], list[str]]


def resolve(
    journal: Journal, findings: Iterable[Finding], tell: Tell | None = None
) -> int:
    """Settle unknown orders: all of the findings, or none.

    An order with a contract becomes CREATED, and the next run confirms it,
    if that is wanted.  An order with a confirmed contract is done.  An
    order without a contract becomes PENDING, and the next run sends it.

    Args:
        journal: The journal of the import.
        findings: What was found out.
        tell: Tells a store of orders, before the journal.

    Returns:
        How many orders were settled.

    Raises:
        InputFileError: Some of them can't be settled; all of these are
            named, and nothing was changed.
        JournalError: The journal can't be read or written.
    """
    settled, problems = _decide(journal, [*findings])
    if tell is not None and not problems:
        problems = tell(settled)
    if problems:
        raise InputFileError(
            f"Nothing was settled: {'; '.join(problems)}.", problems=problems
        )
    journal.apply([change for _, change in settled])
    return len(settled)


def _decide(
    journal: Journal, findings: Sequence[Finding]
) -> tuple[list[tuple[Entry, Change]], list[str]]:
    """Return the changes that findings make, and their problems."""
    goal = journal.terms.confirm.goal
    contracts = (each.contract_id for each in findings)
    taken = {**journal.holders(each for each in contracts if each)}
    settled: list[tuple[Entry, Change]] = []
    problems: list[str] = []
    seen: set[str] = set()
    for finding in findings:
        entry, contract = journal.entry(finding.order_id), finding.contract_id
        problem = None
        if entry is None:
            problem = "is not in the journal"
        elif entry.state is not State.UNKNOWN:
            state = entry.state.lower()
            problem = f"is {state}; only unknown orders can be settled"
        if finding.order_id in seen:
            problem = "is given twice"
        seen.add(finding.order_id)
        if entry is not None and contract is not None:
            row = taken.setdefault(contract, entry.row)
            if row != entry.row:
                # Or one of the two orders would never be confirmed.
                problem = f"can't have the contract of row {row}"
        if entry is None or problem is not None:
            where = f"{finding.where}: " if finding.where else ""
            problems.append(f"{where}order {finding.order_id!r} {problem}")
        else:
            found = None
            if contract is not None:
                found = Found(
                    contract_id=contract, confirmed=finding.confirmed
                )
            settled.append((entry, _settled(entry, goal, found)))
    return settled, problems


def _settled(entry: Entry, goal: State, found: Found | None) -> Change:
    """Return what becomes of an unknown order."""
    if found is None:
        return Change(row=entry.row, state=State.PENDING)
    # A lookup is not ours, so `confirmed` may be anything.
    state = goal if found.confirmed is True else State.CREATED
    return Change(row=entry.row, state=state, contract_id=found.contract_id)


@attrs.define(kw_only=True)
class Reconciled:
    """What became of the orders that were unknown.

    Attributes:
        created: How many have a contract; the next run confirms it, if
            that is wanted and not done yet.
        not_created: How many have none; the next run sends them again.
        failures: How many are still unknown because of each error.
    """

    created: int = 0
    not_created: int = 0
    failures: Counter[str] = attrs.field(factory=Counter[str])

    def add(self, answer: Change | str) -> None:
        """Count what became of an order, or why it is still unknown."""
        if isinstance(answer, str):
            self.failures[answer] += 1
        elif answer.contract_id is None:
            self.not_created += 1
        else:
            self.created += 1

    @property
    def unknown(self) -> int:
        """How many are still unknown."""
        return self.failures.total()


async def reconcile(
    journal: Journal,
    lookup: Lookup,
    *,
    concurrency: int = 8,
    tell: Tell | None = None,
) -> Reconciled:
    """Look up every unknown order, and settle it.

    If the lookup raises anything, the order stays unknown.

    Args:
        journal: The journal of the import.
        lookup: Knows which orders have a contract.
        concurrency: How many orders are looked up at once, at least 1.
        tell: Tells a store of orders, before the journal.

    Raises:
        JournalError: The journal can't be read or written.  What was
            settled before stays settled.
    """
    result = Reconciled()
    writer = Writer(journal)
    entries = journal.entries(states={State.UNKNOWN})
    goal = journal.terms.confirm.goal
    failed: list[JournalError] = []

    async def work() -> None:
        try:
            for entry in entries:
                answer = await _answer(lookup, entry, goal)
                if tell is not None and isinstance(answer, Change):
                    # The store first: it is for everybody.
                    answer = next(iter(tell([(entry, answer)])), answer)
                if isinstance(answer, Change):
                    holder = await writer.write(answer)
                    if holder is not None:
                        # Or one of the two would never be confirmed.
                        answer = f"contract of row {holder}"
                result.add(answer)
        except JournalError as error:
            failed.append(error)

    try:
        async with anyio.create_task_group() as group:
            for _ in range(concurrency):
                group.start_soon(work)
    finally:
        writer.close()
    if failed:
        raise failed[0]
    return result


async def _answer(lookup: Lookup, entry: Entry, goal: State) -> Change | str:
    """Return what becomes of an order, or the name of an error."""
    try:
        # An order that was sent has an id.
        found = await lookup.find(cast("str", entry.order_id))
        if found is None or is_segment(found.contract_id):
            return _settled(entry, goal, found)
    except Exception as error:  # noqa: BLE001 - the lookup is not ours
        # Without its message, which may be personal.
        return type(error).__name__
    # It names no contract, and does not say that there is none.
    return InvalidRequestError.__name__


_ORDER, _CONTRACT = "externalOrderId", "contractId"
_CONFIRMED, _NOT_CREATED = "confirmed", "notCreated"
_COLUMNS = (_ORDER, _CONTRACT, _CONFIRMED, _NOT_CREATED)
_YES_OR_NO = {
    **dict.fromkeys(("yes", "true", "1"), True),
    **dict.fromkeys(("", "no", "false", "0"), False),
}


def read_findings(path: Path) -> list[Finding]:
    """Read a table of externalOrderId, contractId, confirmed, notCreated.

    The last two may be missing, and other columns are ignored, except the
    one by which a report guards the id.  The report of unknown orders is
    such a file, once its cells are filled in.  Rows in which nothing is
    filled in are left out.

    Args:
        path: The file: CSV, or a spreadsheet.

    Raises:
        InputFileError: It can't be read, nothing is filled in in any row,
            or rows are wrong; the message names all of these.
    """
    found: list[Finding] = []
    blank = False
    problems: list[str] = []
    table = open_table(path)
    rows = table.rows()
    header = next(rows, None)
    names = [each.strip() for each in header.cells] if header else []
    _check_columns(path, names)
    for row in rows:
        where = f"row {row.number}"
        cells = map(_unquoted, row.cells) if table.delimiter else row.cells
        values = dict(zip_longest(names, cells, fillvalue=""))
        finding = row.broken or _finding(where, values)
        if not row.broken and _is_blank(values):
            blank = True
        elif isinstance(finding, str):
            problems.append(f"{where}: {finding}")
        else:
            found.append(finding)
    if problems:
        raise InputFileError(
            f"{path} can't be used: {'; '.join(problems)}.", problems=problems
        )
    if blank and not found:
        raise InputFileError(
            f"{path} has no answer: nothing is filled in. Fill in the "
            f"{_CONTRACT} that an order has, or yes in {_NOT_CREATED}."
        )
    return found


def _is_blank(row: Mapping[str, str]) -> bool:
    """Return whether a row names an order, and nothing was filled in."""
    filled = any(row.get(each, "").strip() for each in _COLUMNS[1:])
    return bool(row[_ORDER].strip()) and not filled


def _check_columns(path: Path, names: Sequence[str]) -> None:
    missing = [each for each in (_ORDER, _CONTRACT) if each not in names]
    if missing:
        raise InputFileError(
            f"{path} has no column {' and no column '.join(missing)}; its "
            f"first row must name the columns {_ORDER}, {_CONTRACT}, "
            f"{_CONFIRMED} and, where some have no contract, {_NOT_CREATED}."
        )
    twice = [each for each in _COLUMNS if names.count(each) > 1]
    if twice:
        raise InputFileError(
            f"{path} has the column {' and the column '.join(twice)} twice; "
            "remove one of them."
        )


def _finding(where: str, row: Mapping[str, str]) -> Finding | str:
    """Return what a row says, or what is wrong with it."""
    order, contract = (row[each].strip() for each in (_ORDER, _CONTRACT))
    confirmed, not_created = (
        _YES_OR_NO.get(row.get(each, "").strip().lower())
        for each in (_CONFIRMED, _NOT_CREATED)
    )
    if not order:
        return f"{_ORDER} is missing"
    changed = changed_id(row.get(ORIGINAL), order)
    if changed:
        return f"{_ORDER} {changed}"
    if confirmed is None or not_created is None:
        return f"{_CONFIRMED} and {_NOT_CREATED} must be yes, no or empty"
    if not_created == bool(contract) or (confirmed and not contract):
        return (
            f"give either the {_CONTRACT} that order {order!r} has, or yes "
            f"in {_NOT_CREATED}"
        )
    try:
        if contract:
            segment(_CONTRACT, contract)
    except InvalidRequestError as error:
        return str(error.args[0]).removesuffix(".")
    return Finding(
        order_id=order,
        contract_id=contract or None,
        confirmed=confirmed,
        where=where,
    )


def _unquoted(cell: str) -> str:
    """Return a cell without the apostrophe that our reports put before it."""
    cell = cell.strip()
    bare = cell[1:]
    return bare if bare and harmless(bare) == cell != bare else cell
