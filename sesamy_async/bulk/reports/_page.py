"""A report as one HTML page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

import attrs

from sesamy_async._version import __version__
from sesamy_async.bulk._counts import ImportSummary
from sesamy_async.bulk._states import State, Terms
from sesamy_async.bulk.journal import Span

from ._places import Kind, Reports
from ._words import MEANINGS, count, duration, ending, headline, steps


_PACKAGE = "sesamy_async.bulk.reports"
_MOST_BARS = 120
_WIDTHS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)


@attrs.frozen(kw_only=True)
class Facts:
    """The facts of a page; none is personal.

    Attributes:
        summary: How the run ended.
        terms: What was imported, and where to.
        reports: What was reported of every row.
        spans: How many orders ended when, in this run and those before.
        width: Seconds that each span is long.
        now: When the page is made, in Unix seconds.
    """

    summary: ImportSummary
    terms: Terms
    reports: Reports
    spans: tuple[Span, ...]
    width: float
    now: float

    @property
    def real(self) -> bool:
        """Whether the orders went to an address, and not to a sandbox."""
        return "://" in self.terms.base_url

    @property
    def began(self) -> float:
        """When the first order ended, in Unix seconds."""
        return self.spans[0].start if self.spans else self.now

    @property
    def ended(self) -> float:
        """When the last order ended, to a span."""
        return self.spans[-1].start + self.width if self.spans else self.now

    @property
    def permitted(self) -> float | None:
        """How many orders a second Sesamy permits; None if not known."""
        calls = self.summary.permitted
        return None if calls is None else calls / self.summary.confirm.calls


def width_for(seconds: float) -> float:
    """Return a round number of seconds of which 120 are long enough.

    Args:
        seconds: From the first order to the last.
    """
    for width in _WIDTHS:
        if seconds <= width * _MOST_BARS:
            return width
    return -(-seconds // _MOST_BARS)


def render(facts: Facts) -> str:
    """Return the page: HTML that needs nothing but itself.

    No script, no font, no image and no request; light and dark; every value
    is escaped, and none is personal.
    """
    summary, terms = facts.summary, facts.terms
    return Template(_read("page.html")).substitute(
        style=_read("page.css"),
        source=text(terms.source),
        where="" if facts.real else " into a sandbox: no contract is real",
        headline=text(headline(summary)),
        kind="good" if summary.done == summary.rows else "mixed",
        ending=text(_ending(facts)),
        bar=bar(facts.reports.rows),
        outcomes=outcomes(facts.reports),
        about=_about(facts),
        pace=_pace(facts),
        chart=chart(facts),
        onward=onward(facts),
        details=details(facts.reports),
        made=text(moment(facts.now)),
        version=text(__version__),
    )


def _ending(facts: Facts) -> str:
    summary = facts.summary
    said = f"The run ended because {ending(summary)}."
    return f"{said} {summary.reason}" if summary.reason else said


def _about(facts: Facts) -> str:
    summary, terms = facts.summary, facts.terms
    told = {
        "File": terms.source,
        "Promo code": terms.promo_code or "in the rows",
        "Publisher": terms.vendor_id,
        "Sent to": terms.base_url,
        "Confirmed": terms.confirm,
        "First order": moment(facts.began) if facts.spans else "none",
        "Last order": moment(facts.ended) if facts.spans else "none",
        "This run": f"{duration(summary.seconds)}, {summary.calls:,} calls",
    }
    return "\n".join(
        f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>"
        for name, value in told.items()
    )


def _pace(facts: Facts) -> str:
    limit = facts.permitted
    if not facts.spans:
        return "<p>No order was sent.</p>"
    said = "Orders that ended per second."
    if limit is not None:
        said += (
            f" The dashed line is what Sesamy permits in the long run: "
            f"{limit:.3g} orders per second at "
            f"{count(facts.summary.confirm.calls, 'call')} each. "
            "A burst at the beginning may go beyond it."
        )
    return f"<p>{text(said)}</p>"


@cache
def _read(name: str) -> str:
    return files(_PACKAGE).joinpath(name).read_text("utf-8")


def text(value: object) -> str:
    """Return a value as HTML; None as nothing."""
    return "" if value is None else escape(str(value))


def moment(unix: float) -> str:
    """Return a time that means the same everywhere."""
    return f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%d %H:%M} UTC"


def table(
    caption: str, head: Sequence[str], rows: Sequence[Sequence[object]]
) -> str:
    """Return a table with rows; its numbers stand to the right."""
    names = "".join(
        f'<th{_side(value)} scope="col">{text(name)}</th>'
        for name, value in zip(head, rows[0], strict=True)
    )
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>\n" for row in rows)
    return (
        f"<table>\n<caption>{text(caption)}</caption>\n"
        f"<thead><tr>{names}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>"
    )


def _cell(value: object) -> str:
    shown = f"{value:,}" if isinstance(value, int) else text(value)
    return f"<td{_side(value)}>{shown}</td>"


def _side(value: object) -> str:
    return ' class="number"' if isinstance(value, int) else ""


def outcomes(reports: Reports) -> str:
    """Return how many rows became what, and where they are listed."""
    total = sum(reports.rows.values())
    body = "\n".join(
        f'<tr><th scope="row"><span class="key {kind}"></span>{kind}</th>'
        f'<td class="number">{rows:,}</td>'
        f'<td class="number">{share(rows, total)}</td>'
        f"<td>{text(MEANINGS[kind])}{_listed(reports, kind)}</td></tr>"
        for kind, rows in reports.rows.items()
        if rows
    )
    return (
        "<table>\n<caption>What became of the rows</caption>\n"
        '<thead><tr><th scope="col">Outcome</th>'
        '<th class="number" scope="col">Rows</th>'
        '<th class="number" scope="col">Share</th>'
        '<th scope="col">Meaning</th></tr></thead>'
        f"\n<tbody>\n{body}\n</tbody>\n"
        f'<tfoot><tr><th scope="row">all</th><td class="number">{total:,}'
        "</td><td></td><td></td></tr></tfoot>\n</table>"
    )


def _listed(reports: Reports, kind: Kind) -> str:
    path = reports.paths.get(kind)
    return "" if path is None else f" <code>{text(path.name)}</code>"


def share(part: int, whole: int) -> str:
    """Return a percentage; only all is 100 %, and only nothing is 0 %."""
    if part == whole:
        return "100 %"
    return f"{min(max(100 * part / whole, 0.01), 99.99):.2f} %"


def onward(facts: Facts) -> str:
    """Return what is left to do, as a list."""
    todo = [*steps(facts.summary, facts.reports.paths)]
    items = "\n".join(
        f"<li>{text(step)}</li>" for step in todo or ["Nothing: all is done."]
    )
    return f"<ul>\n{items}\n</ul>"


def details(reports: Reports) -> str:
    """Return the tables of reasons, unknown orders and strays."""
    shown, total = len(reports.unknown), reports.rows[Kind.UNKNOWN]
    first = "" if shown == total else f": the first {shown} of {total:,}"
    tables: list[tuple[str, Sequence[str], Sequence[Sequence[object]]]] = [
        ("Why rows were rejected", ("Reason", "Rows"), reports.rejections),
        (
            f"Orders to look at{first}",
            ("Row", "Order", "Reason"),
            [
                (str(each.row), each.order_id, each.reason)
                for each in reports.unknown
            ],
        ),
        (
            "Orders that may have left unconfirmed contracts",
            ("Row", "Order", "Contract that counts", "Strays at most"),
            [
                (str(each.row), each.order_id, each.contract_id, each.strays)
                for each in reports.strays
            ],
        ),
    ]
    return "\n".join(table(*each) for each in tables if each[2])


_ROUND = (1, 2, 2.5, 5, 10)


def top_of(value: float) -> float:
    """Return a round number that is not below a positive one."""
    unit = 10.0 ** math.floor(math.log10(value))
    return next(each * unit for each in _ROUND if each * unit >= value)


_WIDTH, _HEIGHT = 1000, 260
_LEFT, _BOTTOM, _TOP = 56, 28, 14
_INSIDE = _HEIGHT - _BOTTOM - _TOP
_DAY = 86400
# From the bottom up, by the class that colours it.
_STACK = (
    (State.CONFIRMED, "confirmed"),
    (State.CREATED, "created"),
    (State.REJECTED, "rejected"),
    (State.UNKNOWN, "unknown"),
)


@attrs.frozen(kw_only=True)
class _Frame:
    """Where the values are in the picture."""

    began: float
    ended: float
    top: float

    def x(self, unix: float) -> float:
        share = (unix - self.began) / (self.ended - self.began)
        return _LEFT + share * (_WIDTH - _LEFT)

    def y(self, rate: float) -> float:
        return _HEIGHT - _BOTTOM - rate / self.top * _INSIDE


def chart(facts: Facts) -> str:
    """Return the chart as SVG; empty where nothing was sent."""
    if not facts.spans:
        return ""
    most = max(sum(span.ended.values()) for span in facts.spans) / facts.width
    limit = facts.permitted
    frame = _Frame(
        began=facts.began,
        ended=facts.ended,
        top=top_of(max(most, limit or 0.0)),
    )
    said = f"Orders per second over time; at most {most:.1f}"
    if limit is not None:
        said += f", where {limit:.3g} are permitted in the long run"
    parts = [*_grid(frame)]
    for span in facts.spans:
        parts += _column(frame, span, facts.width)
    if limit is not None:
        y = frame.y(limit)
        parts.append(
            f'<line class="limit" x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.2f}" '
            f'y2="{y:.2f}"/>'
        )
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{text(said)}">{"".join(parts)}</svg>'
    )


def _column(frame: _Frame, span: Span, width: float) -> Iterator[str]:
    left = frame.x(span.start)
    # A gap between two bars, unless they are thin.
    wide = max(0.8, frame.x(span.start + width) - left - 1)
    below = 0.0
    for state, name in _STACK:
        rate = span.ended.get(state, 0) / width
        if rate:
            top = frame.y(below + rate)
            yield (
                f'<rect class="{name}" x="{left:.2f}" y="{top:.2f}" '
                f'width="{wide:.2f}" height="{frame.y(below) - top:.2f}"/>'
            )
        below += rate


def _grid(frame: _Frame) -> Iterator[str]:
    for share in (0, 0.5, 1):
        y = frame.y(share * frame.top)
        yield (
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.2f}" '
            f'y2="{y:.2f}"/><text x="{_LEFT - 8}" y="{y + 4:.2f}" '
            f'text-anchor="end">{share * frame.top:g}</text>'
        )
    long = frame.ended - frame.began
    words = "%d %b %H:%M" if long >= _DAY else "%H:%M:%S"
    for share, anchor in ((0, "start"), (0.5, "middle"), (1, "end")):
        when = datetime.fromtimestamp(frame.began + share * long, UTC)
        x = _LEFT + share * (_WIDTH - _LEFT)
        yield (
            f'<text x="{x:.0f}" y="{_HEIGHT - 6}" text-anchor="{anchor}">'
            f"{when:{words}}</text>"
        )


_BAR_WIDTH, _BAR_HEIGHT = 1000, 40
# Seen even where it is one row of a million.
_LEAST = 6.0


def widths(rows: Mapping[Kind, int]) -> dict[Kind, float]:
    """Return how wide the part of each kind is; together all of the bar.

    A kind with rows is never too thin to be seen.
    """
    present = {kind: count for kind, count in rows.items() if count}
    total = sum(present.values())
    free = _BAR_WIDTH - _LEAST * len(present)
    return {
        kind: _LEAST + free * count / total for kind, count in present.items()
    }


def bar(rows: Mapping[Kind, int]) -> str:
    """Return the bar as SVG."""
    said = ", ".join(f"{rows[kind]:,} {kind}" for kind in rows if rows[kind])
    parts: list[str] = []
    left = 0.0
    for kind, width in widths(rows).items():
        parts.append(
            f'<rect class="{kind}" x="{left:.2f}" width="{width:.2f}" '
            f'height="{_BAR_HEIGHT}">'
            f"<title>{text(kind)}: {rows[kind]:,}</title></rect>"
        )
        left += width
    return (
        f'<svg class="bar" viewBox="0 0 {_BAR_WIDTH} {_BAR_HEIGHT}" '
        f'role="img" preserveAspectRatio="none" '
        f'aria-label="{text(said or "no rows")}">'
        f"{''.join(parts)}</svg>"
    )
