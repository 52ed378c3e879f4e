"""An import, from its check to its reports."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from types import FrameType
from typing import NoReturn

import attrs

from sesamy_async._client import AsyncSesamy
from sesamy_async.bulk import (
    Confirm,
    Importer,
    ImportSummary,
    InputFileError,
    Source,
    Terms,
)
from sesamy_async.bulk._states import SANDBOX
from sesamy_async.bulk.check import Checked, check, related_journals
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.reports._words import count
from sesamy_async.errors import ConfigurationError
from sesamy_async.sandbox import KeptLedger, Sandbox, SandboxConfig

from .client import ClientArguments, base_url, from_environment, in_sandbox
from .import_check import Files, alike, estimate, refused
from .import_ending import answer, report, summary_of
from .import_progress import ProgressWatch, counting, watching
from .options import Api, ImportActions, Sending
from .output import CommandResult, InterruptionError


class NothingSentError(InterruptionError):
    """Ctrl-C came before this run has sent anything."""

    def _advice(self) -> str:
        return "This run has sent nothing; give the same command again."


def _interrupt() -> NoReturn:
    raise KeyboardInterrupt


class Presses:
    """What each Ctrl-C does; none is lost, and none interrupts a write."""

    def __init__(self) -> None:
        self._count = 0
        self._actions: list[Callable[[], object]] = [_interrupt]

    def then(self, *actions: Callable[[], object]) -> None:
        """Say what the first press does from now on, the second, and so on.

        Presses that came before count too.
        """
        before, self._count = self._count, 0
        self._actions = [*actions]
        for _ in range(before):
            self.press()

    def press(self) -> None:
        """Do what is next."""
        self._count += 1
        if self._actions:
            self._actions.pop(0)()


@contextmanager
def heeding() -> Generator[Presses]:
    """Turn SIGINT and SIGTERM into presses while the block runs.

    Until `Presses.then` is called, the first one ends the block. From the
    main thread, in which Python runs the handlers of signals.

    Raises:
        NothingSentError: A press has ended it.
    """
    presses = Presses()

    def on_signal(number: int, frame: FrameType | None) -> None:
        del number, frame
        presses.press()

    before = {
        each: signal.signal(each, on_signal)
        for each in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield presses
    except KeyboardInterrupt:
        raise NothingSentError("Interrupted.") from None
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@attrs.frozen
class Job:
    """What somebody has asked for; `promo` is for rows that name none."""

    source: Source
    files: Files
    promo: str | None
    doing: ImportActions
    sending: Sending
    options: Api

    def rehearse(self) -> CommandResult:
        """Check the file, and say how long it takes."""
        confirm = Confirm(self.sending.confirm)
        with self._checked() as found:
            wrong = (
                f"; {count(found.invalid, 'row')} would be left out"
                if found.invalid
                else ""
            )
            return CommandResult(
                f"{count(found.valid, 'order')} can be sent{wrong}. Nothing "
                "was sent.",
                {
                    "rows": found.rows,
                    "valid": found.valid,
                    "invalid": found.invalid,
                    "calls": found.valid * confirm.calls,
                    "dry_run": True,
                },
                (
                    f"  That takes {estimate(found.valid, confirm)}.",
                    *alike(found),
                ),
            )

    def carry_out(self) -> CommandResult:
        """Send what is to be sent, and report.

        Raises:
            SesamyError: It could not begin; this run has sent nothing.
        """
        begun = self.files.journal.exists()
        # What is missing is told before a long check.
        sesamy = None if self.doing.sandbox else from_environment(self.options)
        fingerprint = self.source.fingerprint()
        # Around all else: what was sent must not be left unsaid.
        with heeding() as presses, ExitStack() as checking:
            found = None if begun else checking.enter_context(self._checked())
            place = (
                in_own_sandbox(self.options, self.files)
                if sesamy is None
                else nullcontext((sesamy, sesamy["base_url"]))
            )
            with place as (client, address):
                terms = Terms(
                    source=self.source.name,
                    fingerprint=fingerprint,
                    promo_code=self.promo,
                    vendor_id=client["vendor_id"],
                    base_url=address,
                    confirm=Confirm(self.sending.confirm),
                    strays=not self.sending.no_strays,
                )
                with self._journal(found, terms) as journal:
                    notes = [_beginning(journal, begun=begun)]
                    notes += () if found is None else alike(found)
                    # From here on its own journal tells what it has.
                    checking.close()
                    return self._run(journal, client, presses, notes)

    @contextmanager
    def _checked(self) -> Generator[Checked]:
        """Yield what the check of all rows found, which may be sent."""
        files = self.files
        address = SANDBOX if self.doing.sandbox else base_url(self.options)
        with related_journals(
            files.source, base_url=address, journal=files.journal
        ) as journals:
            with counting(f"Checking {self.source.name}") as on_rows:
                found = check(
                    self.source,
                    promo_code=self.promo,
                    on_rows=on_rows,
                    journals=journals,
                )
            with found:
                if found.invalid and not self.doing.skip_invalid:
                    raise refused(self.source, found, files.problems)
                # A list of an earlier check holds no longer.
                with suppress(OSError):
                    files.problems.unlink()
                yield found

    def _journal(self, found: Checked | None, terms: Terms) -> Journal:
        """Make the journal, or open the one of an import that has begun."""
        path = self.files.journal
        if found is not None:
            if self.source.fingerprint() != terms.fingerprint:
                # Rows that were not there yet would never be sent.
                raise InputFileError(
                    f"{self.source.name} changed while it was checked. Give "
                    "the same command again once it is written to its end."
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
        notes: list[str],
    ) -> CommandResult:
        with watching(self.source.name) as watch:
            for each in notes:
                watch.say(each)
            summary, said = asyncio.run(
                self._send(journal, client, presses, watch)
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
    ) -> tuple[ImportSummary, Mapping[int, str]]:
        """Return how it ended, and what Sesamy said of refused rows."""
        async with AsyncSesamy(**client) as sesamy:
            importer = Importer(
                sesamy,
                self.source,
                journal,
                concurrency=self.sending.concurrency,
                patience=self.sending.patience,
            )

            def stop() -> None:
                importer.stop()
                watch.say(_STOPPING)

            async def show() -> None:
                async for progress in importer.updates():
                    watch.show(progress)

            running = asyncio.create_task(importer.run())
            showing = asyncio.create_task(show())
            # A signal may come at any moment: the loop does it later.
            later = asyncio.get_running_loop().call_soon_threadsafe
            presses.then(lambda: later(stop), lambda: later(running.cancel))
            try:
                summary = await running
            except asyncio.CancelledError:
                summary = summary_of(journal)
            finally:
                presses.then()
                # It ends with the run; what it shows is not worth an error.
                await asyncio.wait([showing])
            return summary, importer.said


_STOPPING = (
    "Stopping: what is in flight is finished and written down. "
    "Press again to stop at once; nothing is lost or doubled by that either."
)


def _beginning(journal: Journal, *, begun: bool) -> str:
    """Return what is told before anything is sent."""
    now = summary_of(journal)
    rows = count(now.rows, "row")
    rest = estimate(now.unprocessed, now.confirm)
    if not begun:
        left_out = f" ({now.rejected:,} left out)" if now.rejected else ""
        return f"{rows}{left_out}: {rest}."
    if not now.unprocessed:
        return (
            f"{journal.path} says that this import is complete: nothing is "
            "sent."
        )
    return (
        f"Going on with {journal.path}: {now.rows - now.unprocessed:,} of "
        f"{rows} are settled; {rest}."
    )


# As far away as a server on another continent: where all is done in a blink,
# nobody sees what an import is like.
_DISTANCE = {"delay:0.15@create": 1.0, "delay:0.15@confirm": 1.0}


@contextmanager
def in_own_sandbox(
    options: Api, files: Files
) -> Generator[tuple[ClientArguments, str]]:
    """Serve a sandbox that knows what it was told in earlier runs.

    Yields:
        How to reach it, and what the journal calls it: the same at each
        restart, and another name for each other sandbox.
    """
    journal, ledger = files.journal, files.ledger
    if journal.exists() and not ledger.exists():
        raise ConfigurationError(
            f"{journal} is of an import that has begun, and {ledger}, which "
            "knows the contracts of its sandbox, is not there. Go on without "
            f"--sandbox if it began so; or remove {journal.name} to try it "
            "anew."
        )
    kept = KeptLedger(ledger)
    sandbox = Sandbox(SandboxConfig(fault_rates=_DISTANCE), ledger=kept)
    with in_sandbox(options, sandbox) as client:
        yield client, f"{SANDBOX}{kept.world}"
