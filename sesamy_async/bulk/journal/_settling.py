"""Settle orders whose outcome is unknown."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import cast

import anyio
import attrs

from sesamy_async._checks import is_segment, segment
from sesamy_async.bulk._rows import harmless
from sesamy_async.bulk._states import (
    Change,
    Entry,
    InputFileError,
    JournalError,
    State,
)
from sesamy_async.bulk.lookup import Found, Lookup
from sesamy_async.errors import InvalidRequestError

from ._journal import Journal
from ._writer import Writer


@attrs.frozen(kw_only=True)
class Finding:
    """What somebody found out about an order.

    Attributes:
        order_id: The order.
        contract_id: The contract that it has; None if it is certain
            that it has none.
        confirmed: Whether that contract gives access already.
        where: Where it was said, for messages, such as ``"row 3"``.
    """

    order_id: str
    contract_id: str | None
    confirmed: bool = False
    where: str = ""


def resolve(journal: Journal, findings: Iterable[Finding]) -> int:
    """Settle unknown orders: all of the findings, or none.

    An order with a contract is CREATED: the next run confirms it, if that
    is wanted.  An order whose contract is confirmed is done.  An order
    without one is PENDING: the next run sends it again.

    Args:
        journal: Where they are unknown.
        findings: What was found out.

    Returns:
        How many were settled.

    Raises:
        InputFileError: One of them can't be settled; all are named, and
            nothing was changed.
        JournalError: The journal can't be read or written.
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
    """Return why an order can't be settled; None if it can."""
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


@attrs.define(kw_only=True)
class Reconciled:
    """What became of the orders that were unknown.

    Attributes:
        created: Those with a contract; the next run confirms it, if that
            is wanted and not done yet.
        not_created: Those without; the next run sends them again.
        failures: How many orders are still unknown because of each error.
    """

    created: int = 0
    not_created: int = 0
    failures: Counter[str] = attrs.field(factory=Counter[str])

    def add(self, answer: Change | str) -> None:
        """Count what became of an order, or why nobody could say."""
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
    journal: Journal, lookup: Lookup, *, concurrency: int = 8
) -> Reconciled:
    """Ask for every unknown order whether it has a contract.

    If the lookup can't say it, whatever it raises, the order stays unknown.

    Args:
        journal: Where they are unknown.
        lookup: Is asked.
        concurrency: How many are asked for at once, at least 1.

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
    """Return what becomes of an order, or why that can't be said."""
    try:
        # An order that was sent has an id.
        found = await lookup.find(cast("str", entry.order_id))
        if found is not None and not is_segment(found.contract_id):
            # It names no contract, and does not say that there is none.
            return InvalidRequestError.__name__
        change = settle(entry, found, goal)
    except Exception as error:  # noqa: BLE001 - the lookup is not ours
        # Without its message, which may be personal.
        return type(error).__name__
    return change


_ORDER, _CONTRACT = "externalOrderId", "contractId"
_CONFIRMED, _NOT_CREATED = "confirmed", "notCreated"
_COLUMNS = (_ORDER, _CONTRACT, _CONFIRMED, _NOT_CREATED)
_YES = frozenset({"yes", "true", "1"})
_NO = frozenset({"", "no", "false", "0"})


def read_findings(path: Path) -> list[Finding]:
    """Read a CSV with externalOrderId, contractId, confirmed, notCreated.

    The last two may be missing.  The delimiter may be a comma, a semicolon
    or a tab; columns of other names are left alone.  The report of unknown
    orders is such a file, once its cells are filled in.

    Args:
        path: The file, in UTF-8.

    Raises:
        InputFileError: It can't be read, or rows are wrong; all are named.
    """
    found: list[Finding] = []
    problems: list[str] = []
    for number, row in _rows(path):
        finding = _finding(f"row {number}", row)
        if isinstance(finding, str):
            problems.append(f"row {number}: {finding}")
        else:
            found.append(finding)
    if problems:
        raise InputFileError(
            f"{path} can't be used: {'; '.join(problems)}.", problems=problems
        )
    return found


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    # newline="" leaves the ends of lines to csv, which knows of quotes.
    lines = io.StringIO(_text(path), newline="")
    header = lines.readline()
    delimiter = max(",;\t", key=header.count)
    rows = csv.reader(chain([header], lines), delimiter=delimiter, strict=True)
    try:
        names = next(rows)
        _check_columns(path, names)
        for number, cells in enumerate(rows, start=2):
            if any(cells):
                yield number, dict(zip_longest(names, cells, fillvalue=""))
    except csv.Error as error:
        raise InputFileError(
            f"{path}, line {rows.line_num}: {error}."
        ) from None


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
            "remove the one that does not count."
        )


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputFileError(
            f"{path} can't be read: {error.strerror}."
        ) from None
    except UnicodeDecodeError:
        raise InputFileError(
            f"{path} is not in UTF-8. Save it as CSV in UTF-8."
        ) from None


def _finding(where: str, row: Mapping[str, str]) -> Finding | str:
    """Return what a row says, or what is wrong with it."""
    order, contract = (_meant(row[each]) for each in (_ORDER, _CONTRACT))
    confirmed, not_created = (
        _said(row.get(each, "")) for each in (_CONFIRMED, _NOT_CREATED)
    )
    if not order:
        return f"{_ORDER} is missing"
    if confirmed is None or not_created is None:
        return f"{_CONFIRMED} and {_NOT_CREATED} must be yes, no or empty"
    if not_created == bool(contract) or (confirmed and not contract):
        return (
            f"give either the {_CONTRACT} that order {order!r} has, or yes "
            f"in {_NOT_CREATED}"
        )
    problem = contract and _contract_problem(contract)
    return problem or Finding(
        order_id=order,
        contract_id=contract or None,
        confirmed=confirmed,
        where=where,
    )


def _said(cell: str) -> bool | None:
    """Return yes or no; None for what is neither."""
    word = cell.strip().lower()
    return word in _YES if word in _YES | _NO else None


def _contract_problem(contract: str) -> str:
    try:
        segment(_CONTRACT, contract)
    except InvalidRequestError as error:
        return str(error.args[0]).removesuffix(".")
    return ""


def _meant(cell: str) -> str:
    """Return a cell without the apostrophe that our reports put before it."""
    cell = cell.strip()
    meant = cell[1:]
    return meant if meant and harmless(meant) == cell != meant else cell
