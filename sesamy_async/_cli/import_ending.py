"""How an import ended: its reports, and what the command answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from time import time
from typing import Any

import attrs

from sesamy_async.bulk import Ending, ImportSummary, InputFileError, Source
from sesamy_async.bulk._counts import Tally
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.reading._csv import CsvSource
from sesamy_async.bulk.reports import Kind, Reports, write_reports
from sesamy_async.bulk.reports._files import write_text
from sesamy_async.bulk.reports._page import Facts, render, width_for
from sesamy_async.bulk.reports._places import STRAYS
from sesamy_async.bulk.reports._words import duration, ending, headline, steps
from sesamy_async.errors import SesamyError

from .import_check import Files
from .output import CommandResult, ExitCode


def summary_of(journal: Journal) -> ImportSummary:
    """Return how far an import is that does not run."""
    return Tally.of(journal).now


def report(
    source: Source,
    journal: Journal,
    summary: ImportSummary,
    files: Files,
    said: Mapping[int, str],
) -> tuple[Reports, str | None]:
    """Write all reports; return them, and why one is missing."""
    reports = Reports(
        rows={kind: getattr(summary, kind) for kind in Kind}, paths={}
    )
    # The delimiter that the spreadsheet program here expects.
    delimiter = source.delimiter if isinstance(source, CsvSource) else ","
    try:
        reports = write_reports(
            source,
            journal.entries(),
            summary,
            files.reports,
            fingerprint=journal.terms.fingerprint,
            delimiter=delimiter,
            memory=journal.memory,
            said=said,
        )
        if files.page is not None:
            facts = _facts(journal, summary, reports)
            write_text(files.page, render(facts))
    except InputFileError as error:
        # Without its advice, which says that nothing was sent.
        return reports, str(error.args[0])
    except SesamyError as error:
        return reports, str(error)
    return reports, None


_MINUTE = 60.0


def _facts(
    journal: Journal, summary: ImportSummary, reports: Reports
) -> Facts:
    minutes = journal.timeline(_MINUTE)
    length = minutes[-1].start + _MINUTE - minutes[0].start if minutes else 0
    width = width_for(length)
    return Facts(
        summary=summary,
        terms=journal.terms,
        reports=reports,
        spans=journal.timeline(width),
        width=width,
        now=time(),
    )


def exit_code_of_import(
    summary: ImportSummary, *, reported: bool = True
) -> ExitCode:
    """Return the exit code of an import: the first of what is to be done."""
    if summary.ending is Ending.INTERRUPTED:
        return ExitCode.INTERRUPTED
    if summary.unprocessed:
        return ExitCode.FAILED
    if summary.unknown:
        return ExitCode.LOOK
    if summary.rejected:
        return ExitCode.REJECTED
    return ExitCode.DONE if reported else ExitCode.FAILED


def answer(
    summary: ImportSummary,
    reports: Reports,
    files: Files,
    *,
    problem: str | None,
    sandbox: bool,
) -> CommandResult:
    """Return the result; `problem` is why a report is missing."""
    where = "In a sandbox: " if sandbox else ""
    page = files.page
    data: dict[str, Any] = {
        **attrs.asdict(summary),
        "done": summary.done,
        "sandbox": sandbox,
        "source": str(files.source),
        "journal": str(files.journal),
        "reports": {name: str(path) for name, path in reports.paths.items()},
        "kept": [str(path) for path in reports.kept],
        "report": None if page is None else str(page),
        "report_problem": problem,
    }
    return CommandResult(
        f"{where}{headline(summary)}",
        data,
        (
            *_table(summary, reports, files),
            *_notes(summary, reports),
            *(() if problem is None else (problem,)),
        ),
        exit_code_of_import(summary, reported=problem is None),
    )


def _table(
    summary: ImportSummary, reports: Reports, files: Files
) -> Iterator[str]:
    """Yield a line for each report with its rows, and for the other files."""
    counts = {str(kind): rows for kind, rows in reports.rows.items()}
    counts[STRAYS] = summary.strays
    found = {name: f"{rows:,}" for name, rows in counts.items() if rows}
    width = max(map(len, found.values()), default=0)
    for name, rows in found.items():
        path = reports.paths.get(name, "")
        yield f"  {name:<11}  {rows:>{width}}  {path}".rstrip()
    yield f"  {'journal':<11}  {files.journal}"
    if files.page is not None:
        yield f"  {'report':<11}  {files.page}"
    if summary.calls:
        spent = f"{summary.calls:,} calls in {duration(summary.seconds)}"
        yield f"  {'this run':<11}  {spent}"


def _notes(summary: ImportSummary, reports: Reports) -> Iterator[str]:
    if summary.unprocessed:
        reason = "" if summary.reason is None else f" {summary.reason}"
        yield f"The import is not complete: {ending(summary)}.{reason}"
    yield from steps(summary, reports.paths)
    for path in reports.kept:
        yield (
            f"{path.name} was changed since it was written, or is imported "
            "itself: it stays as it is."
        )
