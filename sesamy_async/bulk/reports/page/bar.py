"""The counts as one bar."""

from __future__ import annotations

from collections.abc import Mapping

from sesamy_async.bulk.reports.kind import Kind

from .markup import text


_WIDTH, _HEIGHT = 1000, 40
# Seen even where it is one row of a million.
_LEAST = 6.0


def widths(rows: Mapping[Kind, int]) -> dict[Kind, float]:
    """Return how wide the part of each kind is; together all of the bar.

    A kind with rows is never too thin to be seen.
    """
    present = {kind: count for kind, count in rows.items() if count}
    total = sum(present.values())
    free = _WIDTH - _LEAST * len(present)
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
            f'height="{_HEIGHT}"><title>{text(kind)}: {rows[kind]:,}</title>'
            "</rect>"
        )
        left += width
    return (
        f'<svg class="bar" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'preserveAspectRatio="none" aria-label="{text(said or "no rows")}">'
        f"{''.join(parts)}</svg>"
    )
