"""``sesamy journal``: show the journal of an import, and settle orders."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import (
    Awaitable,
    Callable,
    Generator,
    Iterator,
    Sequence,
)
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from cyclopts.validators import Number

from sesamy_async._checks import segment
from sesamy_async._client import AsyncSesamy
from sesamy_async._http import Connections
from sesamy_async._outcome import Outcome
from sesamy_async._wal import wal_of
from sesamy_async.bulk import Entry, ImportSummary, State, Terms
from sesamy_async.bulk._beside import Files
from sesamy_async.bulk._chain import follow
from sesamy_async.bulk._order_store import key_of, place_in
from sesamy_async.bulk._states import SANDBOX, Change
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.journal._files import find_journal
from sesamy_async.bulk.journal._settling import (
    Finding,
    Reconciled,
    Tell,
    read_findings,
)
from sesamy_async.bulk.journal._settling import reconcile as ask_for
from sesamy_async.bulk.journal._settling import resolve as settle
from sesamy_async.bulk.reports import Kind, ReportError
from sesamy_async.bulk.reports._files import digest_of
from sesamy_async.bulk.reports._words import headline
from sesamy_async.errors import SesamyError
from sesamy_async.idempotency import IdempotencyStore
from sesamy_async.sandbox import KeptLedger, Sandbox, SandboxLookup

from .client import ClientArguments, credentials, in_sandbox, remembering
from .import_words import first_lines, of_chain, still_open, summary_of
from .options import OUTPUT, REMEMBERED, Api, Flag, Output, Remembered
from .orders_store import WITHIN, Settlement
from .output import CommandResult, UsageError, rows


# `app.run` reads "output".
# ruff: noqa: ARG001

journal_app = App(
    name="journal",
    help_epilogue="""\
Examples:

  sesamy journal show orders.csv
  sesamy journal resolve --help
""",
)


@journal_app.command(
    help_epilogue="""\
Examples:

  sesamy journal show orders.csv
  sesamy journal show orders.csv.journal --json | jq .unknown

Exit codes: 0 shown; 1 there is no journal, it is in use, or it can't be read.
"""
)
def show(file: Path, /, *, output: Output = OUTPUT) -> CommandResult:
    """Show how far an import is, and which orders are unknown.

    Rejected rows that were corrected and imported count, too.

    Args:
        file: The journal, or the file of orders beside it.
        output: The options that all commands share.
    """
    with _opened(file) as journal:
        now, terms = summary_of(journal), journal.terms
        counts = {**_counts(now), "strays": now.strays}
        unknown = list(journal.entries(states={State.UNKNOWN}))
        chain = follow(journal)
    facts = {
        "file": terms.source,
        "promo": terms.promo_code,
        "vendor": terms.vendor_id,
        "sent to": terms.base_url,
        "confirmed": terms.confirm,
        "strays": "not allowed" if terms.strays is False else None,
    }
    return CommandResult(
        f"{journal.path} is the journal of {terms.source}: "
        f"{headline(now, chain)}",
        {
            "journal": str(journal.path),
            "source": terms.source,
            "promo": terms.promo_code,
            "vendor": terms.vendor_id,
            "base_url": terms.base_url,
            "confirm": str(terms.confirm),
            "no_strays": terms.strays is False,
            "rows": now.rows,
            **counts,
            "chain": of_chain(chain),
            "orders": [
                {
                    "external_order_id": entry.order_id,
                    "row": entry.row,
                    "reason": entry.reason,
                }
                for entry in unknown
            ],
        },
        (
            *rows(**facts),
            "",
            *rows(**counts),
            *_listed(unknown),
            *(still_open(chain) if chain.followed else ()),
        ),
    )


@journal_app.command(
    help_epilogue="""\
Examples:

  sesamy journal resolve orders.csv A-4711 --created 5f0c2a
  sesamy journal resolve orders.csv A-4711 --created 5f0c2a --confirmed
  sesamy journal resolve orders.csv A-4712 --not-created
  sesamy journal resolve orders.csv --from found.csv

Exit codes: 0 all are settled; 1 the journal can't be used; 2 an option, an
order or a row is wrong, and nothing was settled.
"""
)
def resolve(
    file: Path,
    order: str | None = None,
    /,
    *,
    created: str | None = None,
    confirmed: Flag = False,
    not_created: Flag = False,
    table: Annotated[Path | None, Parameter(name="--from")] = None,
    options: Remembered = REMEMBERED,
) -> CommandResult:
    """Record whether unknown orders have a contract.

    The next run of the import confirms the contracts that are not confirmed
    yet, if it is to confirm them, and sends the other orders again. This is
    recorded in the store of orders, too, for all who share it.

    Args:
        file: The journal, or the file of orders beside it.
        order: The externalOrderId.
        created: The id of its contract.
        confirmed: The contract already gives access.
        not_created: It certainly has no contract.
        table: A CSV file or spreadsheet, such as the filled-in report of
            unknown orders, with the columns externalOrderId, contractId,
            confirmed ("yes" if the contract already gives access) and
            notCreated ("yes" if there is no contract). Rows in which
            nothing is filled in are left out.
        options: Which store of orders.
    """
    # First: a row that is added later is not among the findings.
    digest = None
    with suppress(ReportError):
        digest = None if table is None else digest_of(table)
    found = _findings(
        order, created, table, confirmed=confirmed, not_created=not_created
    )
    with _opened(file) as journal, _telling(journal, options) as tell:
        settle(journal, found, tell)
        if table is not None and digest is not None:
            _take_in(journal, table, digest)
        unknown = summary_of(journal).unknown
    made = sum(each.contract_id is not None for each in found)
    result = Reconciled(created=made, not_created=len(found) - made)
    return _answer(result, unknown)


@journal_app.command(
    help_epilogue="""\
Examples:

  sesamy journal reconcile orders.csv --lookup mycompany.sesamy:lookup
  sesamy journal reconcile orders.csv --lookup sandbox

Exit codes: 0 all are settled; 1 the journal can't be used; 2 an option is
wrong; 4 some orders are still unknown.
"""
)
def reconcile(
    file: Path,
    /,
    *,
    lookup: str,
    concurrency: Annotated[
        int, Parameter(validator=Number(gte=1, lte=100))
    ] = 8,
    options: Remembered = REMEMBERED,
) -> CommandResult:
    """Ask a program whether unknown orders have a contract.

    Orders that the program doesn't know stay unknown.

    Args:
        file: The journal, or the file of orders beside it.
        lookup: "package.module:factory", which returns a Lookup; or
            "sandbox" if the orders were sent to a sandbox, also with
            "sesamy import --sandbox".
        concurrency: How many orders are looked up at the same time.
        options: Which store of orders.
    """
    with _opened(file) as journal, _telling(journal, options) as tell:
        ask = partial(ask_for, journal, concurrency=concurrency, tell=tell)
        result = asyncio.run(_ask(journal, lookup, ask))
    if result.unknown:
        why = ", ".join(
            f"{times} x {name}" for name, times in result.failures.items()
        )
        raise SesamyError(
            f"{_settled(result)} {result.unknown} are still unknown ({why}).",
            outcome=Outcome.UNKNOWN,
        )
    return _answer(result)


@journal_app.command(
    help_epilogue="""\
Examples:

  sesamy journal recover orders.csv --yes

Exit codes: 0 the journal can be used again; 1 it can't be used, or nothing
is missing; 2 --yes is missing.
"""
)
def recover(
    file: Path, /, *, yes: Flag = False, output: Output = OUTPUT
) -> CommandResult:
    """Use a journal without its latest changes, which were in its WAL file.

    Orders that may have been sent since then become unknown, and are not
    sent again automatically.

    Args:
        file: The journal, or the file of orders beside it.
        yes: Go on without the WAL file, without asking.
        output: The options that all commands share.
    """
    path = find_journal(file)
    if not yes:
        raise UsageError(
            f"{wal_of(path)} says which orders were sent last. Look for it "
            "first; give --yes only if it is lost."
        )
    unknown = Journal.recover(path)
    return CommandResult(
        f"{path} can be used again; {unknown} orders became unknown.",
        {"journal": str(path), "unknown": unknown},
    )


@journal_app.command(
    help_epilogue="""\
Examples:

  sesamy journal purge orders.csv --yes
  sesamy journal purge orders.csv --yes --force

Exit codes: 0 removed; 1 it can't be removed; 2 --yes or --force is missing.
"""
)
def purge(
    file: Path,
    /,
    *,
    yes: Flag = False,
    force: Flag = False,
    output: Output = OUTPUT,
) -> CommandResult:
    """Remove the journal of an import that has ended.

    After that, only the store of orders says which orders were sent. Without
    a store, importing the same file again sends all of them again.

    Args:
        file: The journal, or the file of orders beside it.
        yes: Remove it without asking.
        force: Remove it even if orders are unknown or not finished.
        output: The options that all commands share.
    """
    with _opened(file) as journal:
        now = summary_of(journal)
        if (now.unknown or now.unprocessed) and not force:
            raise UsageError(
                f"{journal.path} is still needed: {now.unknown} orders are "
                f"unknown, and {now.unprocessed} are not finished. Settle "
                "and finish them first, or give --force to remove it anyway."
            )
        if not yes:
            raise UsageError(
                f"{journal.path} says which of {now.rows} rows were sent. "
                "Without it, only the store of orders does. Give --yes to "
                "remove it."
            )
        journal.purge()
    return CommandResult(
        f"{journal.path} is removed.",
        {"removed": str(journal.path), "rows": now.rows, **_counts(now)},
    )


@contextmanager
def _opened(file: Path) -> Generator[Journal]:
    with Journal.open(find_journal(file)) as journal:
        # No import is running, so orders that were being sent were cut off.
        journal.restart()
        yield journal


@contextmanager
def _telling(journal: Journal, options: Remembered) -> Generator[Tell | None]:
    """Yield what tells the store of orders, if there is one."""
    with remembering(options.idempotency) as store:
        tell = partial(_settle_all, store, journal.terms) if store else None
        yield tell


def _counts(now: ImportSummary) -> dict[str, int]:
    return {str(kind): getattr(now, kind) for kind in Kind}


def _listed(unknown: list[Entry]) -> Iterator[str]:
    lines = [
        f"  row {each.row}, order {each.order_id!r}: "
        f"{each.reason or 'no reason was recorded'}"
        for each in unknown
    ]
    how = "sesamy journal resolve --help"
    yield from first_lines(
        f"Unknown, so somebody has to check ({how}):", lines
    )


def _settle_all(
    store: IdempotencyStore,
    terms: Terms,
    settled: Sequence[tuple[Entry, Change]],
) -> list[str]:
    """Tell a store what happened to unknown orders of an import.

    If some can't be settled like this, return why, and tell it nothing.
    """
    where = place_in(terms.base_url)
    orders = {key_of(each, terms, where): change for each, change in settled}
    known = store.look(orders, within=WITHIN)
    found = [
        Settlement(
            key=key,
            seen=known.get(key),
            contract_id=change.contract_id,
            confirmed=change.state is State.CONFIRMED,
            source=terms.source,
        )
        for key, change in orders.items()
    ]
    problems = [
        f"order {each.key.external_order_id!r} {problem}"
        for each in found
        if (problem := each.against(store))
    ]
    if not problems:
        for each in found:
            each.settle(store)
    return problems


def _findings(
    order: str | None,
    created: str | None,
    table: Path | None,
    *,
    confirmed: bool,
    not_created: bool,
) -> list[Finding]:
    answers = (created is not None) + not_created
    if table is not None and order is None and not (answers or confirmed):
        return read_findings(table)
    doubtful = answers != 1 or (confirmed and created is None)
    if table is not None or order is None or doubtful:
        raise UsageError(
            "Name an order, and say what you found: --created CONTRACT_ID, "
            "with --confirmed if it gives access, or --not-created. For many "
            "orders, give a CSV file or spreadsheet: --from FILE."
        )
    if created is not None:
        segment("--created", created)
    return [Finding(order_id=order, contract_id=created, confirmed=confirmed)]


def _take_in(journal: Journal, table: Path, digest: bytes) -> None:
    """Let the next run replace a report whose findings are recorded."""
    memory = journal.memory
    beside = table.parent.samefile(journal.path.parent)
    if beside and table.name in memory.recall():
        memory.add(table.name, digest)


async def _ask(
    journal: Journal, name: str, ask: Callable[[Any], Awaitable[Reconciled]]
) -> Reconciled:
    """Ask the lookup that an option names."""
    if name == "sandbox":
        with _sandbox(journal) as client:
            async with AsyncSesamy(**client) as sesamy:
                return await ask(SandboxLookup(sesamy))
    made = _made(name)
    opened = made if hasattr(made, "__aenter__") else nullcontext(made)
    async with opened as known:
        return await ask(known)


@contextmanager
def _sandbox(journal: Journal) -> Generator[ClientArguments]:
    """Yield how to reach the sandbox that got the orders of a journal.

    That of ``sesamy import --sandbox`` is in a file beside the journal.
    """
    terms = journal.terms
    if not terms.base_url.startswith(SANDBOX):
        yield ClientArguments(
            vendor_id=terms.vendor_id,
            auth=credentials(None),
            base_url=terms.base_url,
            # A proxy can't reach loopback.
            transport=Connections(trust_env=False),
        )
        return
    ledger = Files(journal.path, journal.path, None).ledger
    kept = KeptLedger(ledger) if ledger.exists() else None
    if kept is None or f"{SANDBOX}{kept.world}" != terms.base_url:
        wrong = "is missing" if kept is None else "is of another sandbox"
        raise UsageError(
            f"The orders were sent to a sandbox whose contracts are in "
            f"{ledger}, but that file {wrong}. Put the right one there, or "
            "record what happened to the orders with `sesamy journal resolve`."
        )
    with in_sandbox(Api(vendor=terms.vendor_id), Sandbox(ledger=kept)) as it:
        yield it


def _made(name: str) -> Any:
    module, _, factory = name.partition(":")
    if not module or not factory:
        raise UsageError(
            "--lookup must be package.module:factory, or sandbox."
        )
    # A command, unlike `python -m`, does not search the current folder.
    sys.path.insert(0, str(Path.cwd()))
    try:
        made = getattr(importlib.import_module(module), factory)()
    except Exception as error:
        # Without the message, which may be secret.
        raise UsageError(
            f"--lookup {name} failed: {type(error).__name__}. Try it in "
            f"Python: from {module} import {factory}; {factory}()."
        ) from error
    if not hasattr(made, "find") and not hasattr(made, "__aenter__"):
        raise UsageError(
            f"--lookup {name} returns a {type(made).__name__}, which has no "
            "method find."
        )
    return made


def _answer(result: Reconciled, unknown: int = 0) -> CommandResult:
    data = {
        "created": result.created,
        "not_created": result.not_created,
        "unknown": unknown,
    }
    left = f" Still unknown: {unknown}." if unknown else ""
    return CommandResult(
        f"{_settled(result)}{left} Run the same import again to continue.",
        data,
    )


def _settled(result: Reconciled) -> str:
    return (
        f"Settled: {result.created} with a contract, {result.not_created} "
        "without, to be sent again."
    )
