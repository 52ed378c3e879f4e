"""The import of a file as one thing.

`import_file` and the command ``sesamy import`` take the steps of one
`FileImport`, so each continues what the other has begun.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing, suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Literal

import anyio
import anyio.from_thread
import anyio.to_thread
import attrs

from sesamy_async._checks import segment
from sesamy_async._client import AsyncSesamy
from sesamy_async.errors import ConfigurationError, SesamyError

from ._beside import Files, mapping_beside
from ._counts import ImportSummary, Progress
from ._importer import Importer
from ._order_store import StoreCounts
from ._rows import Source, first_of
from ._states import Confirm, InputFileError, JournalError, Kind, Terms
from .check import Checked, check, write_problems
from .journal import Journal
from .reading import open_source
from .reading._table import TableSource
from .reports import ReportError, Reports, write_reports
from .reports._files import write_text
from .reports._page import Facts, render
from .reports._words import count


def differing(told: StoreCounts) -> str:
    """Return which orders were reported before with other data."""
    rows = ", ".join(map(str, told.differing))
    more = told.differ - len(told.differing)
    rest = f" and {more:,} more" if more else ""
    return (
        f"{count(told.differ, 'order')} with an id that was reported before "
        f"with other data: row {rows}{rest}."
    )


@attrs.frozen(kw_only=True)
class FileImport:
    """The steps of the import of a file; `importer` is the only async one.

    The settings are those of `import_file`.
    """

    source: Source
    files: Files
    promo_code: str | None
    confirm: Confirm = Confirm.SEPARATELY
    strays: bool | None = None
    skip_invalid: bool = False
    strict: bool = False
    concurrency: int = 10
    patience: float = 3600.0

    def terms(self, fingerprint: str, vendor_id: str, base_url: str) -> Terms:
        """Return what must not change between two runs."""
        return Terms(
            source=self.source.name,
            fingerprint=fingerprint,
            promo_code=self.promo_code,
            vendor_id=vendor_id,
            base_url=base_url,
            confirm=self.confirm,
            strays=self.strays,
        )

    def check(self, on_rows: Callable[[int], None] | None = None) -> Checked:
        """Check all rows; the caller closes the result."""
        return check(
            self.source,
            promo_code=self.promo_code,
            strict=self.strict,
            on_rows=on_rows,
        )

    def accept(
        self, found: Checked, listed: Iterable[str] | None = None
    ) -> None:
        """Let the import go on, unless rows are wrong: then list them all.

        The error has the first lines that are `listed`; else a line a row.
        """
        path = self.files.problems
        if not found.invalid or self.skip_invalid:
            # The list of an earlier check is outdated.
            with suppress(OSError):
                path.unlink()
            return
        shown = first_of(listed or map(str, found.problems()))
        try:
            write_problems(found, path, delimiter=self._delimiter(";"))
            kept = f"All are in {path}."
        except InputFileError as error:
            # The problems of the rows are more important.
            kept = f"(The list of all is missing: {error.args[0]})"
        raise InputFileError(
            f"{self.source.name} has mistakes in "
            f"{count(found.invalid, 'row')} of {found.rows:,}: "
            f"{'; '.join(shown)}. {kept} Correct the file, or leave these "
            "rows out with --skip-invalid.",
            problems=shown,
        )

    def journal(self, found: Checked | None, terms: Terms) -> Journal:
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

    async def importer(
        self,
        sesamy: AsyncSesamy,
        journal: Journal,
        *,
        new: bool,
        first: int | None = None,
    ) -> tuple[Importer, StoreCounts | None]:
        """Return what sends the orders, and what the store knows of them.

        If the journal is `new`, it is removed if the orders can't be sent, so
        that the file may be corrected.
        """
        try:
            importer = Importer(
                sesamy,
                self.source,
                journal,
                concurrency=self.concurrency,
                patience=self.patience,
                first=first,
            )
            told = await importer.look_up()
            if told is not None and self.strict and told.differ:
                raise InputFileError(
                    f"{differing(told)} Correct them, or leave out --strict: "
                    "orders that are confirmed are not sent again."
                )
        except ConfigurationError:
            if new:
                journal.purge()
            raise
        return importer, told

    def _delimiter(self, of_sheet: str) -> str:
        """Return the delimiter that the spreadsheet program here expects."""
        source = self.source
        if isinstance(source, TableSource):
            return source.delimiter or of_sheet
        return ","

    def report(
        self,
        journal: Journal,
        summary: ImportSummary,
        said: Mapping[int, str],
    ) -> tuple[Reports, str | None]:
        """Write all reports; return them, and why one is missing."""
        source, files = self.source, self.files
        delimiter = self._delimiter("")
        reports = Reports(
            rows={kind: getattr(summary, kind) for kind in Kind}, paths={}
        )
        try:
            reports = write_reports(
                source,
                journal.entries(),
                summary,
                files.reports,
                fingerprint=journal.terms.fingerprint,
                delimiter=delimiter or ",",
                spreadsheet=not delimiter,
                memory=journal.memory,
                said=said,
            )
            if files.page is not None:
                facts = Facts.of(journal, summary, reports)
                write_text(files.page, render(facts))
        except (InputFileError, JournalError) as error:
            # Without its advice, which says that nothing was sent.
            return reports, str(error.args[0])
        except ReportError as error:
            return reports, str(error)
        return reports, None


@attrs.frozen(kw_only=True)
class FileSummary(ImportSummary):
    """What became of every row of a file, and where that is written.

    Attributes:
        journal: Where the journal is.
        reports: Where each report is, by the word in its name, such as
            ``"rejected"``; a report without rows is not there.
        kept: Reports that were left as they are, because somebody has
            changed them or imports them.
        report_problem: Why reports are missing; None if none is.
    """

    journal: Path
    reports: Mapping[str, Path]
    kept: tuple[Path, ...] = ()
    report_problem: str | None = None


async def import_file(
    sesamy: AsyncSesamy,
    path: str | os.PathLike[str],
    *,
    promo_code: str | None = None,
    mapping: str | os.PathLike[str] | None = None,
    format: Literal["csv", "jsonl", "sheet"] | None = None,  # noqa: A002 - as `open_source`
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    allow_unknown: bool = False,
    skip_invalid: bool = False,
    strict: bool = False,
    confirm: Confirm | Literal["separately", "at-once", "no"] = "separately",
    strays: bool | None = None,
    concurrency: int = 10,
    patience: float = 3600.0,
    first: int | None = None,
    journal: str | os.PathLike[str] | None = None,
    report: str | os.PathLike[str] | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> FileSummary:
    """Send all orders of a file: none is lost, and none is sent twice.

    It does what ``sesamy import`` does, with the same files: the whole file
    is checked before anything is sent, each step is first written to a
    journal beside the file, and reports beside it say what became of every
    row.  After a crash, or a cancellation at any moment, the same call, or
    the command, continues where it stopped.

    It runs on asyncio and trio.  Files are read and written in threads.

    Args:
        sesamy: The client; its vendor, pace, deadline and store of orders
            are used, and it stays open.
        path: The file.
        promo_code: The promo code of rows that name none.
        mapping: A TOML file that says what each column holds; by default,
            ``orders.csv.mapping.toml`` beside ``orders.csv``, if it is
            there.
        format: How the file is written; None to find out.
        encoding: The encoding of the file; None to find out.
        delimiter: The character between the cells; None to find out.
        sheet: The name of the sheet, if a spreadsheet has several.
        allow_unknown: Whether providers, methods and genders may be words
            that Sesamy's guide does not list.
        skip_invalid: Whether rows with mistakes are left out, and written
            to the rejected report; by default, the whole file is refused.
        strict: Whether a warning counts as a mistake, and nothing is sent
            if an order was reported before with other data.
        confirm: When contracts are confirmed; see `Confirm`.
        strays: Whether an interrupted create, which gives no access, may
            be sent again; None for all but invoices.
        concurrency: How many orders are sent at once, at least 1.
        patience: Seconds that an outage may last, at least 0.
        first: How many orders are sent, in the order of the rows, at least
            1.  Then it ends with ``Ending.FIRST``; call it without `first`
            to continue.  None for all.
        journal: The file that records what was sent; by default,
            ``orders.csv.journal`` beside ``orders.csv``.
        report: An HTML page to write at the end.
        progress: Called about twice a second while orders are sent, and at
            the end.  If it raises, what is in flight is completed and
            recorded, and then the error is raised.

    Returns:
        What became of every row, in this call and in earlier ones.  Look at
        its `ending`: an outage is no error, and the same call continues.

    Raises:
        InputFileError: The file, its header, its rows or the mapping are
            wrong; `problems` names them, row by row.
        JournalMismatchError: The journal is of another file, or of other
            settings.
        JournalBusyError: Another process imports this file.
        JournalError: The journal can't be used.
        StoreUnavailable: The store of orders can't be used now.
        InvalidRequestError: `promo_code` can't be a promo code.
        ConfigurationError: An argument or the client can't be used.  If
            the client was closed meanwhile, the journal has what was sent.
            Every other error has the outcome NOT_SENT: this call has sent
            nothing.
    """
    _check(sesamy, promo_code, confirm)

    def begin() -> tuple[Source, Files]:
        given = None if mapping is None else Path(mapping)
        if given is None and format != "jsonl":
            given = mapping_beside(Path(path))
        files = Files.of(
            Path(path),
            None if journal is None else Path(journal),
            None if report is None else Path(report),
            given,
        )
        source = open_source(
            path,
            mapping=given,
            format=format,
            encoding=encoding,
            delimiter=delimiter,
            allow_unknown=allow_unknown,
            sheet=sheet,
        )
        return source, files

    source, files = await anyio.to_thread.run_sync(begin)
    job = FileImport(
        source=source,
        files=files,
        promo_code=promo_code,
        confirm=Confirm(confirm),
        strays=strays,
        skip_invalid=skip_invalid,
        strict=strict,
        concurrency=concurrency,
        patience=patience,
    )
    new = not files.journal.exists()
    with await _begun(job, sesamy, new=new) as kept:
        importer, _ = await job.importer(sesamy, kept, new=new, first=first)
        summary = await _watched(importer, progress)
        write = partial(job.report, kept, summary, importer.said)
        reports, problem = await anyio.to_thread.run_sync(write)
    return FileSummary(
        **attrs.asdict(summary, recurse=False),
        journal=files.journal,
        reports=reports.paths,
        kept=reports.kept,
        report_problem=problem,
    )


def _check(sesamy: object, promo_code: str | None, confirm: str) -> None:
    if not isinstance(sesamy, AsyncSesamy):
        raise ConfigurationError(
            "import_file needs an AsyncSesamy, "
            f"not a {type(sesamy).__name__}. In a script without async, run "
            "it with anyio.run, or run the command `sesamy import`."
        )
    if promo_code is not None:
        # Otherwise every row would be refused for it.
        segment("promo_code", promo_code)
    if confirm not in list(Confirm):
        known = ", ".join(f'"{each}"' for each in Confirm)
        raise ConfigurationError(f"confirm must be one of {known}.")


async def _begun(
    job: FileImport, sesamy: AsyncSesamy, *, new: bool
) -> Journal:
    """Check the file and create the journal, or open it; in a thread."""
    vendor_id, base_url = sesamy.vendor_id, sesamy.base_url
    made: list[Journal] = []
    gone, lock = False, Lock()

    def on_rows(_: int) -> None:
        anyio.from_thread.check_cancelled()

    def begin() -> None:
        terms = job.terms(job.source.fingerprint(), vendor_id, base_url)
        if new:
            with job.check(on_rows) as found:
                job.accept(found)
                journal = job.journal(found, terms)
        else:
            journal = job.journal(None, terms)
        with lock:
            made.append(journal)
            if gone:
                journal.close()

    try:
        await anyio.to_thread.run_sync(begin)
    except BaseException:
        # A task of asyncio that is cancelled does not wait for its thread.
        with lock:
            gone = True
            for each in made:
                each.close()
        raise
    return made[0]


async def _watched(
    importer: Importer, progress: Callable[[Progress], object] | None
) -> ImportSummary:
    """Run an import, and show its progress."""
    summaries: list[ImportSummary] = []
    problems: list[Exception] = []

    async def show(progress: Callable[[Progress], object]) -> None:
        try:
            async with aclosing(importer.updates()) as updates:
                async for each in updates:
                    progress(each)
        except Exception as error:  # noqa: BLE001 - raised below
            problems.append(error)
            importer.stop()

    # Errors are not raised in it, because it would wrap them.
    async with anyio.create_task_group() as group:
        if progress is not None:
            group.start_soon(show, progress)
        try:
            summaries.append(await importer.run())
        except SesamyError as error:
            problems.append(error)
    for each in problems:
        raise each
    return summaries[0]
