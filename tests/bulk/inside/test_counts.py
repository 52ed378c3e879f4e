"""What is counted of an import: rows by state, calls, and time."""

from __future__ import annotations

from collections import Counter

import pytest

from sesamy_async.bulk import Change, Confirm, Ending, ImportSummary, State
from sesamy_async.bulk._counts import Meter, Tally, time_left


@pytest.mark.parametrize(
    ("calls", "rates"),
    [
        # What is counted within a second is over together, after a minute.
        ([(0.5, 4)] * 3, {60.0: 0.2, 61.0: 0.0}),
        ([(3.0, 5), (5.0, 1)], {63.0: 0.1, 64.0: 1 / 60}),
        ([(n, 3 if n < 60 else 5) for n in range(120)], {120.0: 5.0}),
        # In the first minute, the rate is that since the beginning.
        ([(0.2, 4), (0.4, 4)], {0.5: 8.0, 2.0: 4.0}),
    ],
)
def test_rates(
    calls: list[tuple[float, int]], rates: dict[float, float]
) -> None:
    """Calls count for a minute, second by second."""
    meter = Meter(0.0)
    for now, count in calls:
        meter.add(now, count)

    assert rates == {now: meter.rate(now) for now in rates}
    assert sum(count for _, count in calls) == meter.total


@pytest.mark.parametrize(
    ("confirm", "created", "unprocessed", "calls"),
    [
        (Confirm.SEPARATELY, 0, 6, 2),
        (Confirm.AT_ONCE, 0, 6, 1),
        (Confirm.NO, 3, 3, 1),
    ],
)
def test_tally(
    confirm: Confirm, created: int, unprocessed: int, calls: int
) -> None:
    """Every row is done, rejected, unknown or unprocessed."""
    states = Counter({state: n for n, state in enumerate(State, start=1)})
    tally = Tally(states, 7, confirm)
    counts = {
        "confirmed": 4,
        "already": 5,
        "created": created,
        "rejected": 6,
        "unknown": 7,
        "unprocessed": unprocessed,
    }

    assert calls == confirm.calls
    assert 9 + created == tally.now.done
    assert ImportSummary(
        rows=28,
        **counts,  # type: ignore[arg-type]
        strays=7,
        confirm=confirm,
        ending=Ending.FILE,
        calls=9,
    ) == tally.summary(Ending.FILE, calls=9)

    # A row that moves leaves one count and joins another.
    tally.move(State.PENDING, Change(row=2, state=State.CONFIRMED, strays=2))

    assert (28, 10 + created, unprocessed - 1, 9) == (
        tally.rows,
        tally.now.done,
        tally.now.unprocessed,
        tally.strays,
    )


@pytest.mark.parametrize(
    ("calls", "rate", "permitted", "at_once", "left"),
    [
        (100, 0.0, 5.0, 500.0, None),
        (0, 10.0, 5.0, 0.0, 0.0),
        (100, 50.0, None, None, 2.0),
        (100, 50.0, None, 5.0, 2.0),
        (100, 50.0, 5.0, None, 2.0),
        (100, 50.0, 5.0, 500.0, 2.0),
        (100, 50.0, 5.0, 50.0, 1.0 + 10.0),
        (100, 2.0, 5.0, 0.0, 50.0),
    ],
)
def test_time_left(
    calls: float,
    rate: float,
    permitted: float | None,
    at_once: float | None,
    left: float | None,
) -> None:
    """What is left of the burst goes as fast as of late, the rest by pace."""
    assert left == time_left(calls, rate, permitted, at_once)
