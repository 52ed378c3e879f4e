"""The small parts of an importer: tries, rates, counts."""

from __future__ import annotations

from collections import Counter

import pytest

from sesamy_async.bulk import (
    Change,
    Claim,
    Confirm,
    Ending,
    Entry,
    ImportSummary,
    Sale,
    State,
)
from sesamy_async.bulk._counts import Meter, Tally
from sesamy_async.bulk._workers import PAUSE, RetryQueue
from support.wire import ORDER


def claim(row: int) -> Claim:
    """Return an order of a row."""
    entry = Entry(row=row, order_id=f"A-{row}", state=State.PENDING)
    return Claim(entry, Sale(order=ORDER))


def tried(queue: RetryQueue, order: Claim) -> list[Claim | None]:
    """Let an order fail three times; return what is due after each."""
    found: list[Claim | None] = []
    for _ in range(3):
        queue.add(order, 0.0)
        found.append(queue.due(1e9))
    return found


def test_an_order_is_tried_three_times() -> None:
    """The third failure in one run is the last one."""
    again, order = RetryQueue(), claim(2)

    assert [order, order, None] == tried(again, order)


def test_a_try_comes_after_a_pause() -> None:
    """The second try waits for a pause, the third one for two."""
    again, order = RetryQueue(), claim(2)
    again.add(order, 0.0)
    first = again.wait(0.0), again.due(PAUSE - 1), again.due(PAUSE)
    again.add(order, 100.0)

    assert (PAUSE, None, order) == first
    assert (2 * PAUSE, 0.0) == (again.wait(100.0), again.wait(200.0))


def test_nothing_to_try_again() -> None:
    """Where nothing has failed, nothing is due."""
    again = RetryQueue()

    assert (None, None) == (again.due(1e9), again.wait(0.0))


def test_what_is_kept_is_no_try() -> None:
    """An order that failed in an outage has all its tries before it."""
    again, order = RetryQueue(), claim(2)
    again.add(order, 0.0)
    again.add(order, 0.0)
    again.keep(order, 5.0)
    taken = [again.due(1e9) for _ in range(3)]

    assert [order] * 3 == taken
    assert [order, order, None] == tried(again, order)


def test_what_is_settled_is_forgotten() -> None:
    """An order that went through has all its tries for its next step."""
    again, order = RetryQueue(), claim(2)
    again.add(order, 0.0)
    again.add(order, 0.0)
    again.forget(order)

    assert [order] * 4 == [again.due(1e9) or each for each in [order] * 2] + [
        each for each in tried(again, order) if each
    ]


def test_the_earliest_is_due_first() -> None:
    """Those that are due come in the order of their time."""
    again, late, soon = RetryQueue(), claim(2), claim(3)
    again.add(late, 5.0)
    again.keep(soon, 1.0)

    assert [soon, late] == [again.due(1e9), again.due(1e9)]


def test_rate_of_the_last_minute() -> None:
    """The rate is that of the last minute, not of all time."""
    meter = Meter(0.0)
    for second in range(120):
        meter.add(second, 3 if second < 60 else 5)

    assert (480, 5.0) == (meter.total, meter.rate(120.0))


def test_calls_within_a_second() -> None:
    """What is counted within a second is over together, after a minute."""
    meter = Meter(0.0)
    for _ in range(3):
        meter.add(0.5, 4)

    assert (0.2, 0.0) == (meter.rate(60.0), meter.rate(61.0))


def test_calls_of_two_seconds() -> None:
    """What is counted in two seconds is over one after the other."""
    meter = Meter(0.0)
    meter.add(3.0, 5)
    meter.add(5.0, 1)

    assert (0.1, 1 / 60) == (meter.rate(63.0), meter.rate(64.0))


def test_rate_at_the_beginning() -> None:
    """In the first minute, the rate is that since the beginning."""
    meter = Meter(100.0)
    meter.add(100.2, 4)
    meter.add(100.4, 4)
    meter.add(101.0, 2)

    assert (8.0, 5.0) == (counted(8).rate(100.5), meter.rate(102.0))


def counted(calls: int) -> Meter:
    """Return a meter that has counted so many calls."""
    meter = Meter(100.0)
    meter.add(100.2, calls)
    return meter


@pytest.mark.parametrize(
    ("confirm", "created", "unprocessed"),
    [
        (Confirm.SEPARATELY, 0, 6),
        (Confirm.AT_ONCE, 0, 6),
        (Confirm.NO, 3, 3),
    ],
)
def test_tally(confirm: Confirm, created: int, unprocessed: int) -> None:
    """Every row is done, rejected, unknown or unprocessed."""
    states = Counter({state: n for n, state in enumerate(State, start=1)})
    tally = Tally(states, 7, confirm)
    counts = {
        "confirmed": 4,
        "created": created,
        "rejected": 5,
        "unknown": 6,
        "unprocessed": unprocessed,
    }

    assert (counts, 4 + created) == (tally.counts, tally.done)
    assert ImportSummary(
        rows=21,
        **counts,  # type: ignore[arg-type]
        strays=7,
        confirm=confirm,
        ending=Ending.FILE,
        calls=9,
    ) == tally.summary(Ending.FILE, calls=9)


def test_tally_moves() -> None:
    """A row that moves leaves one count and joins another."""
    tally = Tally(Counter({State.PENDING: 2}), 0, Confirm.SEPARATELY)
    tally.move(State.PENDING, Change(row=2, state=State.CONFIRMED, strays=2))

    assert (2, 1, 1, 2) == (
        tally.rows,
        tally.done,
        tally.unprocessed,
        tally.strays,
    )


@pytest.mark.parametrize(
    ("confirm", "calls", "goal", "repeatable"),
    [
        (Confirm.SEPARATELY, 2, State.CONFIRMED, True),
        (Confirm.AT_ONCE, 1, State.CONFIRMED, False),
        (Confirm.NO, 1, State.CREATED, True),
    ],
)
def test_confirm(
    confirm: Confirm, calls: int, goal: State, *, repeatable: bool
) -> None:
    """Each way to confirm has its price, its goal and its safety."""
    assert (calls, goal, repeatable) == (
        confirm.calls,
        confirm.goal,
        confirm.repeatable,
    )
