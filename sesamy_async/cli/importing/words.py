"""A moment of an import, in words."""

from __future__ import annotations

from collections.abc import Iterator

from sesamy_async.bulk.progress import Progress
from sesamy_async.bulk.reports.words import duration


def settled(progress: Progress) -> str:
    """Return how many rows are settled, of how many."""
    return f"{progress.settled:,} of {progress.rows:,}"


def facts(progress: Progress) -> str:
    """Return all else that is worth knowing now, in a line."""
    return " · ".join(_facts(progress))


def moment(progress: Progress) -> str:
    """Return a line for a log."""
    after = duration(progress.seconds)
    return f"After {after}: {settled(progress)} rows · {facts(progress)}"


def _facts(progress: Progress) -> Iterator[str]:
    if progress.paused is not None:
        yield f"paused: {progress.paused}"
    else:
        yield _rate(progress)
    yield f"{progress.rejected:,} rejected"
    yield f"{progress.unknown:,} unknown"
    if progress.strays:
        yield f"{progress.strays:,} strays at most"
    if progress.paused is None and progress.left:
        yield f"{duration(progress.left)} left"


def _rate(progress: Progress) -> str:
    rate = f"{progress.rate:.1f}"
    if progress.permitted is None:
        return f"{rate} calls/s"
    return f"{rate} calls/s ({progress.permitted:g} permitted on average)"
