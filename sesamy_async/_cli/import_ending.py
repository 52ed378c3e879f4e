"""How an import ended: its reports, and what the command answers."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs

from sesamy_async.bulk import Confirm, Ending, Entry, ImportSummary
from sesamy_async.bulk._beside import Files, mapping_beside
from sesamy_async.bulk._counts import Tally
from sesamy_async.bulk._states import kind_of
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.reports import Kind, Reports
from sesamy_async.bulk.reports._files import STRAYS
from sesamy_async.bulk.reports._words import (
    duration,
    ending,
    headline,
    steps,
)

from .options import Api, ImportActions, ReadingOptions, Sending
from .output import CommandResult, ExitCode


def summary_of(journal: Journal) -> ImportSummary:
    """Return how far an import is that does not run."""
    return Tally.of(journal).now


def exit_code_of_import(
    summary: ImportSummary,
    *,
    reported: bool = True,
    first: Sequence[Entry] = (),
) -> ExitCode:
    """Return the exit code of an import: the first of what is to be done.

    If only the first orders were to be sent, it is about these.
    """
    if summary.ending is Ending.INTERRUPTED:
        return ExitCode.INTERRUPTED
    unknown, rejected = bool(summary.unknown), bool(summary.rejected)
    if summary.ending is Ending.FIRST:
        kinds = {kind_of(each.state, summary.confirm) for each in first}
        unknown, rejected = Kind.UNKNOWN in kinds, Kind.REJECTED in kinds
    elif summary.unprocessed:
        return ExitCode.FAILED
    if unknown:
        return ExitCode.LOOK
    if rejected:
        return ExitCode.REJECTED
    return ExitCode.DONE if reported else ExitCode.FAILED


_MOST_SHOWN = 20


def contracts(first: Sequence[Entry]) -> Iterator[str]:
    """Yield a line for each of the first orders, with its contract."""
    yield f"The first {f'{len(first)} orders' if first[1:] else 'order'}:"
    shown = [
        (
            f"row {it.row}",
            f"{it.order_id}",
            it.contract_id or "no contract",
            it.state.lower(),
        )
        for it in first[:_MOST_SHOWN]
    ]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for each, cells in zip(first, shown, strict=False):
        pairs = zip(cells, widths, strict=True)
        line = "  ".join(f"{cell:<{width}}" for cell, width in pairs)
        yield f"  {line}".rstrip()
        if each.reason is not None:
            yield f"    {each.reason}"
    if more := len(first) - len(shown):
        yield f"  and {more:,} more"


def command_for(
    report: Path,
    promo: str | None,
    *,
    doing: ImportActions,
    reading: ReadingOptions,
    sending: Sending,
    options: Api,
) -> str:
    """Return the command that imports a report of rejected rows."""
    mapping = reading.mapping
    if mapping == mapping_beside(report):
        mapping = None
    values = {
        "--promo": promo,
        "--mapping": mapping,
        "--vendor": options.vendor,
        "--base-url": options.base_url,
        "--idempotency": options.idempotency,
        "--rate": sending.rate,
    }
    if sending.confirm != str(Confirm.SEPARATELY):
        values["--confirm"] = sending.confirm
    flags = {
        "--allow-unknown": reading.allow_unknown,
        "--strays": sending.strays is True,
        "--no-strays": sending.strays is False,
        "--shared-contracts": sending.shared_contracts,
        "--sandbox": doing.sandbox,
    }
    words = ["sesamy", "import", str(report)]
    for name, value in values.items():
        words += [] if value is None else [name, str(value)]
    words += [name for name, given in flags.items() if given]
    return shlex.join(words)


def answer(
    summary: ImportSummary,
    reports: Reports,
    files: Files,
    *,
    problem: str | None,
    sandbox: bool,
    first: Sequence[Entry] | None,
    told: bool,
    next_command: Callable[[Path], str],
) -> CommandResult:
    """Return the result.

    Args:
        summary: How the import ended.
        reports: Its reports.
        files: Its other files.
        problem: Why a report is missing.
        sandbox: Whether it was sent to a sandbox.
        first: The orders that were to be sent first, if any were.
        told: Whether these were shown already.
        next_command: Returns how to import a report.
    """
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
        "first": None if first is None else [*map(_described, first)],
    }
    rejected = reports.paths.get(Kind.REJECTED)
    return CommandResult(
        f"{where}{headline(summary)}",
        data,
        (
            *_table(summary, reports, files),
            *(contracts(first) if first and not told else ()),
            *_notes(summary, reports),
            *(() if rejected is None else (f"  {next_command(rejected)}",)),
            *(() if problem is None else (problem,)),
        ),
        exit_code_of_import(
            summary, reported=problem is None, first=first or ()
        ),
    )


def _described(entry: Entry) -> dict[str, Any]:
    return {
        "row": entry.row,
        "order_id": entry.order_id,
        "contract_id": entry.contract_id,
        "state": str(entry.state),
    }


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
