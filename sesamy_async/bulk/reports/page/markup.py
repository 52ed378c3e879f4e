"""HTML from values, all of them escaped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape


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
