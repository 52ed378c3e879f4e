"""What is told when an import has ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.reports import Kind, Reports
from sesamy_async.bulk.reports.kind import kind_of
from sesamy_async.bulk.reports.onward import steps
from sesamy_async.bulk.reports.place import STRAYS
from sesamy_async.bulk.reports.words import duration, ending, headline
from sesamy_async.bulk.summary import Ending, ImportSummary
from sesamy_async.cli.answer import Answer
from sesamy_async.cli.exit_codes import ExitCode

from .exit import exit_code_of_import
from .files import Files
from .reporting import Reported


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
) -> Answer:
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
    return Answer(
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
