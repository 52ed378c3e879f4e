"""Write the reports of an import."""

from __future__ import annotations

from collections.abc import Mapping
from time import time

import attrs

from sesamy_async.bulk.errors import InputFileError
from sesamy_async.bulk.journal import Journal, Span
from sesamy_async.bulk.reading.csv_source import CsvSource
from sesamy_async.bulk.reports import Kind, Reports, write_reports
from sesamy_async.bulk.reports.draft import write_text
from sesamy_async.bulk.reports.page import Facts, render, width_for
from sesamy_async.bulk.source import Source
from sesamy_async.bulk.summary import ImportSummary
from sesamy_async.errors import SesamyError

from .files import Files


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
