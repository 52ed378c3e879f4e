"""Settle the unknown orders of a journal."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.journal.findings import read_findings
from sesamy_async.bulk.journal.reconcile import Reconciled, reconcile
from sesamy_async.bulk.journal.resolve import Finding, resolve
from sesamy_async.bulk.journal.rows import Rows
from sesamy_async.bulk.journal.written import Written
from sesamy_async.bulk.reports.draft import digest_of
from sesamy_async.bulk.reports.errors import ReportError
from sesamy_async.cli.answer import Answer
from sesamy_async.cli.usage import UsageError
from sesamy_async.core.outcome import Outcome
from sesamy_async.errors import SesamyError
from sesamy_async.paths import segment

from .lookups import lookup_of


def findings(
    order: str | None,
    created: str | None,
    table: Path | None,
    *,
    confirmed: bool,
    not_created: bool,
) -> list[Finding]:
    """Return what was found out, as the arguments say it.

    Raises:
        UsageError: They don't say it, or contradict each other.
        InvalidRequestError: The id of the contract can't be one.
        InputFileError: The table can't be used.
    """
    answers = (created is not None) + not_created
    if table is not None and order is None and not (answers or confirmed):
        return read_findings(table)
    doubtful = answers != 1 or (confirmed and created is None)
    if table is not None or order is None or doubtful:
        raise UsageError(
            "Name an order, and say what was found: --created CONTRACT_ID, "
            "perhaps with --confirmed, or --not-created; or give a table of "
            "many: --from CSV."
        )
    if created is not None:
        segment("--created", created)
    return [Finding(order_id=order, contract_id=created, confirmed=confirmed)]


def resolved(journal: Journal, found: list[Finding]) -> Answer:
    """Settle what somebody has looked at."""
    resolve(journal, found)
    created = sum(each.contract_id is not None for each in found)
    return _answer(
        Reconciled(created=created, not_created=len(found) - created)
    )


def content(table: Path | None) -> bytes | None:
    """Return the digest of a table; None where it can't be read."""
    with suppress(ReportError):
        return None if table is None else digest_of(table)
    return None


def taken_in(journal: Journal, table: Path, digest: bytes) -> None:
    """Let the next run replace a report whose findings are known now.

    Args:
        journal: Knows them.
        table: Where they were.
        digest: Of what was read.
    """
    memory = journal.memory
    reported = memory.recall()
    written = reported.get(table.name, ())
    if written and table.parent.samefile(journal.path.parent):
        known = (*written, Written(digest, Rows()))
        memory.remember({**reported, table.name: known})


def reconciled(journal: Journal, lookup: str, concurrency: int) -> Answer:
    """Settle what a program can say.

    Raises:
        SesamyError: Some are still unknown; `outcome` is UNKNOWN.
    """

    async def ask() -> Reconciled:
        async with lookup_of(lookup, journal.terms) as known:
            return await reconcile(journal, known, concurrency=concurrency)

    result = asyncio.run(ask())
    if result.unknown:
        why = ", ".join(
            f"{count} x {name}" for name, count in result.failures.items()
        )
        raise SesamyError(
            f"{_settled(result)} {result.unknown} are still unknown ({why}).",
            outcome=Outcome.UNKNOWN,
        )
    return _answer(result)


def _answer(result: Reconciled) -> Answer:
    data = {"created": result.created, "not_created": result.not_created}
    return Answer(f"{_settled(result)} The next import goes on.", data)


def _settled(result: Reconciled) -> str:
    return (
        f"Settled: {result.created} with a contract, {result.not_created} "
        "without, to be sent again."
    )
