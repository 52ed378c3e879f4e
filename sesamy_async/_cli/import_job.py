"""One import, from its paths to its end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Generator, Sequence
from contextlib import (
    AbstractContextManager,
    ExitStack,
    contextmanager,
    nullcontext,
)
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn

import attrs

from sesamy_async._client import AsyncSesamy
from sesamy_async._settings import BASE_URL, SettingsSource, check_url
from sesamy_async.bulk import (
    Confirm,
    Importer,
    ImportSummary,
    InputFileError,
    Source,
    Terms,
)
from sesamy_async.bulk._states import SANDBOX
from sesamy_async.bulk.check import Checked, related_journals
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.reports._words import count
from sesamy_async.errors import ConfigurationError

from .client import Target, from_environment, in_sandbox
from .import_check import Files, alike, checked, estimate
from .import_ending import answer, cut_short, report
from .import_progress import ProgressWatch, watching
from .options import Api, ImportActions, Sending
from .output import CommandResult, InterruptionError


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class NothingSentError(InterruptionError):
    """Ctrl-C came before this run has sent anything."""

    def _advice(self) -> str:
        return "This run has sent nothing; give the same command again."


@attrs.define
class Presses:
    """What each press does; none is lost, and none interrupts a write.

    Attributes:
        count: How many there were.
    """

    count: int = 0
    _actions: list[Callable[[], object]] = attrs.field(
        factory=list[Callable[[], object]], init=False
    )

    def then(self, *actions: Callable[[], object]) -> None:
        """Say what the first press does, the second one, and so on."""
        self._actions = [*actions]
        for _ in range(self.count):
            self._act()

    def nothing(self) -> None:
        """Let further presses do nothing."""
        self._actions = []

    def press(self) -> None:
        """Do what is next."""
        self.count += 1
        self._act()

    def _act(self) -> None:
        if self._actions:
            self._actions.pop(0)()


@contextmanager
def heeding(presses: Presses) -> Generator[Presses]:
    """Turn SIGINT and SIGTERM into presses while the block runs.

    Until somebody says what they do, the first one ends the block.  From
    the main thread, in which Python runs the handlers of signals.

    Raises:
        NothingSentError: A press has ended it.
    """

    def on_signal(number: int, frame: FrameType | None) -> None:
        del number, frame
        presses.press()

    before = {each: signal.signal(each, on_signal) for each in _SIGNALS}
    presses.then(_interrupt)
    try:
        yield presses
    except KeyboardInterrupt:
        raise NothingSentError("Interrupted.") from None
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _interrupt() -> NoReturn:
    raise KeyboardInterrupt


def in_loop(action: Callable[[], object]) -> Callable[[], object]:
    """Return what does something in the running loop, called anywhere."""
    loop = asyncio.get_running_loop()
    return lambda: loop.call_soon_threadsafe(action)


_FIRST = (
    "Stopping: what is in flight is finished and written down. "
    "Press again to stop at once; nothing is lost or doubled by that either."
)


@attrs.frozen(kw_only=True)
class Run:
    """All that a run needs.

    Attributes:
        source: The orders.
        journal: What is to be sent.
        target: Where to.
        options: Those of all API commands.
        sending: How.
        said: What Sesamy said of refused rows is put here.
    """

    source: Source
    journal: Journal
    target: Target
    options: Api
    sending: Sending
    said: dict[int, str] = attrs.field(factory=dict[int, str], repr=False)

    def go(
        self, watch: ProgressWatch, presses: Presses
    ) -> ImportSummary | None:
        """Send what is to be sent.

        Returns:
            How it ended; None where it was stopped at once.
        """
        return asyncio.run(self._go(watch, presses))

    async def _go(
        self, watch: ProgressWatch, presses: Presses
    ) -> ImportSummary | None:
        target = self.target
        async with AsyncSesamy(
            target.vendor_id,
            auth=target.credentials,
            base_url=target.base_url,
            token_url=target.token_url,
            timeout=self.options.timeout,
            deadline=self.options.deadline,
            transport=target.connections,
        ) as client:
            importer = Importer(
                client,
                self.source,
                self.journal,
                concurrency=self.sending.concurrency,
                patience=self.sending.patience,
            )
            running = asyncio.create_task(importer.run())
            showing = asyncio.create_task(_show(importer, watch))
            presses.then(
                in_loop(partial(_stop, importer, watch)),
                in_loop(running.cancel),
            )
            try:
                return await running
            except asyncio.CancelledError:
                return None
            finally:
                presses.nothing()
                self.said.update(importer.said)
                # It ends with the run; what it shows is not worth an error.
                await asyncio.wait([showing])


def _stop(importer: Importer, watch: ProgressWatch) -> None:
    importer.stop()
    watch.say(_FIRST)


async def _show(importer: Importer, watch: ProgressWatch) -> None:
    async for progress in importer.updates():
        watch.show(progress)


# As far away as a server on another continent: what an import is like can't
# be seen where all is done in a blink.
_DISTANCE = {"delay:0.15@create": 1.0, "delay:0.15@confirm": 1.0}


@attrs.frozen
class ImportPaths:
    """Where orders go, and what a journal calls it.

    Attributes:
        target: What a client is told of it.
        name: The same at each restart, and for nothing else.
    """

    target: Target
    name: str


def at_sesamy(options: Api) -> ImportPaths:
    """Return what the options and the environment name.

    Raises:
        ConfigurationError: Something is missing or wrong; it is named.
    """
    return ImportPaths(from_environment(options), base_url(options))


def base_url(options: Api) -> str:
    """Return where the orders go.

    Raises:
        ConfigurationError: It is no address.
    """
    variable = "SESAMY_BASE_URL"
    given = SettingsSource(os.environ).optional(
        "--base-url", options.base_url, variable
    )
    return check_url("--base-url", given or BASE_URL, variable)


@contextmanager
def in_own_world(
    options: Api, ledger: Path, journal: Path
) -> Generator[ImportPaths]:
    """Serve a sandbox that knows what it was told in earlier runs.

    Args:
        options: Those of the command.
        ledger: The file in which it keeps that.
        journal: Of the import, which may have begun.

    Raises:
        ConfigurationError: The ledger can't be used, or is gone.
    """
    if journal.exists() and not ledger.exists():
        raise ConfigurationError(
            f"{journal} is of an import that has begun, and {ledger}, which "
            "knows the contracts of its sandbox, is not there. Go on without "
            f"--sandbox if it began so; or remove {journal.name} to try it "
            "anew."
        )
    # Nobody else needs it.
    from sesamy_async.sandbox import (  # noqa: PLC0415 - as said above
        KeptLedger,
        Sandbox,
        SandboxConfig,
    )

    kept = KeptLedger(ledger)
    sandbox = Sandbox(SandboxConfig(fault_rates=_DISTANCE), ledger=kept)
    with in_sandbox(options, sandbox) as target:
        yield ImportPaths(target, f"{SANDBOX}{kept.world}")


@attrs.frozen
class Job:
    """What a person asked for.

    Attributes:
        source: The orders.
        files: What is written down, and where.
        promo: The promo code of rows that name none.
        doing: What is done, and what is left behind.
        sending: How the orders are sent.
        options: Those of all API commands.
    """

    source: Source
    files: Files
    promo: str | None
    doing: ImportActions
    sending: Sending
    options: Api

    def rehearse(self) -> CommandResult:
        """Check the file, and say how long it takes.

        Raises:
            InputFileError: Rows are wrong.
            JournalError: That of another import can't be looked into.
            ConfigurationError: A setting is wrong.
        """
        with self._checked() as found:
            told = estimate(found.valid, self._confirm)
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
                    "calls": found.valid * self._confirm.calls,
                    "dry_run": True,
                },
                (f"  That takes {told}.", *alike(found)),
            )

    def carry_out(self) -> CommandResult:
        """Send what is to be sent, and report.

        Raises:
            InputFileError: Rows are wrong; nothing was sent.
            JournalError: The journal can't be used; nothing was sent.
            ConfigurationError: A setting is missing or wrong.
            NothingSentError: Ctrl-C came before anything was sent.
        """
        begun = self.files.journal.exists()
        # What is missing is told before a long check.
        sesamy = None if self.doing.sandbox else at_sesamy(self.options)
        fingerprint = self.source.fingerprint()
        # Around all else: what was sent must not be left unsaid.
        with (
            heeding(Presses()) as presses,
            ExitStack() as checking,
        ):
            plan = None if begun else checking.enter_context(self._checked())
            with (
                self._place(sesamy) as place,
                self._journal(plan, place, fingerprint) as journal,
            ):
                said = _beginning(journal, begun=begun)
                notes = () if plan is None else alike(plan)
                # From here on its own journal tells what it has.
                checking.close()
                return self._run(journal, place, presses, (said, *notes))

    def _run(
        self,
        journal: Journal,
        place: ImportPaths,
        presses: Presses,
        notes: Sequence[str],
    ) -> CommandResult:
        run = Run(
            source=self.source,
            journal=journal,
            target=place.target,
            options=self.options,
            sending=self.sending,
        )
        with watching(self.source.name) as watch:
            for each in notes:
                watch.say(each)
            summary = run.go(watch, presses) or cut_short(journal)
        return answer(
            summary,
            report(self.source, journal, summary, self.files, run.said),
            self.files,
            sandbox=self.doing.sandbox,
        )

    @property
    def _confirm(self) -> Confirm:
        return Confirm(self.sending.confirm)

    @contextmanager
    def _checked(self) -> Generator[Checked]:
        url = SANDBOX if self.doing.sandbox else base_url(self.options)
        with (
            related_journals(
                self.files.source, base_url=url, journal=self.files.journal
            ) as journals,
            checked(
                self.source,
                self.promo,
                self.files.reports.of("problems"),
                journals=journals,
                skip=self.doing.skip_invalid,
            ) as found,
        ):
            yield found

    def _place(
        self, sesamy: ImportPaths | None
    ) -> AbstractContextManager[ImportPaths]:
        if sesamy is not None:
            return nullcontext(sesamy)
        files = self.files
        return in_own_world(self.options, files.ledger, files.journal)

    def _journal(
        self, plan: Checked | None, place: ImportPaths, fingerprint: str
    ) -> Journal:
        terms = Terms(
            source=self.source.name,
            fingerprint=fingerprint,
            promo_code=self.promo,
            vendor_id=place.target.vendor_id,
            base_url=place.name,
            confirm=self._confirm,
            strays=not self.sending.no_strays,
        )
        path = self.files.journal
        if plan is not None:
            if self.source.fingerprint() != fingerprint:
                # Rows that were not there yet would never be sent.
                raise InputFileError(
                    f"{self.source.name} changed while it was checked. Give "
                    "the same command again once it is written to its end."
                )
            return Journal.create(path, terms, plan.planned())
        journal = Journal.open(path)
        try:
            journal.agree(terms)
        except BaseException:
            journal.close()
            raise
        return journal


def _beginning(journal: Journal, *, begun: bool) -> str:
    """Return what is told before anything is sent."""
    before = cut_short(journal)
    rest = estimate(before.unprocessed, journal.terms.confirm)
    if not begun:
        left_out = (
            f" ({before.rejected:,} left out)" if before.rejected else ""
        )
        return f"{count(before.rows, 'row')}{left_out}: {rest}."
    if not before.unprocessed:
        return (
            f"{journal.path} says that this import is complete: nothing is "
            "sent."
        )
    settled = before.rows - before.unprocessed
    return (
        f"Going on with {journal.path}: {settled:,} of "
        f"{count(before.rows, 'row')} are settled; {rest}."
    )
