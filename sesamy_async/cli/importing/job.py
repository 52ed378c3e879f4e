"""An import from its check to its reports."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import (
    AbstractContextManager,
    ExitStack,
    contextmanager,
    nullcontext,
)

import attrs

from sesamy_async.bulk.check import Checked, related_journals
from sesamy_async.bulk.confirm import Confirm
from sesamy_async.bulk.errors import InputFileError
from sesamy_async.bulk.journal import Journal, Terms
from sesamy_async.bulk.journal.terms import SANDBOX
from sesamy_async.bulk.reports.words import count
from sesamy_async.bulk.source import Source
from sesamy_async.cli.answer import Answer
from sesamy_async.cli.options import Api

from .check import alike, checked
from .ending import answer, cut_short
from .estimate import estimate
from .files import Files
from .options import Doing, Sending
from .place import Place, at_sesamy, base_url, in_own_world
from .reporting import report
from .run import Run
from .stop import Presses, heeding
from .watch import watching


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
    doing: Doing
    sending: Sending
    options: Api

    def rehearse(self) -> Answer:
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
            return Answer(
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

    def carry_out(self) -> Answer:
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
        place: Place,
        presses: Presses,
        notes: Sequence[str],
    ) -> Answer:
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

    def _place(self, sesamy: Place | None) -> AbstractContextManager[Place]:
        if sesamy is not None:
            return nullcontext(sesamy)
        files = self.files
        return in_own_world(self.options, files.ledger, files.journal)

    def _journal(
        self, plan: Checked | None, place: Place, fingerprint: str
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
