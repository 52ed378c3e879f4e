"""``sesamy import``: from its options to its reports."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Generator, Iterator
from contextlib import (
    ExitStack,
    closing,
    contextmanager,
    nullcontext,
)
from pathlib import Path

import attrs
from cyclopts import App

from sesamy_async._call import BlockingRuntime, RateLimit, drive
from sesamy_async._checks import segment
from sesamy_async._client import AsyncSesamy
from sesamy_async._once import Once, Placed
from sesamy_async._settings import SettingsSource
from sesamy_async.bulk import (
    Confirm,
    Ending,
    Entry,
    InputFileError,
    Source,
    State,
)
from sesamy_async.bulk._beside import Files
from sesamy_async.bulk._file import FileImport
from sesamy_async.bulk._states import SANDBOX
from sesamy_async.bulk._steps import first_orders
from sesamy_async.bulk._told import Told, look_up, place_in, reader
from sesamy_async.bulk._words import first_of
from sesamy_async.bulk.check import Checked, notes_on
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.reading import open_source, write_template
from sesamy_async.bulk.reading._columns import HeaderError
from sesamy_async.bulk.reports._words import count
from sesamy_async.errors import ConfigurationError
from sesamy_async.idempotency import IdempotencyStore
from sesamy_async.sandbox import KeptLedger, Sandbox, SandboxConfig

from .client import (
    ClientArguments,
    base_url,
    check_target,
    from_environment,
    in_sandbox,
    name_of,
    store_of_orders,
)
from .import_check import alike, estimate, in_store
from .import_ending import answer, command_for
from .import_notes import (
    counted,
    of_cells,
    preview,
    remarks,
    remarks_on_file,
)
from .import_progress import (
    ProgressWatch,
    agrees,
    can_ask,
    counting,
    on_terminal,
    say,
    watching,
)
from .import_sending import Sent, beginning, goes_on, watched
from .mapping import TableOptions, propose_and_ask, with_mapping_beside
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
from .presses import Presses, heeding, interrupt


import_app = App(
    name="import",
    help_epilogue="""\
Examples:

  sesamy import orders.csv --promo SPRING-12 --sandbox
  sesamy import orders.csv --promo SPRING-12 --dry-run
  sesamy import orders.csv --promo SPRING-12 --report orders.html
  sesamy import orders.xlsx --promo SPRING-12 --first 3
  sesamy import --template

The credentials come from SESAMY_CLIENT_ID and SESAMY_CLIENT_SECRET, never
from options. Exit codes: 0 all done; 1 it could not run, or not to its end;
2 an option, a setting or the file is wrong, and nothing was sent; 3 some
orders were rejected; 4 some have to be looked at; 130 Ctrl-C. After 1 and
130 the same command goes on.
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
        file: A spreadsheet, CSV, or JSON, an order in each row.
        promo: The promo code of rows that name none.
        doing: What is done, and what is left behind.
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
            "No file is given. Name one, or create a starting file with "
            "`sesamy import --template`."
        )
    pace = sending.pace()
    path = Path(file)
    reading = with_mapping_beside(path, reading)
    ask = can_ask() and not options.as_json
    given = reading.mapping
    source, reading = _with_mapping(path, reading, ask=ask)
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
    job = Job(core, doing, reading, sending, options, pace, proposed)
    return job.rehearse() if doing.dry_run else job.carry_out()


def _with_mapping(
    path: Path, reading: ReadingOptions, *, ask: bool
) -> tuple[Source, ReadingOptions]:
    """Open the file, with a mapping that is proposed if it needs one."""
    try:
        return open_source(path, **reading.given()), reading
    except HeaderError as error:
        if reading.mapping is not None or error.misspelt:
            raise _shortened(error) from None
        wrong = _shortened(error)
    table = TableOptions(
        sheet=reading.sheet,
        encoding=reading.encoding,
        delimiter=reading.delimiter,
    )
    mapping = propose_and_ask(path, table, interactive=ask)
    if mapping is None:
        raise wrong
    reading = attrs.evolve(reading, mapping=mapping)
    return open_source(path, **reading.given()), reading


def _shortened(error: InputFileError) -> InputFileError:
    """Return an error that has no more problems than are shown of rows."""
    shown = first_of(error.problems)
    if shown == [*error.problems]:
        return error
    return InputFileError(str(error.args[0]), problems=shown)


def _template(path: Path) -> CommandResult:
    """Write a template; for CSV, which explains nothing, with a mapping."""
    trying = "  Fill it in, and try it with --promo SPRING-12 --sandbox."
    if path.suffix.lower() == ".xlsx":
        write_template(path)
        return CommandResult(
            f"{path} is a file to begin with. Its first row explains it.",
            {"template": str(path), "mapping": None},
            (trying,),
        )
    mapping = path.with_suffix(".toml")
    if mapping == path:
        raise UsageError(
            f"{path} would be a mapping; name a file that ends in .xlsx or "
            ".csv."
        )
    write_template(path, mapping)
    return CommandResult(
        f"{path} is a file to begin with, and {mapping} a mapping.",
        {"template": str(path), "mapping": str(mapping)},
        (trying, f"  If your headers differ, use --mapping {mapping}."),
    )


@attrs.frozen
class Job:
    """An import, and what the command adds to it: words, and a terminal.

    If its mapping was proposed just now, its orders are shown, and it asks.
    """

    core: FileImport
    doing: ImportActions
    reading: ReadingOptions
    sending: Sending
    options: Api
    pace: RateLimit
    proposed: bool = False

    @property
    def source(self) -> Source:
        """The rows."""
        return self.core.source

    @property
    def files(self) -> Files:
        """Where they are, and what is written."""
        return self.core.files

    def rehearse(self) -> CommandResult:
        """Check the file, and say what would be sent, and how long."""
        confirm = self.core.confirm
        with self._checked() as found, self._remembering() as store:
            told, notes = self._told(found, store)
            wrong = (
                f"; {count(found.invalid, 'row')} would be left out"
                if found.invalid
                else ""
            )
            calls = told.new * confirm.calls + told.begun
            cleaned, warnings = of_cells(self.source, found)
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
                        for each in notes_on(self.source)
                    ],
                    "cleaned": counted(cleaned),
                    "warnings": counted(warnings),
                    "dry_run": True,
                },
                (
                    *notes,
                    f"  That takes {estimate(calls, self.pace)}.",
                    *alike(found),
                ),
            )

    @contextmanager
    def _remembering(self) -> Generator[IdempotencyStore | None]:
        """Yield the store of orders, if there is one."""
        store = store_of_orders(self.options.idempotency)
        with closing(store) if store is not None else nullcontext():
            yield store

    def _told(
        self, found: Checked, store: IdempotencyStore | None
    ) -> tuple[Told, list[str]]:
        """Ask the store about a file that is not sent."""
        address, vendor = self._target()
        if store is None:
            return Told(new=found.valid), ["  There is no store of orders."]
        if vendor is None:
            unasked = "The store of orders was not asked: --vendor is missing."
            return Told(new=found.valid), [f"  {unasked}"]
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
        told = drive(look_up(once, reader(self.source), terms, entries))
        return told, [f"  {each}" for each in in_store(told, name_of(store))]

    def _target(self) -> tuple[str, str | None]:
        """Return where the orders would go, and the publisher, if known."""
        if self.doing.sandbox:
            ledger = self.files.ledger
            world = KeptLedger(ledger).world if ledger.exists() else ""
            vendor = self.options.vendor or SandboxConfig().vendors[0].id
            return f"{SANDBOX}{world}", vendor
        # A wrong address is refused here too.
        return base_url(self.options), SettingsSource(os.environ).optional(
            "--vendor", self.options.vendor, "SESAMY_VENDOR_ID"
        )

    def carry_out(self) -> CommandResult:
        """Send what is to be sent, and report.

        Raises:
            SesamyError: It could not begin; this run has sent nothing.
        """
        begun = self.files.journal.exists()
        # Here, so that a missing setting is reported before a long check.
        sesamy = None if self.doing.sandbox else from_environment(self.options)
        fingerprint = self.source.fingerprint()
        # Around all else: Ctrl-C must not hide what was sent.
        with (
            heeding() as presses,
            self._remembering() as store,
            ExitStack() as checking,
        ):
            found = None if begun else checking.enter_context(self._checked())
            if self.proposed and found is not None:
                self._ask_about(found, presses)
            target = (
                in_own_sandbox(self.options, self.files)
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
                    notes = None if found is None else alike(found)
                    # Its file is not needed while the orders are sent.
                    checking.close()
                    return self._run(journal, client, presses, notes)

    def _ask_about(self, found: Checked, presses: Presses) -> None:
        """Ask before orders are sent as a new mapping says.

        Raises:
            UsageError: They are not to be sent.
        """
        presses.then(interrupt)
        agreed = agrees(f"Send {count(found.valid, 'order')}?")
        presses.then()
        if not agreed:
            raise UsageError(
                f"No order was sent. {self.reading.mapping} was kept: look "
                "through it, and run the same command again."
            )

    @contextmanager
    def _checked(self) -> Generator[Checked]:
        """Check all rows, and yield the result if it may be sent."""
        with counting(f"Checking {self.source.name}") as on_rows:
            found = self.core.check(on_rows)
        with found:
            say(self._remarks(found))
            self.core.accept(found)
            yield found

    def _remarks(self, found: Checked) -> Iterator[str]:
        """Yield what is said of the cells of the file."""
        examples = on_terminal() and not self.options.as_json
        yield from remarks_on_file(self.source, examples=examples)
        if (self.doing.dry_run or self.proposed) and examples:
            yield from preview(self.source, found, self.core.promo_code)
        strict = self.doing.strict
        yield from remarks(
            self.source, found, examples=examples, strict=strict
        )

    def _run(
        self,
        journal: Journal,
        client: ClientArguments,
        presses: Presses,
        notes: tuple[str, ...] | None,
    ) -> CommandResult:
        with watching(self.source.name) as watch:
            sent = asyncio.run(
                self._send(journal, client, presses, watch, notes)
            )
        number = self.sending.first
        first = None if number is None else first_orders(journal, number)
        reports, problem = self.core.report(journal, sent.summary, sent.said)
        return answer(
            sent.summary,
            reports,
            self.files,
            problem=problem,
            sandbox=self.doing.sandbox,
            first=first,
            told=sent.asked,
            next_command=lambda report: command_for(
                report,
                self.core.promo_code,
                doing=self.doing,
                reading=self.reading,
                sending=self.sending,
                options=self.options,
            ),
        )

    async def _send(
        self,
        journal: Journal,
        client: ClientArguments,
        presses: Presses,
        watch: ProgressWatch,
        notes: tuple[str, ...] | None,
    ) -> Sent:
        """Send the orders; `notes` are of the check, None if it goes on."""
        shared, number = self.sending.shared_contracts, self.sending.first
        new = notes is not None
        async with AsyncSesamy(**client, shared_contracts=shared) as sesamy:
            importer, told = await self.core.importer(
                sesamy, journal, new=new, first=number
            )
            if told is not None:
                store = name_of(client["idempotency"].store)
                for each in in_store(told, store):
                    watch.say(each)
            for each in beginning(journal, self.pace, number, begun=not new):
                watch.say(each)
            for each in notes or ():
                watch.say(each)
            sent = await watched(importer, journal, presses, watch)
            # Where none was accepted, the others would not be either.
            asks = sent.summary.ending is Ending.FIRST and sent.summary.done
            if asks and self._can_ask():
                agreed = goes_on(journal, number or 0, presses, watch)
                sent = attrs.evolve(sent, asked=True)
                if agreed is None:
                    ended = attrs.evolve(
                        sent.summary, ending=Ending.INTERRUPTED
                    )
                    return attrs.evolve(sent, summary=ended)
                if agreed:
                    importer, _ = await self.core.importer(
                        sesamy, journal, new=False
                    )
                    rest = await watched(importer, journal, presses, watch)
                    return sent.and_then(rest)
            return sent

    def _can_ask(self) -> bool:
        return can_ask() and not self.options.as_json


# As slow as a server on another continent, to show what an import is like.
_DISTANCE = {"delay:0.15@create": 1.0, "delay:0.15@confirm": 1.0}


@contextmanager
def in_own_sandbox(
    options: Api, files: Files
) -> Generator[tuple[ClientArguments, str]]:
    """Serve a sandbox that knows the contracts of earlier runs.

    Yields:
        How to reach it, and its unique name for the journal.
    """
    journal, ledger = files.journal, files.ledger
    if journal.exists() and not ledger.exists():
        raise ConfigurationError(
            f"{journal} belongs to an import that has begun, but {ledger}, "
            "which has the contracts of its sandbox, is missing. Continue "
            f"without --sandbox if it began without; or remove {journal.name} "
            "to start over."
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
