"""What became of an import and of its corrected reports, in words."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from sesamy_async.bulk import ImportSummary
from sesamy_async.bulk._chain import Chain
from sesamy_async.bulk.reports._words import count


_MOST_NAMED = 5
_MOST_SHOWN = 20


def as_a_whole(chain: Chain, summary: ImportSummary) -> str:
    """Return how many rows are done, and by what, in a sentence."""
    goal, rows = summary.confirm.goal.lower(), count(summary.rows, "row")
    parts = [
        f"{chain.here:,} {goal} here",
        *(f"{done:,} by {name}" for name, done in chain.by_report.items()),
    ]
    if chain.repeated:
        parts.append(f"{chain.repeated:,} the same as another row")
    if not chain.open and summary.rows:
        return f"{rows}, all done: {', '.join(parts)}."
    if not chain.followed:
        return f"{rows}."
    named = ", ".join(map(str, islice(sorted(chain.open), _MOST_NAMED)))
    more = len(chain.open) - _MOST_NAMED
    rest = f" and {more:,} more" if more > 0 else ""
    parts.append(f"{len(chain.open):,} still open: row {named}{rest}")
    return f"{rows}: {', '.join(parts)}."


def left(chain: Chain) -> Iterator[str]:
    """Yield what is left to do, where reports were imported."""
    if not chain.followed:
        return
    if chain.open:
        yield ""
        yield "Still open:"
        rows = sorted(chain.open)
        for row in rows[:_MOST_SHOWN]:
            yield f"  row {row}: {chain.open[row]}"
        if len(rows) > _MOST_SHOWN:
            yield f"  and {len(rows) - _MOST_SHOWN:,} more; --json has all"
    for name, done in chain.unmatched.items():
        yield (
            f"{count(done, 'more row')} done by {name}; which rows here they "
            "are is not known, because that file is gone, or was changed "
            "after it was imported."
        )
    for name, why in chain.unread.items():
        yield f"{name} is not counted: {why}"


def for_machines(chain: Chain) -> dict[str, Any]:
    """Return the same as JSON."""
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
