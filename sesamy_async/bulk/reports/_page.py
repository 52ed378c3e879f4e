"""A report as one HTML page."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from importlib.resources import files
from string import Template
from time import time

import attrs

from sesamy_async._version import __version__
from sesamy_async.bulk._chain import Chain, followed
from sesamy_async.bulk._counts import ImportSummary
from sesamy_async.bulk._states import Kind, State, Terms
from sesamy_async.bulk.journal import Journal, Span
from sesamy_async.bulk.journal._database import storable

from ._files import Reports
from ._words import (
    MEANINGS,
    count,
    duration,
    ending,
    headline,
    not_counted,
    steps,
    to_correct,
)


_ROW = "Row"
_MOST_BARS = 120
_MOST_OPEN = 20
_WIDTHS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)


@attrs.frozen(kw_only=True)
class Facts:
    """What a page shows; nothing of it is personal.

    `spans`, each `width` seconds long, say how many orders ended when; `now`
    is in Unix seconds.  `chain` is what corrected reports have done.
    """

    summary: ImportSummary
    terms: Terms
    reports: Reports
    spans: tuple[Span, ...]
    width: float
    now: float
    chain: Chain | None = None

    @classmethod
    def of(
        cls, journal: Journal, summary: ImportSummary, reports: Reports
    ) -> Facts:
        """Return the facts of an import, of this run and those before."""
        minutes = journal.timeline(60)
        length = minutes[-1].start + 60 - minutes[0].start if minutes else 0
        width = width_for(length)
        return cls(
            summary=summary,
            terms=journal.terms,
            reports=reports,
            spans=journal.timeline(width),
            width=width,
            now=time(),
            chain=followed(journal),
        )

    @property
    def ended(self) -> float:
        """When the last span ended, in Unix seconds."""
        return self.spans[-1].start + self.width

    @property
    def length(self) -> float:
        """Seconds from the first span to the last one."""
        return self.ended - self.spans[0].start

    @property
    def permitted(self) -> float | None:
        """How many orders a second Sesamy permits; None if not known."""
        calls = self.summary.permitted
        return None if calls is None else calls / self.summary.confirm.calls


def width_for(seconds: float) -> float:
    """Return a round length, in seconds, for at most 120 spans."""
    for width in _WIDTHS:
        if seconds <= width * _MOST_BARS:
            return width
    return -(-seconds // _MOST_BARS)


def render(facts: Facts) -> str:
    """Return the page: HTML without scripts, fonts, images and requests.

    Every value is escaped, and none is personal.
    """
    summary, terms, rows = facts.summary, facts.terms, facts.reports.rows
    chain = facts.chain
    all_done = not chain.open if chain else summary.done == summary.rows
    real = "://" in terms.base_url
    counts = [f"{rows[kind]:,} {kind}" for kind in rows if rows[kind]]
    why = f"The run ended because {ending(summary)}. {summary.reason or ''}"
    todo = [*steps(summary, facts.reports, chain)]
    return Template(_read("page.html")).substitute(
        style=_read("page.css"),
        source=text(terms.source),
        where="" if real else " into a sandbox: no contract is real",
        headline=text(headline(summary, chain)),
        kind="good" if all_done else "mixed",
        ending=text(why.rstrip()),
        counts=", ".join(counts) or "no rows",
        # As wide as its share; a row of a million is seen, too.
        bar="".join(
            f'<span class="{kind}" style="flex: {rows[kind]} 0 6px" '
            f'title="{kind}: {rows[kind]:,}"></span>'
            for kind in rows
            if rows[kind]
        ),
        outcomes="\n".join(_outcomes(facts)),
        total=f"{sum(rows.values()):,}",
        apart=text(not_counted(facts.reports)),
        about=_about(facts),
        pace=text(_pace(facts)),
        chart=_chart(facts) if facts.spans else "",
        todo="\n".join(
            f"<li>{_with_commands(step)}</li>"
            for step in todo or ["Nothing: all is done."]
        ),
        details=_details(facts.reports, chain),
        made=_moment(facts.now),
        version=text(__version__),
    )


def _about(facts: Facts) -> str:
    summary, terms, spans = facts.summary, facts.terms, facts.spans
    shown = {
        "File": terms.source,
        "Promo code": terms.promo_code or "in the rows",
        "Vendor": terms.vendor_id,
        "Sent to": terms.base_url,
        "Confirmed": terms.confirm,
        "First order": _moment(spans[0].start) if spans else "none",
        "Last order": _moment(facts.ended) if spans else "none",
        "This run": f"{duration(summary.seconds)}, {summary.calls:,} calls",
    }
    return "\n".join(
        f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>"
        for name, value in shown.items()
    )


def _pace(facts: Facts) -> str:
    if not facts.spans:
        return "No order was sent."
    meaning = "Orders that ended per second."
    if (limit := facts.permitted) is not None:
        meaning += (
            " The dashed line is what Sesamy permits in the long run: "
            f"{limit:.3g} orders per second at "
            f"{count(facts.summary.confirm.calls, 'call')} each. "
            "A burst at the beginning may exceed it."
        )
    return meaning


def _read(name: str) -> str:
    folder = files("sesamy_async.bulk.reports")
    return folder.joinpath(name).read_text("utf-8")


def text(value: object) -> str:
    """Return a value as HTML; None as nothing."""
    # The name of a file may be no UTF-8.
    return "" if value is None else escape(storable(str(value)) or "")


def _moment(unix: float) -> str:
    return f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%d %H:%M} UTC"


def _table(
    caption: str, head: Sequence[str], rows: Sequence[Sequence[object]]
) -> str:
    """Return a table; its numbers stand to the right."""
    names = "".join(
        f'<th{_side(name, value)} scope="col">{text(name)}</th>'
        for name, value in zip(head, rows[0], strict=True)
    )
    body = "".join(
        f"<tr>{''.join(map(_cell, head, row))}</tr>\n" for row in rows
    )
    return (
        f"<table>\n<caption>{text(caption)}</caption>\n"
        f"<thead><tr>{names}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>"
    )


def _cell(name: str, value: object) -> str:
    shown = f"{value:,}" if isinstance(value, int) else text(value)
    # On a phone, where there is no head, each value stands by its name.
    return f'<td{_side(name, value)} data-name="{text(name)}">{shown}</td>'


def _side(name: str, value: object) -> str:
    if name == _ROW:
        return ' class="row"'
    return ' class="number"' if isinstance(value, int) else ""


def _with_commands(sentence: str) -> str:
    """Return a sentence as HTML, in which commands look like such."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", text(sentence))


def _outcomes(facts: Facts) -> Iterator[str]:
    reports, summary, chain = facts.reports, facts.summary, facts.chain
    total = sum(reports.rows.values())
    for kind, rows in reports.rows.items():
        if rows:
            meaning = MEANINGS[kind]
            if kind is Kind.REJECTED and chain is not None:
                left = to_correct(summary, chain)
                meaning = f"{rows - left:,} of these are done; see above."
            yield (
                f'<tr><th scope="row"><span class="key {kind}"></span>{kind}'
                f'</th><td class="number">{rows:,}</td>'
                f'<td class="number">{share(rows, total)}</td>'
                f"<td>{text(meaning)} "
                f"<code>{text(reports.paths[kind].name)}</code></td></tr>"
            )


def share(part: int, whole: int) -> str:
    """Return a percentage; only all is 100 %, and only nothing is 0 %."""
    if part == whole:
        return "100 %"
    return f"{min(max(100 * part / whole, 0.01), 99.99):.2f} %"


def _details(reports: Reports, chain: Chain | None) -> str:
    shown, total = len(reports.unknown), reports.rows[Kind.UNKNOWN]
    first = "" if shown == total else f": the first {shown} of {total:,}"
    still = sorted(chain.open.items())[:_MOST_OPEN] if chain else []
    tables: list[tuple[str, Sequence[str], Sequence[Sequence[object]]]] = [
        (
            "Still open",
            (_ROW, "Why"),
            [(str(row), why) for row, why in still],
        ),
        ("Why rows were rejected", ("Reason", "Rows"), reports.rejections),
        (
            f"Orders to look at{first}",
            (_ROW, "Order", "Reason"),
            [
                (str(each.row), each.order_id, each.reason)
                for each in reports.unknown
            ],
        ),
        (
            "Orders that may have left unconfirmed contracts",
            (_ROW, "Order", "Contract that counts", "Strays at most"),
            [
                (str(each.row), each.order_id, each.contract_id, each.strays)
                for each in reports.strays
            ],
        ),
    ]
    return "\n".join(_table(*each) for each in tables if each[2])


def top_of(value: float) -> float:
    """Return a round number that is not below a positive one."""
    unit = 10.0 ** math.floor(math.log10(value))
    return next(it * unit for it in (1, 2, 2.5, 5, 10) if it * unit >= value)


_DAY = 86400
_STACK = (State.CONFIRMED, State.CREATED, State.REJECTED, State.UNKNOWN)
"""From the bottom up."""


def _chart(facts: Facts) -> str:
    spans, limit = facts.spans, facts.permitted
    most = max(sum(span.ended.values()) for span in spans) / facts.width
    top = top_of(max(most, limit or 0.0))
    label = f"Orders per second over time; at most {most:.1f}"
    parts = [_line("grid", it, f"{it * top:g}") for it in (0, 0.5, 1)]
    for span in spans:
        parts += _column(facts, span, top)
    if limit is not None:
        label += f", where {limit:.3g} are permitted in the long run"
        parts.append(_line("limit", limit / top))
    words = "%d %b %H:%M" if facts.length >= _DAY else "%H:%M:%S"
    times = (spans[0].start + it * facts.length for it in (0, 0.5, 1))
    axis = (
        f"<span>{datetime.fromtimestamp(it, UTC):{words}}</span>"
        for it in times
    )
    return (
        f'<div class="chart" role="img" aria-label="{text(label)}">'
        f'<div class="plot">{"".join(parts)}</div>'
        f'<div class="times">{"".join(axis)}</div></div>'
    )


def _line(name: str, height: float, label: str = "") -> str:
    return f'<i class="{name}" style="bottom: {height:.2%}">{label}</i>'


def _column(facts: Facts, span: Span, top: float) -> Iterator[str]:
    left = (span.start - facts.spans[0].start) / facts.length
    below = 0.0
    for state in _STACK:
        height = span.ended.get(state, 0) / facts.width / top
        if height:
            yield (
                f'<span class="{state.lower()}" style="left: {left:.2%}; '
                f"width: {facts.width / facts.length:.2%}; "
                f'bottom: {below:.2%}; height: {height:.2%}"></span>'
            )
        below += height
