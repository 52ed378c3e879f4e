"""How an import ended, and the reports it writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from time import time
from typing import Any

import attrs

from sesamy_async.bulk import Ending, ImportSummary, InputFileError, Source
from sesamy_async.bulk.journal import Journal, Span
from sesamy_async.bulk.reading._csv import CsvSource
from sesamy_async.bulk.reports import Kind, Reports, write_reports
from sesamy_async.bulk.reports._files import write_text
from sesamy_async.bulk.reports._page import Facts, render, width_for
from sesamy_async.bulk.reports._places import STRAYS, kind_of
from sesamy_async.bulk.reports._words import duration, ending, headline, steps
from sesamy_async.errors import SesamyError

from .import_check import Files
from .output import CommandResult, ExitCode, exit_code_of_import


_MINUTE = 60.0


@attrs.frozen
class Reported:
    """What was written.

    Attributes:
        reports: Of every row.
        problem: Why not all is written, if so.
    """

    reports: Reports
    problem: str | None = None


def report(
    source: Source,
    journal: Journal,
    summary: ImportSummary,
    files: Files,
    said: Mapping[int, str],
) -> Reported:
    """Write all reports; what is wrong with them is no reason to fail.

    Args:
        source: The orders.
        journal: What became of them.
        summary: How the run ended.
        files: Where the reports shall be.
        said: What Sesamy said of refused rows.
    """
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
            delimiter=_delimiter(source),
            memory=journal.memory,
            said=said,
        )
        if files.page is not None:
            facts = _facts(journal, summary, reports)
            write_text(files.page, render(facts))
    except InputFileError as error:
        # Not its advice: it says that nothing was sent.
        return Reported(reports, str(error.args[0]))
    except SesamyError as error:
        return Reported(reports, str(error))
    return Reported(reports)


def _delimiter(source: Source) -> str:
    """Return what the spreadsheet of these people takes for one."""
    return source.delimiter if isinstance(source, CsvSource) else ","


def _facts(
    journal: Journal, summary: ImportSummary, reports: Reports
) -> Facts:
    width = width_for(_length(journal.timeline(_MINUTE)))
    return Facts(
        summary=summary,
        terms=journal.terms,
        reports=reports,
        spans=journal.timeline(width),
        width=width,
        now=time(),
    )


def _length(spans: tuple[Span, ...]) -> float:
    return spans[-1].start + _MINUTE - spans[0].start if spans else 0.0


def cut_short(journal: Journal) -> ImportSummary:
    """Return the summary of a run that was stopped at once.

    Raises:
        JournalError: It can't be read.
    """
    confirm = journal.terms.confirm
    counts = dict.fromkeys(Kind, 0)
    for state, count in journal.counts().items():
        counts[kind_of(state, confirm)] += count
    return ImportSummary(
        rows=sum(counts.values()),
        confirmed=counts[Kind.CONFIRMED],
        created=counts[Kind.CREATED],
        rejected=counts[Kind.REJECTED],
        unknown=counts[Kind.UNKNOWN],
        unprocessed=counts[Kind.UNPROCESSED],
        strays=journal.strays(),
        confirm=confirm,
        ending=Ending.INTERRUPTED,
    )


def answer(
    summary: ImportSummary, reported: Reported, files: Files, *, sandbox: bool
) -> CommandResult:
    """Return what people and machines are told.

    Args:
        summary: How the run ended.
        reported: What was written of every row.
        files: The other files of the import.
        sandbox: Whether no real contract was made.
    """
    where = "In a sandbox: " if sandbox else ""
    problem = reported.problem
    code = exit_code_of_import(summary)
    if problem is not None:
        code = code or ExitCode.FAILED
    return CommandResult(
        f"{where}{headline(summary)}",
        _data(summary, reported, files, sandbox=sandbox),
        (
            *_rows(summary, reported.reports, files),
            *_why(summary),
            *steps(summary, reported.reports.paths),
            *_kept(reported.reports),
            *(() if problem is None else (problem,)),
        ),
        code,
    )


def _rows(
    summary: ImportSummary, reports: Reports, files: Files
) -> tuple[str, ...]:
    counts: Mapping[str, int] = {
        **{str(kind): rows for kind, rows in reports.rows.items()},
        STRAYS: summary.strays,
    }
    lines = [
        (name, f"{count:,}", str(reports.paths.get(str(name), "")))
        for name, count in counts.items()
        if count
    ]
    number = max((len(count) for _, count, _ in lines), default=0)
    told = [
        f"  {name:<11}  {count:>{number}}  {path}".rstrip()
        for name, count, path in lines
    ]
    told.append(f"  {'journal':<11}  {files.journal}")
    if files.page is not None:
        told.append(f"  {'report':<11}  {files.page}")
    if summary.calls:
        spent = f"{summary.calls:,} calls in {duration(summary.seconds)}"
        told.append(f"  {'this run':<11}  {spent}")
    return tuple(told)


def _kept(reports: Reports) -> Iterator[str]:
    for path in reports.kept:
        yield (
            f"{path.name} was changed since it was written, or is imported "
            "itself: it stays as it is, and what this import wrote into it "
            "is in no other report."
        )


def _why(summary: ImportSummary) -> tuple[str, ...]:
    if not summary.unprocessed:
        return ()
    said = f"Not all is done: {ending(summary)}."
    return (said if summary.reason is None else f"{said} {summary.reason}",)


def _data(
    summary: ImportSummary, reported: Reported, files: Files, *, sandbox: bool
) -> dict[str, Any]:
    paths = reported.reports.paths
    page = files.page
    return {
        **attrs.asdict(summary),
        "done": summary.done,
        "sandbox": sandbox,
        "source": str(files.source),
        "journal": str(files.journal),
        "reports": {name: str(path) for name, path in paths.items()},
        "kept": [str(path) for path in reported.reports.kept],
        "report": None if page is None else str(page),
        "report_problem": reported.problem,
    }
