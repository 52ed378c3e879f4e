"""Show journals and settle what is unknown in them."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import (
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from pathlib import Path
from typing import Any

import attrs

from sesamy_async._checks import segment
from sesamy_async._client import AsyncSesamy
from sesamy_async._http import Connections
from sesamy_async._outcome import Outcome
from sesamy_async.bulk import Entry, Lookup, State, Terms
from sesamy_async.bulk.journal import Journal, Rows, Written
from sesamy_async.bulk.journal._files import find_journal, wal_of
from sesamy_async.bulk.journal._settling import (
    Finding,
    Reconciled,
    read_findings,
    reconcile,
    resolve,
)
from sesamy_async.bulk.reports import ReportError
from sesamy_async.bulk.reports._files import digest_of
from sesamy_async.errors import SesamyError
from sesamy_async.sandbox import SandboxLookup

from .client import credentials
from .output import CommandResult, UsageError, rows


_MOST_SHOWN = 20


@contextmanager
def opened(file: Path) -> Generator[Journal]:
    """Open a journal for the time of a command.

    No import is running then, so an order that was being sent was cut off:
    that is decided first, as at a restart.

    Args:
        file: The journal, or the file of orders beside it.

    Raises:
        JournalError: It can't be used.
    """
    with Journal.open(find_journal(file)) as journal:
        journal.restart()
        yield journal


def shown(journal: Journal) -> CommandResult:
    """Return what a journal holds."""
    tally = _Tally.of(journal)
    terms = journal.terms
    unknown = list(journal.entries(states={State.UNKNOWN}))
    strays = journal.strays()
    return CommandResult(
        f"{journal.path} is the journal of {terms.source}: {tally.rows} rows.",
        {
            "journal": str(journal.path),
            **_terms(terms),
            "rows": tally.rows,
            **tally.counts,
            "strays": strays,
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
            *rows(**_terms(terms)),
            "",
            *rows(**tally.counts, strays=strays),
            *_listed(unknown),
        ),
    )


def recovered(file: Path, *, yes: bool) -> CommandResult:
    """Make a journal whole again whose WAL is gone for good.

    Raises:
        UsageError: The option is missing that allows it.
        JournalError: It is whole, or can't be used.
    """
    path = find_journal(file)
    if not yes:
        raise UsageError(
            f"{wal_of(path)} says which orders were sent last. Look for it "
            "first; give --yes if it is gone for good."
        )
    unknown = Journal.recover(path)
    return CommandResult(
        f"{path} can be used again; {unknown} orders became unknown.",
        {"journal": str(path), "unknown": unknown},
    )


def purged(journal: Journal, *, yes: bool, force: bool) -> CommandResult:
    """Remove a journal, unless it is still needed.

    Raises:
        UsageError: An option is missing that allows it.
    """
    tally = _Tally.of(journal)
    if (tally.unknown or tally.unprocessed) and not force:
        raise UsageError(
            f"{journal.path} is still needed: {tally.unknown} orders are "
            f"unknown, and {tally.unprocessed} are not finished. Settle and "
            "finish them first; --force removes it all the same."
        )
    if not yes:
        raise UsageError(
            f"{journal.path} says which of {tally.rows} rows were sent; "
            "without it, importing their file again sends them all again. "
            "Give --yes to remove it."
        )
    journal.purge()
    return CommandResult(
        f"{journal.path} is removed.",
        {"removed": str(journal.path), "rows": tally.rows, **tally.counts},
    )


@attrs.frozen(kw_only=True)
class _Tally:
    """How many rows are where, in the words of the reports."""

    rows: int
    confirmed: int
    created: int
    rejected: int
    unknown: int

    @classmethod
    def of(cls, journal: Journal) -> _Tally:
        states = journal.counts()
        only_created = journal.terms.confirm.goal is State.CREATED
        return cls(
            rows=sum(states.values()),
            confirmed=states[State.CONFIRMED],
            created=states[State.CREATED] if only_created else 0,
            rejected=states[State.REJECTED],
            unknown=states[State.UNKNOWN],
        )

    @property
    def unprocessed(self) -> int:
        settled = self.confirmed + self.created + self.rejected + self.unknown
        return self.rows - settled

    @property
    def counts(self) -> dict[str, int]:
        return {
            "confirmed": self.confirmed,
            "created": self.created,
            "rejected": self.rejected,
            "unknown": self.unknown,
            "unprocessed": self.unprocessed,
        }


def _terms(terms: Terms) -> dict[str, Any]:
    return {
        "source": terms.source,
        "promo": terms.promo_code,
        "vendor": terms.vendor_id,
        "base_url": terms.base_url,
        "confirm": str(terms.confirm),
        "no_strays": not terms.strays,
    }


def _listed(unknown: list[Entry]) -> tuple[str, ...]:
    if not unknown:
        return ()
    lines = [
        f"  row {entry.row}, order {entry.order_id!r}: "
        f"{entry.reason or 'no reason was kept'}"
        for entry in unknown[:_MOST_SHOWN]
    ]
    more = len(unknown) - _MOST_SHOWN
    if more > 0:
        lines.append(f"  and {more} more; --json lists them all")
    return (
        "",
        "Unknown, so somebody has to look (sesamy journal resolve --help):",
        *lines,
    )


_SANDBOX = "sandbox"


@asynccontextmanager
async def lookup_of(name: str, terms: Terms) -> AsyncGenerator[Lookup]:
    """Make a lookup for as long as the block runs.

    Args:
        name: ``package.module:factory``, or ``sandbox``.
        terms: Where the orders went.

    Raises:
        UsageError: It can't be made.
        ConfigurationError: The credentials for the sandbox are missing.
    """
    async with AsyncExitStack() as stack:
        if name == _SANDBOX:
            client = AsyncSesamy(
                terms.vendor_id,
                auth=credentials(None),
                base_url=terms.base_url,
                # No proxy leads to loopback.
                transport=Connections(trust_env=False),
            )
            yield SandboxLookup(await stack.enter_async_context(client))
            return
        made: Any = _made(name)
        if hasattr(made, "__aenter__"):
            made = await stack.enter_async_context(made)
        yield made


def _made(name: str) -> object:
    module, _, factory = name.partition(":")
    if not module or not factory:
        raise UsageError(
            "--lookup must be package.module:factory, or sandbox."
        )
    # A command does not look where it is called, as python -m does.
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        made: object = getattr(importlib.import_module(module), factory)()
    except Exception as error:
        # Not its message, for that may be secret.
        raise UsageError(
            f"--lookup {name} can't be made: {type(error).__name__}. Try it "
            f"in Python: from {module} import {factory}; {factory}()."
        ) from error
    if not hasattr(made, "find") and not hasattr(made, "__aenter__"):
        raise UsageError(
            f"--lookup {name} makes a {type(made).__name__}, which has no "
            "method find."
        )
    return made


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


def resolved(journal: Journal, found: list[Finding]) -> CommandResult:
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


def reconciled(
    journal: Journal, lookup: str, concurrency: int
) -> CommandResult:
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


def _answer(result: Reconciled) -> CommandResult:
    data = {"created": result.created, "not_created": result.not_created}
    return CommandResult(f"{_settled(result)} The next import goes on.", data)


def _settled(result: Reconciled) -> str:
    return (
        f"Settled: {result.created} with a contract, {result.not_created} "
        "without, to be sent again."
    )
