"""Throughput over time, against the permitted rate."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import attrs

from sesamy_async.bulk.journal.timeline import Span
from sesamy_async.bulk.state import State

from .facts import Facts
from .markup import text
from .scale import top_of


_WIDTH, _HEIGHT = 1000, 260
_LEFT, _BOTTOM, _TOP = 56, 28, 14
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
        return _HEIGHT - _BOTTOM - rate / self.top * _inside()


def permitted_orders(facts: Facts) -> float | None:
    """Return how many orders a second Sesamy permits, if it is known."""
    permitted = facts.summary.permitted
    if permitted is None:
        return None
    return permitted / facts.summary.confirm.calls


def chart(facts: Facts) -> str:
    """Return the chart as SVG; empty where nothing was sent."""
    if not facts.spans:
        return ""
    most = max(sum(span.ended.values()) for span in facts.spans) / facts.width
    limit = permitted_orders(facts)
    frame = _Frame(
        began=facts.began,
        ended=facts.ended,
        top=top_of(max(most, limit or 0.0)),
    )
    said = f"Orders per second over time; at most {most:.1f}"
    if limit is not None:
        said += f", where {limit:.3g} are permitted in the long run"
    parts: list[str] = [
        *_grid(frame),
        *(
            part
            for span in facts.spans
            for part in _column(frame, span, facts.width)
        ),
        *([] if limit is None else _limit(frame, limit)),
    ]
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{text(said)}">{"".join(parts)}</svg>'
    )


def _inside() -> float:
    return _HEIGHT - _BOTTOM - _TOP


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


def _limit(frame: _Frame, limit: float) -> Iterator[str]:
    y = frame.y(limit)
    yield (
        f'<line class="limit" x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.2f}" '
        f'y2="{y:.2f}"/>'
    )


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
