"""What an import says: of cells, of orders before they are sent, at its end.

Cells are personal: they are shown on the terminal of the person who has the
file, and never in a log.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from sesamy_async._call import RateLimit
from sesamy_async._models import is_object
from sesamy_async._payloads import encode_order
from sesamy_async.bulk import (
    Ending,
    Entry,
    ImportSummary,
    Note,
    Remark,
    Sale,
    Source,
    State,
)
from sesamy_async.bulk._beside import Files
from sesamy_async.bulk._chain import Chain
from sesamy_async.bulk._counts import Tally
from sesamy_async.bulk._file import differing
from sesamy_async.bulk._order_store import (
    StoreCounts,
    reader,
    told_by,
)
from sesamy_async.bulk._rows import first_of
from sesamy_async.bulk._states import kind_of
from sesamy_async.bulk.check import Checked, RemarkCount, notes_on
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.reports import Kind, Reports
from sesamy_async.bulk.reports._files import STRAYS
from sesamy_async.bulk.reports._words import (
    count,
    duration,
    ending,
    not_counted,
    steps,
)

from .output import ExitCode


# The cells of a file


def of_cells(
    source: Source, found: Checked
) -> tuple[list[RemarkCount], list[RemarkCount]]:
    """Return what was cleaned in cells, and what may be wrong in them."""
    whole = {(each.remark, each.column) for each in notes_on(source)}
    cleaned, warnings = (
        [it for it in findings if (it.remark, it.column) not in whole]
        for findings in (found.cleaned, found.warnings)
    )
    return cleaned, warnings


def remarks(
    source: Source, found: Checked, *, examples: bool, strict: bool
) -> Iterator[str]:
    """Yield lines on cells: what was cleaned, and what may be wrong.

    If it is `strict`, warnings are mistakes, which are reported elsewhere.
    """
    cleaned, warnings = of_cells(source, found)
    if cleaned:
        yield "Cleaned:"
        yield from _findings(cleaned, examples=examples)
    if warnings and not strict:
        yield "Warnings (these orders can be sent):"
        yield from _findings(warnings, examples=examples)


def remarks_on_file(source: Source, *, examples: bool) -> Iterator[str]:
    """Yield lines on the file as a whole."""
    said_of: set[Remark] = set()
    for each in notes_on(source):
        if each.remark in said_of and not examples:
            continue
        said_of.add(each.remark)
        where = f", row {each.row}" if each.row else ""
        said = f"{source.name}{where}: {each.remark.text}"
        cells = _cells(each) if examples else ""
        yield f"{said}: {cells}" if cells else f"{said}."


def counted(findings: Iterable[RemarkCount]) -> list[dict[str, Any]]:
    """Return findings for machines, without any cell."""
    return [
        {"column": it.column, "remark": it.remark.text, "count": it.count}
        for it in findings
    ]


def _findings(
    findings: Iterable[RemarkCount], *, examples: bool
) -> Iterator[str]:
    for each in findings:
        what = f"{count(each.count, 'cell')} in {each.column}"
        if not each.column:
            what = count(each.count, "row")
        said, asks = f"  {what}: {each.remark.text}", each.remark.asks
        if not examples or not each.column:
            rows = ", ".join(map(str, each.rows))
            more = each.count - len(each.rows)
            where = f"row {rows}{f' and {more:,} more' * bool(more)}."
            yield (
                f"{said} {where.capitalize()}" if asks else f"{said}: {where}"
            )
            continue
        if each.count > len(each.examples):
            said += " For example:" if asks else ", for example:"
        yield said
        for note in each.examples:
            cells = _cells(note)
            yield f"    row {note.row}{f': {cells}' if cells else ''}"


def mistakes(found: Checked, *, examples: bool) -> Iterator[str]:
    """Yield a line for each mistake, for all rows that have the same."""
    for each in found.mistakes(words=examples):
        more = each.count - 1 - each.rows.count(",")
        rows = f"{each.rows}{f' and {more:,} more' * bool(more)}"
        place = f"{each.count:,} rows ({rows})"
        if each.count == 1:
            place = f"row {rows}"
        column = each.column and f", {each.column}"
        word = f"{_shortened(each.word)} " if each.word else ""
        yield f"{place}{column}: {word}{each.reason}"


_LONGEST = 60


def _cells(note: Note) -> str:
    """Return what a cell was, and what it is now."""
    shown = [*map(_shortened, (note.before, note.after))]
    if note.before == note.after:
        return shown[0] if note.before else ""
    return " → ".join(shown)


def _shortened(cell: str) -> str:
    return f"'{cell[:_LONGEST]}{'…' if len(cell) > _LONGEST else ''}'"


# The first orders, as they would be sent


_PREVIEWED = 3
_WORDS = {
    "email": "e-mail",
    "invoiceEmail": "e-mail for invoices",
    "fullName": "name",
    "companyName": "company",
    "vatNr": "VAT number",
    "co": "c/o",
}
_SELLERS = {"vendorData.": "vendor data, ", "providerData.": "provider data, "}
_OWN = {
    **_SELLERS,
    "userData.extraData.": "extra data, ",
    "ownerData.extraData.": "owner's extra data, ",
}


def preview(
    source: Source, found: Checked, promo_code: str | None
) -> Iterator[str]:
    """Yield lines on the first orders, as they would be sent."""
    able = (each for each in found.planned() if each.reason is None)
    entries = [
        Entry(row=each.row, order_id=each.order_id, state=State.PENDING)
        for each in islice(able, _PREVIEWED)
    ]
    if not entries:
        return
    number = len(entries)
    many = "order as it" if number == 1 else f"{number} orders as they"
    yield f"The first {many} would be sent:"
    sale_of = reader(source)
    for each in entries:
        yield f"  Row {each.row}"
        yield from _plainly(sale_of(each), promo_code)


def _plainly(sale: Sale, promo_code: str | None) -> Iterator[str]:
    """Yield a line for each field of an order; the seller's own come last."""
    sent = json.loads(encode_order(sale.order))
    method = (sent.pop("paymentMethod", None) or "").lower()
    provider = (sent.pop("paymentProvider", None) or "").title()
    payment = " by ".join(filter(None, (method, provider)))
    fields = {
        "Order": sent.pop("externalOrderId"),
        "Promo code": sale.promo_code or promo_code,
        "Publisher": sale.vendor_id,
        "Payment": payment.replace("_", " "),
    }
    for path, value in sorted(
        _flat(sent), key=lambda it: it[0].startswith((*_SELLERS,))
    ):
        fields[_label(path)] = value
    given = {label: value for label, value in fields.items() if value}
    width = max(map(len, given))
    for label, value in given.items():
        yield f"    {label:<{width}}  {value}"


def _label(path: str) -> str:
    """Return a field's name in plain words."""
    name = path.rpartition(".")[2]
    spaced = re.sub("[A-Z]", lambda it: f" {it[0].lower()}", name)
    owner = "owner's " if path.startswith("ownerData.") else ""
    words = f"{owner}{_WORDS.get(name, spaced)}"
    for place, own in _OWN.items():
        if path.startswith(place):
            words = f"{own}{path.removeprefix(place)}"
    return f"{words[0].upper()}{words[1:]}"


def _flat(sent: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in sent.items():
        if is_object(value):
            yield from _flat(value, f"{above}{name}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value)
            yield f"{above}{name}", text


# The orders, before they are sent


def alike(found: Checked) -> tuple[str, ...]:
    """Return a note on ids that look the same, if there are any."""
    shown = first_of(
        f"row {each.row} (like row {each.other})" for each in found.alike()
    )
    if not shown:
        return ()
    said = (
        f"Ids that look the same: {', '.join(shown)}. They differ only in "
        "upper and lower case or in Unicode form, and are separate orders."
    )
    return (said,)


def in_store(told: StoreCounts, name: str) -> Iterator[str]:
    """Yield what a store knew of the orders, and what differs."""
    parts = [f"{told.new:,} new"]
    if told.begun:
        parts.append(f"{told.begun:,} created")
    if told.first is not None:
        by = told_by(told.first)
        parts.append(f"{told.already:,} already confirmed (first {by})")
    if told.doubtful:
        parts.append(f"{told.doubtful:,} in doubt")
    if told != StoreCounts():
        yield f"The store of orders, {name}, says: {', '.join(parts)}."
    if told.differ:
        yield f"{differing(told)} These rows are not sent."


def estimate(calls: int, limit: RateLimit = RateLimit()) -> str:  # noqa: B008 - frozen
    """Return how long calls take at the permitted rate."""
    waiting = calls - limit.burst
    told = count(calls, "call")
    if waiting <= 0:
        return f"{told}; a burst of {limit.burst:g} is permitted at once"
    return (
        f"{told}; at least {duration(waiting / limit.rate)} at the permitted "
        f"{limit.rate:g} per second"
    )


def beginning(
    journal: Journal, pace: RateLimit, first: int | None, *, begun: bool
) -> Iterator[str]:
    """Yield the lines that are shown before anything is sent."""
    now = summary_of(journal)
    rows = count(now.rows, "row")
    rest = estimate(now.unprocessed * now.confirm.calls, pace)
    if not begun:
        left_out = f" ({now.rejected:,} left out)" if now.rejected else ""
        yield f"{rows}{left_out}: {rest}."
    elif not now.unprocessed:
        yield (
            f"{journal.path} says that this import is complete: nothing is "
            "sent."
        )
    else:
        yield (
            f"Continuing with {journal.path}: "
            f"{now.rows - now.unprocessed:,} of {rows} are processed; {rest}."
        )
    if first is not None and now.unprocessed:
        orders = "order" if first == 1 else f"{first:,} orders"
        yield f"Only the first {orders} will be sent now."


# How it ended


def summary_of(journal: Journal) -> ImportSummary:
    """Return how far an import is that does not run."""
    return Tally.of(journal).now


def exit_code_of_import(
    summary: ImportSummary,
    *,
    reported: bool = True,
    first: Sequence[Entry] = (),
) -> ExitCode:
    """Return the exit code of an import.

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


def written(
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


def not_again(rows: Sequence[int]) -> Iterator[str]:
    """Yield which of the rejected rows nobody should correct again."""
    if rows:
        yield (
            f"{count(len(rows), 'rejected row')} with the id of an order that "
            "was confirmed before, so do not correct and import "
            f"{'it' if len(rows) == 1 else 'them'} again: row "
            f"{', '.join(first_of(map(str, rows)))}."
        )


def first_lines(title: str, lines: list[str]) -> Iterator[str]:
    """Yield the first lines below a title; nothing if there are none."""
    if lines:
        yield from ("", title, *lines[:_MOST_SHOWN])
    if (more := len(lines) - _MOST_SHOWN) > 0:
        yield f"  and {more:,} more; --json lists them all"


def still_open(chain: Chain) -> Iterator[str]:
    """Yield what is left to do, where reports were imported."""
    lines = [f"  row {row}: {chain.open[row]}" for row in sorted(chain.open)]
    yield from first_lines("Still open:", lines)
    for name, done in chain.unmatched.items():
        yield (
            f"{count(done, 'more row')} done by {name}. It is not known which "
            "rows of this file they are, because that report is gone or was "
            "changed after it was imported."
        )
    for name, why in chain.unread.items():
        yield f"{name} is not counted: {why}"


def of_chain(chain: Chain) -> dict[str, Any]:
    """Return the same for machines."""
    return {
        "done": not chain.open,
        "here": chain.here,
        "by_report": dict(chain.by_report),
        "repeated": chain.repeated,
        "open": [
            {"row": row, "reason": chain.open[row]}
            for row in sorted(chain.open)
        ],
        "unmatched": dict(chain.unmatched),
        "unread": dict(chain.unread),
    }


def notes(
    summary: ImportSummary, reports: Reports, chain: Chain | None
) -> Iterator[str]:
    """Yield why an import is not complete, and what is left to do."""
    if summary.unprocessed:
        reason = "" if summary.reason is None else f" {summary.reason}"
        yield f"The import is not complete: {ending(summary)}.{reason}"
    yield from filter(None, [not_counted(reports)])
    yield from steps(summary, reports, chain)
    for path in reports.kept:
        yield (
            f"{path.name} was not overwritten: it was changed after it was "
            "written, or was imported itself."
        )
    if chain is not None:
        yield from still_open(chain)
