"""The result of a claim, in Markdown: for the terminal and the page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from benchmarks.machine import machine, versions
from benchmarks.report import table

from .claim import Claim, Row, Scale


_PACKAGES = ("sesamy-async", "anyio", "trio", "httpx", "httpcore", "h11")
_SHOWN = 5


def section(claim: Claim, scale: Scale, rows: Sequence[Row]) -> str:
    """Return a heading, the promise, the circumstances and the table."""
    parts = [
        heading(claim.name),
        claim.promise,
        _circumstances(scale),
        _rows(rows).rstrip(),
    ]
    broken = [
        f"- {row.what}: {text}" for row in rows for text in row.violations
    ]
    if broken:
        parts.append(
            "\n".join(["Violations, the first ones:\n", *broken[:_SHOWN]])
        )
    return "\n\n".join(parts)


def heading(name: str) -> str:
    """Return the line with which a section begins."""
    return f"### {name}"


def _circumstances(scale: Scale) -> str:
    where = machine()
    named = (f"{name} {each}" for name, each in versions(_PACKAGES).items())
    today = dt.datetime.now(dt.UTC).date()
    return (
        f"Run of {today}, seed {scale.seed}, {scale.runs:,} runs per class: "
        f"{where['implementation']} {where['python']}, {where['system']} "
        f"{where['architecture']}, {', '.join(named)}."
    )


def _rows(rows: Sequence[Row]) -> str:
    figures = any(row.figure for row in rows)
    head = ["class", "runs", "violations", "rate below"]
    cells = [
        [
            row.what,
            f"{row.runs:,}",
            f"{len(row.violations):,}",
            _bound(row),
        ]
        for row in rows
    ]
    if figures:
        head.append("seen")
        for line, row in zip(cells, rows, strict=True):
            line.append(row.figure)
    return table(head, cells)


def _bound(row: Row) -> str:
    """Return the upper bound of the rate, with 95 % confidence."""
    if row.violations or row.complete or not row.runs:
        return ""
    return f"{300 / row.runs:.2g} %"
