"""Changes that can be made in one go."""

from __future__ import annotations

from collections.abc import Iterable

from .entry import Change


def waves(changes: Iterable[Change]) -> list[dict[int, Change]]:
    """Part changes so that no part has two of the same row.

    Changes of one row stay in their order, each in a later part.
    """
    parts: list[dict[int, Change]] = []
    seen: dict[int, int] = {}
    for change in changes:
        at = seen.get(change.row, 0)
        seen[change.row] = at + 1
        if at == len(parts):
            parts.append({})
        parts[at][change.row] = change
    return parts
