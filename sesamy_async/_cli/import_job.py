"""``sesamy import``: from its options to its reports."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Collection, Generator, Iterator
from contextlib import (
    ExitStack,
    contextmanager,
    nullcontext,
    suppress,
)
from pathlib import Path

import attrs
from cyclopts import App

from sesamy_async._call import BlockingRuntime, RateLimit, drive
from sesamy_async._checks import segment
from sesamy_async._once import Once, Placed
from sesamy_async.bulk import (
    Confirm,
    Entry,
    JournalError,
    State,
)
from sesamy_async.bulk._beside import Files, mapping_beside
from sesamy_async.bulk._chain import Chain, followed
from sesamy_async.bulk._file import FileImport
from sesamy_async.bulk._order_store import (
    StoreCounts,
    confirmed_before,
    look_up,
    place_in,
    reader,
)
from sesamy_async.bulk._states import SANDBOX
from sesamy_async.bulk._steps import first_orders
from sesamy_async.bulk.check import Checked, notes_on
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.reading import write_template
from sesamy_async.bulk.reports import Kind
from sesamy_async.bulk.reports._words import count, headline, to_correct
from sesamy_async.errors import ConfigurationError
from sesamy_async.idempotency import IdempotencyStore, StoreUnavailable
from sesamy_async.sandbox import KeptLedger, Sandbox, SandboxConfig

from . import import_words as words
from .client import (
    ClientArguments,
    base_url,
    check_target,
    from_environment,
    in_sandbox,
    name_of,
    remembering,
    vendor_of,
)
from .import_progress import (
    agrees,
    can_ask,
    counting,
    on_terminal,
    say,
    watching,
)
from .import_sending import Presses, Run, Sent, heeding
from .mapping import open_mapped, with_mapping_beside
from .options import (
    ACTIONS,
    API,
    READING,
    SENDING,
    Api,
    ImportActions,
    OrderFile,
    ReadingOptions,
    Sending,
)
from .output import CommandResult, UsageError


import_app = App(
    name="import",
    help_epilogue="""\
Examples:

  sesamy import orders.csv --promo SPRING-12 --sandbox
  sesamy import orders.csv --promo SPRING-12 --dry-run
  sesamy import orders.csv --promo SPRING-12 --report orders.html
  sesamy import orders.xlsx --promo SPRING-12 --first 3
  sesamy import --template

Credentials are read from SESAMY_CLIENT_ID and SESAMY_CLIENT_SECRET, never
from options. Exit codes: 0 all done; 1 it could not start or finish; 2 an
option, a setting or the file is wrong, and nothing was sent; 3 some orders
were rejected; 4 somebody has to check some orders; 130 Ctrl-C. After 1 and
130, the same command continues the import.
""",
)


@import_app.default
def import_orders(
    file: OrderFile | None = None,
    /,
    *,
    promo: str | None = None,
    doing: ImportActions = ACTIONS,
    reading: ReadingOptions = READING,
    sending: Sending = SENDING,
    options: Api = API,
) -> CommandResult:
    """Send all orders of a file.

    Args:
        file: A spreadsheet, CSV or JSON file with an order in each row.
        promo: The promo code of rows that name none.
        doing: What the import does, and which files it writes.
        reading: How the file is read.
        sending: How the orders are sent.
        options: The options that all API commands share; the deadline is
            that of a call.
    """
    if doing.template:
        return _template(Path(file or "orders.xlsx"))
    check_target(options, sandbox=doing.sandbox)
    if promo is not None:
        # Otherwise every row would be refused for it.
        segment("--promo", promo)
    if file is None:
        raise UsageError(
            "No file is given. Name one, or write a file to start from with "
            "`sesamy import --template`."
        )
    pace = sending.pace()
    path = Path(file)
    reading = with_mapping_beside(path, reading)
    ask = can_ask() and not options.as_json
    given = reading.mapping
    source, reading = open_mapped(path, reading, interactive=ask)
    core = FileImport(
        source=source,
        files=Files.of(path, doing.journal, doing.report, reading.mapping),
        promo_code=promo,
        confirm=Confirm(sending.confirm),
        strays=sending.strays,
        skip_invalid=doing.skip_invalid,
        strict=doing.strict,
        concurrency=sending.concurrency,
        patience=sending.patience,
    )
    proposed = reading.mapping != given
    job = ImportJob(
        core, doing, reading, sending, options, pace, proposed, ask
    )
    return job.rehearse() if doing.dry_run else job.carry_out()


def _template(path: Path) -> CommandResult:
    """Write a template; for CSV, which explains nothing, with a mapping."""
    said = f"{path} is a file to start from. Its first row explains it."
    details = ["  Fill it in, and try it with --promo SPRING-12 --sandbox."]
    mapping = None
    if path.suffix.lower() != ".xlsx":
        mapping = path.with_suffix(".toml")
        said = f"{path} is a file to start from, and {mapping} is a mapping."
        details += [f"  If your headers differ, use --mapping {mapping}."]
    if mapping == path:
        raise UsageError(
            f"{path} has the name of a mapping. Name a file that ends in "
            ".xlsx or .csv."
        )
    write_template(path, mapping)
    files = {"template": str(path), "mapping": mapping and str(mapping)}
    return CommandResult(said, files, tuple(details))


_SHOWN = attrs.filters.include("row", "order_id", "contract_id", "state")


@attrs.frozen
class ImportJob:
    """An import, and what the command adds to it: words, and a terminal.

    If its mapping was `proposed` just now, its orders are shown, and it asks.
    """

    core: FileImport
    doing: ImportActions
    reading: ReadingOptions
    sending: Sending
    options: Api
    pace: RateLimit
    proposed: bool
    can_ask: bool

    def rehearse(self) -> CommandResult:
        """Check the file, and say what would be sent, and how long."""
        source = self.core.source
        url = self.options.idempotency
        with self._checked() as found, remembering(url) as store:
            told, said = self._told(found, store)
            wrong = (
                f"; {count(found.invalid, 'row')} would be left out"
                if found.invalid
                else ""
            )
            calls = told.new * self.core.confirm.calls + told.begun
            cleaned, warnings = words.of_cells(source, found)
            return CommandResult(
                f"{count(told.new + told.begun, 'order')} can be sent{wrong}. "
                "Nothing was sent.",
                {
                    "rows": found.rows,
                    "valid": found.valid,
                    "invalid": found.invalid,
                    "new": told.new,
                    "begun": told.begun,
                    "already": told.already,
                    "unknown": told.doubtful,
                    "differing": told.differ,
                    "calls": calls,
                    "store": name_of(store) if store else None,
                    "notes": [
                        {"row": each.row, "remark": each.remark.text}
                        for each in notes_on(source)
                    ],
                    "cleaned": words.counted(cleaned),
                    "warnings": words.counted(warnings),
                    "dry_run": True,
                },
                (
                    *(f"  {each}" for each in said),
                    f"  That takes {words.estimate(calls, self.pace)}.",
                    *words.alike(found),
                ),
            )

    def _told(
        self, found: Checked, store: IdempotencyStore | None
    ) -> tuple[StoreCounts, Iterator[str]]:
        """Ask the store about a file that is not sent."""
        vendor: str | None
        if self.doing.sandbox:
            ledger = self.core.files.ledger
            world = KeptLedger(ledger).world if ledger.exists() else ""
            address = f"{SANDBOX}{world}"
            vendor = self.options.vendor or SandboxConfig().vendors[0].id
        else:
            # A wrong address is refused here too.
            address, vendor = base_url(self.options), vendor_of(self.options)
        if store is None or vendor is None:
            said = "The store of orders was not asked: --vendor is missing."
            if store is None:
                said = "There is no store of orders."
            return StoreCounts(new=found.valid), iter([said])
        entries = (
            Entry(
                row=each.row,
                order_id=each.order_id,
                state=State.PENDING,
                vendor_id=each.vendor_id,
            )
            for each in found.planned()
            if each.reason is None
        )
        once = Once(store, place_in(address), BlockingRuntime())
        terms = self.core.terms("", vendor, address)
        told = drive(look_up(once, reader(self.core.source), terms, entries))
        return told, words.in_store(told, name_of(store))

    def carry_out(self) -> CommandResult:
        begun = self.core.files.journal.exists()
        # Here, so that a missing setting is reported before a long check.
        sesamy = None if self.doing.sandbox else from_environment(self.options)
        fingerprint = self.core.source.fingerprint()
        # Around all else: Ctrl-C must not hide what was sent.
        with (
            heeding() as presses,
            remembering(self.options.idempotency) as store,
            ExitStack() as checking,
        ):
            found = None if begun else checking.enter_context(self._checked())
            if self.proposed and found is not None:
                self._ask_about(found, presses)
            target = (
                _in_own_sandbox(self.options, self.core.files)
                if sesamy is None
                else nullcontext((sesamy, sesamy["base_url"]))
            )
            with target as (client, address):
                client["rate_limit"] = self.pace
                vendor = client["vendor_id"]
                terms = self.core.terms(fingerprint, vendor, address)
                where = address if sesamy is None else None
                client["idempotency"] = Placed(store or False, where)
                with self.core.journal(found, terms) as journal:
                    said = None if found is None else words.alike(found)
                    # Its file is not needed while the orders are sent.
                    checking.close()
                    with watching(self.core.source.name) as watch:
                        run = Run(self, journal, presses, watch)
                        sent = asyncio.run(run.send(client, said))
                    return self._result(journal, sent, store)

    def _ask_about(self, found: Checked, presses: Presses) -> None:
        with presses.ending():
            agreed = agrees(f"Send {count(found.valid, 'order')}?")
        if not agreed:
            raise UsageError(
                f"No order was sent. {self.reading.mapping} was kept: check "
                "it, and run the same command again."
            )

    @contextmanager
    def _checked(self) -> Generator[Checked]:
        """Check all rows, and yield the result if it may be sent."""
        with counting(f"Checking {self.core.source.name}") as on_rows:
            found = self.core.check(on_rows)
        with found:
            say(*self._remarks(found))
            examples = on_terminal()
            listed = words.mistakes(found, examples=examples)
            self.core.accept(found, None if self.options.as_json else listed)
            yield found

    def _remarks(self, found: Checked) -> Iterator[str]:
        source, strict = self.core.source, self.doing.strict
        examples = on_terminal() and not self.options.as_json
        yield from words.remarks_on_file(source, examples=examples)
        if (self.doing.dry_run or self.proposed) and examples:
            yield from words.preview(source, found, self.core.promo_code)
        yield from words.remarks(
            source, found, examples=examples, strict=strict
        )

    def _result(
        self, journal: Journal, sent: Sent, store: IdempotencyStore | None
    ) -> CommandResult:
        """Write the reports, and return the result."""
        summary, files = sent.summary, self.core.files
        number = self.sending.first
        first = None if number is None else first_orders(journal, number)
        reports, problem = self.core.report(journal, summary, sent.said)
        chain, again = None, list[int]()
        # What was sent is more important.
        with suppress(JournalError, StoreUnavailable):
            chain = followed(journal)
            if store is not None:
                again = self._done_before(store, journal, chain)
        where = "In a sandbox: " if self.doing.sandbox else ""
        rejected = reports.paths.get(Kind.REJECTED)
        following = (
            [self._next(rejected)]
            if rejected is not None and to_correct(summary, chain)
            else []
        )
        return CommandResult(
            f"{where}{headline(summary, chain)}",
            {
                **attrs.asdict(summary),
                "done": summary.done,
                "sandbox": self.doing.sandbox,
                "source": str(files.source),
                "journal": str(files.journal),
                "reports": {
                    name: str(path) for name, path in reports.paths.items()
                },
                "kept": [str(path) for path in reports.kept],
                "report": None if files.page is None else str(files.page),
                "report_problem": problem,
                "left_out": reports.left_out,
                "chain": None if chain is None else words.of_chain(chain),
                "rejected_done": again,
                "first": first
                and [attrs.asdict(each, filter=_SHOWN) for each in first],
            },
            (
                *words.written(summary, reports, files),
                *(words.contracts(first) if first and not sent.asked else ()),
                *words.notes(summary, reports, chain),
                *following,
                *words.not_again(again),
                *(() if problem is None else (problem,)),
            ),
            words.exit_code_of_import(
                summary, reported=problem is None, first=first or ()
            ),
        )

    def _done_before(
        self, store: IdempotencyStore, journal: Journal, chain: Chain | None
    ) -> list[int]:
        """Return the rejected rows whose orders were confirmed before.

        Those that a corrected report of this file has done are left out.
        """
        known: Collection[int] = () if chain is None else chain.elsewhere
        entries = (
            each
            for each in journal.entries(states={State.REJECTED})
            if each.order_id is not None and each.row not in known
        )
        return [*confirmed_before(store, journal.terms, entries)]

    def _next(self, report: Path) -> str:
        """Return the line with the command that imports a report."""
        reading, sending, options = self.reading, self.sending, self.options
        mapping = reading.mapping
        if mapping == mapping_beside(report):
            mapping = None
        separately = self.core.confirm is Confirm.SEPARATELY
        given: dict[str, object] = {
            "--promo": self.core.promo_code,
            "--mapping": mapping,
            "--vendor": options.vendor,
            "--base-url": options.base_url,
            "--idempotency": options.idempotency,
            "--rate": sending.rate,
            "--confirm": None if separately else sending.confirm,
            "--allow-unknown": reading.allow_unknown,
            "--strays": sending.strays is True,
            "--no-strays": sending.strays is False,
            "--shared-contracts": sending.shared_contracts,
            "--sandbox": self.doing.sandbox,
        }
        command = ["sesamy", "import", str(report)]
        for name, value in given.items():
            if value is True:
                command.append(name)
            elif value not in {None, False}:
                command += [name, str(value)]
        return f"  {shlex.join(command)}"


# As slow as a server on another continent, to show what an import is like.
_DISTANCE = {"delay:0.15@create": 1.0, "delay:0.15@confirm": 1.0}


@contextmanager
def _in_own_sandbox(
    options: Api, files: Files
) -> Generator[tuple[ClientArguments, str]]:
    """Serve a sandbox that knows the contracts of earlier runs.

    It yields how to reach it, and its unique name for the journal.
    """
    journal, ledger = files.journal, files.ledger
    if journal.exists() and not ledger.exists():
        raise ConfigurationError(
            f"{journal} belongs to an import that has begun, but {ledger}, "
            "which has the contracts of its sandbox, is missing. If the "
            "import began without --sandbox, continue without it; otherwise "
            f"remove {journal.name} to start over."
        )
    new = not ledger.exists()
    kept = KeptLedger(ledger)
    sandbox = Sandbox(SandboxConfig(fault_rates=_DISTANCE), ledger=kept)
    try:
        with in_sandbox(options, sandbox) as client:
            yield client, f"{SANDBOX}{kept.world}"
    finally:
        if new and not journal.exists():
            ledger.unlink()  # It has not begun, so nothing is in it.
