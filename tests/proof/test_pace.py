"""The trials of one pace find what is broken."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from proof.forking import ChildEnd
from proof.pace.fair import Ask, fair_waits
from proof.pace.forge import pace_forge
from proof.pace.job import Keeping, Kind, Made
from proof.pace.judge import Trial
from proof.pace.service import Request
from proof.pace.trials import Bench, mixed
from sesamy_async import RateLimit


def test_one_queue_for_all() -> None:
    """The burst goes at once; those after it wait for the rate."""
    asks = [Ask(5.0) for _ in range(6)]

    assert [0, 0, 0, 0.5, 1, 1.5] == pytest.approx(
        fair_waits(asks, rate=2, burst=3)
    )


def test_first_come_first_served() -> None:
    """Waits are told in the order of the calls, whatever came first."""
    asks = [Ask(1.0), Ask(0.0), Ask(0.5)]

    assert [3, 0, 1.5] == pytest.approx(fair_waits(asks, rate=0.5, burst=1))


def test_a_call_of_two_requests() -> None:
    """It has waited when the last of them is sent."""
    asks = [Ask(0.0, 2), Ask(0.0)]

    assert [1, 2] == pytest.approx(fair_waits(asks, rate=1, burst=1))
    assert [1.3, 2] == pytest.approx(
        fair_waits(asks, rate=1, burst=1, answer=0.3)
    )


def test_a_rest_fills_the_burst_and_no_more() -> None:
    """What nobody uses is lost once the burst is there."""
    asks = [Ask(0.0), Ask(0.0), *[Ask(100.0)] * 3]

    assert [0, 0, 0, 0, 1] == pytest.approx(fair_waits(asks, rate=1, burst=2))


def test_nobody_waits() -> None:
    """There may be no calls at all."""
    assert [] == fair_waits([], rate=1, burst=1)


def made(order: str, asked: float, **more: Any) -> Made:
    """Return a call of a create."""
    known = {"kind": Kind.CREATE, "busy": True, "ended": asked, **more}
    return Made(order=order, asked=asked, **known)


def request(order: str, at: float, status: int = 200) -> Request:
    """Return a request that the service counted."""
    return Request(at=at, endpoint="create", status=status, order=order)


TRIAL = Trial(
    limit=RateLimit(requests=1, per=1, burst=2),
    start=10.0,
    lasts=4.0,
    answer=0.0,
    requests=(
        *(request("a", 11.0), request("b", 11.0), request("c", 11.5, 429)),
        *(request("c", 13.0), request("d", 14.5)),
    ),
    ends=(
        ChildEnd(False, 0, (made("a", 10.5), made("c", 11.0))),
        ChildEnd(False, 0, (made("b", 11.0, busy=False),)),
    ),
    contracts={
        "a": [{"confirmed": True}],
        "b": [{"confirmed": False}],
        "c": [{"confirmed": True}, {"confirmed": False}],
    },
)


def test_what_was_used() -> None:
    """The burst and the rate from the first request until the end count."""
    assert 3 / 5 == pytest.approx(TRIAL.used())
    assert 1 / 2 == pytest.approx(TRIAL.used_between(2, 4))
    assert 1 == TRIAL.throttled
    assert [0, 2, 0, 1, 1] == TRIAL.timeline()


def test_how_long_calls_waited() -> None:
    """A call has waited when its last request is taken."""
    assert 2.0 == TRIAL.longest_wait()
    assert 0.0 == TRIAL.longest_wait(busy=False)
    assert 0.5 == TRIAL.longest_fair_wait()


def test_what_was_begun_and_not_ended() -> None:
    """A contract that gives no access is told, and so is what isn't so."""
    lost = made("x", 12.0)
    refused = made("a", 12.0, outcome="NOT_SENT")
    trial = attrs.evolve(TRIAL, ends=(ChildEnd(False, 1, (lost, refused)),))

    assert ["b"] == TRIAL.unconfirmed()
    assert [] == TRIAL.untrue()
    assert 2 == len(trial.untrue())
    assert [refused] == trial.failed
    assert ["a process ended with 1"] == trial.broken()


def test_without_a_common_pace() -> None:
    """Processes that know nothing of each other are throttled."""
    # What is refilled meanwhile is little, however slow the machine is.
    limit = RateLimit(requests=20, per=1, burst=50)
    with pace_forge() as forged:
        bench = Bench(redis="", forged=forged, limit=limit)
        trial = bench.run(
            mixed(4, 80, 0.2, {}),
            lasts=1.0,
            deadline=15.0,
            keeping=Keeping.WHOLE,
        )

    assert 5 < trial.throttled
    assert [] == trial.untrue()
