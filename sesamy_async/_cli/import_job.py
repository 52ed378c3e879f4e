"""``sesamy import``: from its options to its reports."""

from __future__ import annotations

import asyncio
import shlex
import signal
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import (
    ExitStack,
    contextmanager,
    nullcontext,
    suppress,
)
from pathlib import Path
from typing import Any, NoReturn

import attrs
from cyclopts import App

from sesamy_async._call import BlockingRuntime, RateLimit, drive
from sesamy_async._checks import segment
from sesamy_async._client import AsyncSesamy
from sesamy_async._once import Once, Placed
from sesamy_async.bulk import (
    Confirm,
    Ending,
    Entry,
    Importer,
    ImportSummary,
    InputFileError,
    JournalError,
    Source,
    State,
)
from sesamy_async.bulk._beside import Files, mapping_beside
from sesamy_async.bulk._chain import followed
from sesamy_async.bulk._file import FileImport
from sesamy_async.bulk._rows import first_of
from sesamy_async.bulk._states import SANDBOX
from sesamy_async.bulk._steps import first_orders
from sesamy_async.bulk._told import StoreCounts, look_up, place_in, reader
from sesamy_async.bulk.check import Checked, notes_on
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.reading import open_source, write_template
from sesamy_async.bulk.reading._columns import HeaderError
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
    ProgressWatch,
    agrees,
    can_ask,
    counting,
    on_terminal,
    say,
    watching,
)
from .mapping import propose_and_ask, with_mapping_beside
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
from .output import CommandResult, InterruptionError, UsageError


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
    job = Job(core, doing, reading, sending, options, pace, proposed, ask)
    return job.rehearse() if doing.dry_run else job.carry_out()


def _with_mapping(
    path: Path, reading: ReadingOptions, *, ask: bool
) -> tuple[Source, ReadingOptions]:
    """Open the file, with a mapping that is proposed if it needs one."""
    try:
        return open_source(path, **attrs.asdict(reading)), reading
    except HeaderError as error:
        wrong = _shortened(error)
        if reading.mapping is not None or error.misspelt:
            raise wrong from None
    mapping = propose_and_ask(path, reading, interactive=ask)
    if mapping is None:
        raise wrong
    reading = attrs.evolve(reading, mapping=mapping)
    return open_source(path, **attrs.asdict(reading)), reading


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
            f"{path} is a file to start from. Its first row explains it.",
            {"template": str(path), "mapping": None},
            (trying,),
        )
    mapping = path.with_suffix(".toml")
    if mapping == path:
        raise UsageError(
            f"{path} has the name of a mapping. Name a file that ends in "
            ".xlsx or .csv."
        )
    write_template(path, mapping)
    return CommandResult(
        f"{path} is a file to start from, and {mapping} is a mapping.",
        {"template": str(path), "mapping": str(mapping)},
        (trying, f"  If your headers differ, use --mapping {mapping}."),
    )


@attrs.frozen
class Job:
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
        if store is None:
            said = "There is no store of orders."
            return StoreCounts(new=found.valid), iter([said])
        if vendor is None:
            said = "The store of orders was not asked: --vendor is missing."
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
        """Send what is to be sent, and report."""
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
                        run = _Run(self, journal, presses, watch)
                        sent = asyncio.run(run.send(client, said))
                    return self._result(journal, sent, store)

    def _ask_about(self, found: Checked, presses: Presses) -> None:
        """Ask before orders are sent with a new mapping."""
        presses.then(interrupt)
        agreed = agrees(f"Send {count(found.valid, 'order')}?")
        presses.then()
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
            say(self._remarks(found))
            examples = on_terminal()
            listed = words.mistakes(found, examples=examples)
            self.core.accept(found, None if self.options.as_json else listed)
            yield found

    def _remarks(self, found: Checked) -> Iterator[str]:
        """Yield what is said of the cells of the file."""
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
            again = words.done_before(store, journal, chain)
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
                "first": None if first is None else _described(first),
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

    def _next(self, report: Path) -> str:
        """Return the line with the command that imports a report."""
        reading, sending, options = self.reading, self.sending, self.options
        mapping = reading.mapping
        if mapping == mapping_beside(report):
            mapping = None
        values = {
            "--promo": self.core.promo_code,
            "--mapping": mapping,
            "--vendor": options.vendor,
            "--base-url": options.base_url,
            "--idempotency": options.idempotency,
            "--rate": sending.rate,
        }
        if self.core.confirm is not Confirm.SEPARATELY:
            values["--confirm"] = sending.confirm
        flags = {
            "--allow-unknown": reading.allow_unknown,
            "--strays": sending.strays is True,
            "--no-strays": sending.strays is False,
            "--shared-contracts": sending.shared_contracts,
            "--sandbox": self.doing.sandbox,
        }
        command = ["sesamy", "import", str(report)]
        for name, value in values.items():
            command += [] if value is None else [name, str(value)]
        command += [name for name, given in flags.items() if given]
        return f"  {shlex.join(command)}"


def _described(first: Sequence[Entry]) -> list[dict[str, Any]]:
    return [
        {
            "row": each.row,
            "order_id": each.order_id,
            "contract_id": each.contract_id,
            "state": str(each.state),
        }
        for each in first
    ]


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


# The sending, and what Ctrl-C does to it


@attrs.frozen
class Sent:
    """How an import ended, and what Sesamy said of refused rows."""

    summary: ImportSummary
    said: Mapping[int, str]
    asked: bool = False  # The first orders were shown.


@attrs.frozen
class _Run:
    """The sending of a job: it is shown, it asks, and it can be stopped."""

    job: Job
    journal: Journal
    presses: Presses
    watch: ProgressWatch

    async def send(
        self, client: ClientArguments, said: tuple[str, ...] | None
    ) -> Sent:
        """Send the orders; `said` is of the check, None if it continues."""
        job, journal, new = self.job, self.journal, said is not None
        shared, number = job.sending.shared_contracts, job.sending.first
        async with AsyncSesamy(**client, shared_contracts=shared) as sesamy:
            importer, told = await job.core.importer(
                sesamy, journal, new=new, first=number
            )
            if told is not None:
                store = name_of(client["idempotency"].store)
                self._say(words.in_store(told, store))
            self._say(
                words.beginning(journal, job.pace, number, begun=not new)
            )
            self._say(said or ())
            sent = await self._watched(importer)
            # If none was accepted, the others would not be either.
            asks = sent.summary.ending is Ending.FIRST and sent.summary.done
            if not (asks and job.can_ask):
                return sent
            sent = attrs.evolve(sent, asked=True)
            try:
                if not self._goes_on(number or 0):
                    return sent
            except KeyboardInterrupt:
                ended = attrs.evolve(sent.summary, ending=Ending.INTERRUPTED)
                return attrs.evolve(sent, summary=ended)
            importer, _ = await job.core.importer(sesamy, journal, new=False)
            rest = await self._watched(importer)
            summary = attrs.evolve(
                rest.summary,
                calls=sent.summary.calls + rest.summary.calls,
                seconds=sent.summary.seconds + rest.summary.seconds,
            )
            return Sent(summary, {**sent.said, **rest.said}, asked=True)

    def _say(self, lines: Iterator[str] | tuple[str, ...]) -> None:
        for each in lines:
            self.watch.say(each)

    async def _watched(self, importer: Importer) -> Sent:
        """Run an import, show its progress, and let Ctrl-C end it."""

        def stop() -> None:
            importer.stop()
            self.watch.say(_STOPPING)

        async def show() -> None:
            async for progress in importer.updates():
                self.watch.show(progress)

        running = asyncio.create_task(importer.run())
        showing = asyncio.create_task(show())
        # A signal may come at any moment, so the loop does it later.
        later = asyncio.get_running_loop().call_soon_threadsafe
        self.presses.then(lambda: later(stop), lambda: later(running.cancel))
        try:
            summary = await running
        except asyncio.CancelledError:
            summary = words.summary_of(self.journal)
        finally:
            self.presses.then()
            # It ends with the run; an error in it is ignored.
            await asyncio.wait([showing])
        return Sent(summary, importer.said)

    def _goes_on(self, number: int) -> bool:
        """Show the first contracts, and ask about the other orders.

        Nothing else is going on, so it may keep the event loop waiting.
        """
        rest = words.summary_of(self.journal).unprocessed
        try:
            self.presses.then(interrupt)
            first = words.contracts(first_orders(self.journal, number))
            others = "other order" if rest == 1 else f"other {rest:,}"
            return self.watch.asks(first, f"Send the {others}?")
        finally:
            self.presses.then()


_STOPPING = (
    "Stopping: requests in flight are completed and recorded. Press Ctrl-C "
    "again to stop at once. Nothing is lost or sent twice by that, but only "
    "the next run finds out what happened to these orders, and somebody may "
    "have to check invoices among them."
)


class NothingSentError(InterruptionError):
    """Ctrl-C before anything was sent."""

    def _advice(self) -> str:
        return "This run sent nothing; run the same command again."


def interrupt() -> NoReturn:
    """End what is going on."""
    raise KeyboardInterrupt


class Presses:
    """What each Ctrl-C does; none gets lost, or interrupts a write."""

    def __init__(self) -> None:
        self._count = 0
        self._actions: list[Callable[[], object]] = [interrupt]

    def then(self, *actions: Callable[[], object]) -> None:
        """Set what the next presses do; earlier ones count too."""
        before, self._count = self._count, 0
        self._actions = [*actions]
        for _ in range(before):
            self.press()

    def press(self) -> None:
        """Do the next action."""
        self._count += 1
        if self._actions:
            self._actions.pop(0)()


@contextmanager
def heeding() -> Generator[Presses]:
    """Turn SIGINT and SIGTERM into presses; for the main thread only.

    Until `Presses.then` is called, the first one ends the block with a
    `NothingSentError`.
    """
    presses = Presses()
    before = {
        each: signal.signal(each, lambda _, __: presses.press())
        for each in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield presses
    except KeyboardInterrupt:
        raise NothingSentError("Interrupted.") from None
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
