"""``sesamy import``: from its options to its reports."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Generator, Mapping
from contextlib import (
    ExitStack,
    closing,
    contextmanager,
    nullcontext,
    suppress,
)
from pathlib import Path

import attrs
from cyclopts import App

from sesamy_async._call import BlockingRuntime, drive
from sesamy_async._checks import segment
from sesamy_async._client import AsyncSesamy
from sesamy_async._once import Once, Placed
from sesamy_async._settings import SettingsSource
from sesamy_async.bulk import (
    Confirm,
    Entry,
    Importer,
    ImportSummary,
    InputFileError,
    Source,
    State,
    Terms,
)
from sesamy_async.bulk._states import SANDBOX
from sesamy_async.bulk._told import Told, look_up, place_in, reader
from sesamy_async.bulk.check import Checked, check
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.reading import open_source, write_template
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
from .import_check import (
    Files,
    alike,
    differing,
    estimate,
    in_store,
    refused,
)
from .import_ending import answer, report, summary_of
from .import_progress import ProgressWatch, counting, watching
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
from .presses import Presses, heeding


import_app = App(
    name="import",
    help_epilogue="""\
Examples:

  sesamy import orders.csv --promo SPRING-12 --sandbox
  sesamy import orders.csv --promo SPRING-12 --dry-run
  sesamy import orders.csv --promo SPRING-12 --report orders.html
  sesamy import orders.csv --encoding cp1252 --mapping columns.toml
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
        file: CSV or JSON Lines, an order on each line.
        promo: The promo code of rows that name none.
        doing: What is done, and what is left behind.
        reading: How the file is read.
        sending: How the orders are sent.
        options: The options that all API commands share; the deadline is
            that of a call.
    """
    if doing.template:
        return _template(Path(file or "orders.csv"))
    check_target(options, sandbox=doing.sandbox)
    if promo is not None:
        # Otherwise every row would be refused for it.
        segment("--promo", promo)
    if file is None:
        raise UsageError(
            "No file is given. Name one, or create a starting file with "
            "`sesamy import --template`."
        )
    page = doing.report
    if page is not None and not page.parent.is_dir():
        raise UsageError(f"There is no folder {page.parent} for --report.")
    if page is not None and page.is_dir():
        raise UsageError(f"--report {page} is a folder; name a file.")
    files = Files.of(file, doing.journal, page)
    files.keep_apart(reading.mapping)
    source = open_source(files.source, **attrs.asdict(reading))
    job = Job(source, files, promo, doing, sending, options)
    return job.rehearse() if doing.dry_run else job.carry_out()


def _template(path: Path) -> CommandResult:
    mapping = path.with_suffix(".toml")
    if mapping == path:
        raise UsageError(f"{path} is the mapping's name; name a CSV file.")
    write_template(path, mapping)
    return CommandResult(
        f"{path} is a file to begin with, and {mapping} a mapping.",
        {"template": str(path), "mapping": str(mapping)},
        (
            "  Fill it in, and try it with --promo SPRING-12 --sandbox.",
            "  If your headers differ, write them into the mapping.",
        ),
    )


@attrs.frozen
class Job:
    """An import; `promo` is for rows that name none."""

    source: Source
    files: Files
    promo: str | None
    doing: ImportActions
    sending: Sending
    options: Api

    def rehearse(self) -> CommandResult:
        """Check the file, and say what would be sent, and how long."""
        confirm = Confirm(self.sending.confirm)
        with self._checked() as found, self._remembering() as store:
            told, notes = self._told(found, store)
            wrong = (
                f"; {count(found.invalid, 'row')} would be left out"
                if found.invalid
                else ""
            )
            calls = told.new * confirm.calls + told.begun
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
                    "dry_run": True,
                },
                (
                    *notes,
                    f"  That takes {estimate(calls)}.",
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
        terms = self._terms("", vendor, address)
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

    def _terms(self, fingerprint: str, vendor: str, address: str) -> Terms:
        return Terms(
            source=self.source.name,
            fingerprint=fingerprint,
            promo_code=self.promo,
            vendor_id=vendor,
            base_url=address,
            confirm=Confirm(self.sending.confirm),
            strays=self.sending.strays,
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
            target = (
                in_own_sandbox(self.options, self.files)
                if sesamy is None
                else nullcontext((sesamy, sesamy["base_url"]))
            )
            with target as (client, address):
                terms = self._terms(fingerprint, client["vendor_id"], address)
                where = address if sesamy is None else None
                client["idempotency"] = Placed(store or False, where)
                with self._journal(found, terms) as journal:
                    notes = None if found is None else alike(found)
                    # Its file is not needed while the orders are sent.
                    checking.close()
                    try:
                        return self._run(journal, client, presses, notes)
                    except InputFileError:
                        # Nothing was sent: the file may be corrected.
                        if not begun:
                            journal.purge()
                        raise

    @contextmanager
    def _checked(self) -> Generator[Checked]:
        """Check all rows, and yield the result if it may be sent."""
        problems = self.files.problems
        with counting(f"Checking {self.source.name}") as on_rows:
            found = check(self.source, promo_code=self.promo, on_rows=on_rows)
        with found:
            if found.invalid and not self.doing.skip_invalid:
                raise refused(self.source, found, problems)
            # The list of an earlier check is outdated.
            with suppress(OSError):
                problems.unlink()
            yield found

    def _journal(self, found: Checked | None, terms: Terms) -> Journal:
        """Create the journal, or open that of an import that has begun."""
        path = self.files.journal
        if found is not None:
            if self.source.fingerprint() != terms.fingerprint:
                # Rows that were not there yet would never be sent.
                raise InputFileError(
                    f"{self.source.name} changed while it was checked. Run "
                    "the same command again once it is complete."
                )
            return Journal.create(path, terms, found.planned())
        journal = Journal.open(path)
        try:
            journal.agree(terms)
        except BaseException:
            journal.close()
            raise
        return journal

    def _run(
        self,
        journal: Journal,
        client: ClientArguments,
        presses: Presses,
        notes: tuple[str, ...] | None,
    ) -> CommandResult:
        with watching(self.source.name) as watch:
            summary, said = asyncio.run(
                self._send(journal, client, presses, watch, notes)
            )
        reports, problem = report(
            self.source, journal, summary, self.files, said
        )
        return answer(
            summary,
            reports,
            self.files,
            problem=problem,
            sandbox=self.doing.sandbox,
        )

    async def _send(
        self,
        journal: Journal,
        client: ClientArguments,
        presses: Presses,
        watch: ProgressWatch,
        notes: tuple[str, ...] | None,
    ) -> tuple[ImportSummary, Mapping[int, str]]:
        """Return how it ended, and what Sesamy said of refused rows.

        `notes` are of the check; None if the import goes on.
        """
        shared = self.sending.shared_contracts
        async with AsyncSesamy(**client, shared_contracts=shared) as sesamy:
            importer = Importer(
                sesamy,
                self.source,
                journal,
                concurrency=self.sending.concurrency,
                patience=self.sending.patience,
            )
            told = await importer.look_up()
            if told is not None:
                store = name_of(client["idempotency"].store)
                for each in in_store(told, store):
                    watch.say(each)
                if self.doing.strict and told.differ:
                    raise InputFileError(
                        f"{differing(told)} Correct them, or leave out "
                        "--strict: what is confirmed is not sent again."
                    )
            watch.say(_beginning(journal, begun=notes is None))
            for each in notes or ():
                watch.say(each)

            def stop() -> None:
                importer.stop()
                watch.say(_STOPPING)

            async def show() -> None:
                async for progress in importer.updates():
                    watch.show(progress)

            running = asyncio.create_task(importer.run())
            showing = asyncio.create_task(show())
            # A signal may come at any moment, so the loop does it later.
            later = asyncio.get_running_loop().call_soon_threadsafe
            presses.then(lambda: later(stop), lambda: later(running.cancel))
            try:
                summary = await running
            except asyncio.CancelledError:
                summary = summary_of(journal)
            finally:
                presses.then()
                # It ends with the run; an error in it is ignored.
                await asyncio.wait([showing])
            return summary, importer.said


_STOPPING = (
    "Stopping: requests in flight are completed and recorded. Press again to "
    "stop at once; nothing is lost or sent twice by that either."
)


def _beginning(journal: Journal, *, begun: bool) -> str:
    """Return the line that is shown before anything is sent."""
    now = summary_of(journal)
    rows = count(now.rows, "row")
    rest = estimate(now.unprocessed * now.confirm.calls)
    if not begun:
        left_out = f" ({now.rejected:,} left out)" if now.rejected else ""
        return f"{rows}{left_out}: {rest}."
    if not now.unprocessed:
        return (
            f"{journal.path} says that this import is complete: nothing is "
            "sent."
        )
    return (
        f"Continuing with {journal.path}: {now.rows - now.unprocessed:,} of "
        f"{rows} are settled; {rest}."
    )


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
