"""What each step makes of a record, where no store is needed to see it."""

from __future__ import annotations

import attrs
import pytest

from sesamy_async.idempotency import (
    Holder,
    OrderKey,
    OrderRecord,
    OrderState,
)
from sesamy_async.idempotency._protocol import (
    adopt,
    claim,
    doubt,
    first,
    forget,
    refuse,
    release,
)


KEY = OrderKey("https://api.test", "shop", "o-1")
NOW = 1_000.0
DAY = 86_400.0
HOLDER = Holder(token="t", lasts=5.0, busy=60.0)


def record(**more: object) -> OrderRecord:
    """Return an order that is claimed now."""
    given = {
        "state": OrderState.CLAIMED,
        "token": "t",
        "claimed_at": NOW,
        "expires_at": NOW + 5,
        "busy_until": NOW + 60,
        "begun_at": NOW,
        "at": NOW,
        "read_at": NOW,
        **more,
    }
    return OrderRecord(key=KEY, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("read_at", "left"),
    [(NOW, 5.0), (NOW + 4, 1.0), (NOW + 5, 0.0), (NOW + 9, 0.0)],
)
def test_claims_run_out(read_at: float, left: float) -> None:
    """A claim lasts until it expires."""
    assert left == record(read_at=read_at).left


@pytest.mark.parametrize(("ahead", "left"), [(0.9, 5.9), (1.1, 0.0)])
def test_claims_of_the_future_have_run_out(ahead: float, left: float) -> None:
    """A clock that was corrected may be a little off, but not much."""
    assert pytest.approx(left) == record(read_at=NOW - ahead).left


def test_takes_over_a_claim_of_the_future() -> None:
    """A claim of a clock that was wrong does not last for ever."""
    far = record(claimed_at=NOW + DAY, expires_at=NOW + DAY + 5)

    step = claim(KEY, Holder(token="u"))(far, None, NOW)

    assert step.done


@pytest.mark.parametrize(
    "state", [each for each in OrderState if each is not OrderState.CLAIMED]
)
def test_only_claims_last(state: OrderState) -> None:
    """What is no claim does not run out."""
    assert 0 == record(state=state).left


@pytest.mark.parametrize(
    ("state", "busy"),
    [
        (OrderState.CLAIMED, 60.0),
        (OrderState.CREATED, 60.0),
        (OrderState.UNKNOWN, 60.0),
        (OrderState.CONFIRMED, 0.0),
        (OrderState.REFUSED, 0.0),
    ],
)
def test_calls_may_be_under_way(state: OrderState, busy: float) -> None:
    """A call may be on its way until it must have ended."""
    assert busy == record(state=state).busy
    assert 0 == record(state=state, read_at=NOW + 61).busy


def test_no_call_takes_more_than_a_week() -> None:
    """A clock that was wrong does not keep an order for ever."""
    step = claim(KEY, attrs.evolve(HOLDER, busy=1e9))(None, None, NOW)

    assert step.record is not None
    assert NOW + 7 * DAY == step.record.busy_until
    assert 7 * DAY == record(busy_until=NOW + 1e9).busy


@pytest.mark.parametrize(
    ("one", "two", "differs"),
    [
        (None, None, False),
        ("1:a", None, False),
        (None, "1:a", False),
        ("1:a", "1:a", False),
        ("1:a", "1:b", True),
        ("1:a", "2:b", False),
    ],
)
def test_compares_digests_of_one_version(
    one: str | None, two: str | None, differs: bool
) -> None:
    """Digests of different versions say nothing of each other."""
    assert differs is record(digest=one).differs(two)


def test_writes_durably_what_must_not_be_lost() -> None:
    """At most two writes of an onboard wait for the disk."""
    careful = attrs.evolve(HOLDER, careful=True)
    counts = first(HOLDER, "c-1", confirmed=False)
    made = record(state=OrderState.CREATED, contract_id="c-1")
    old = record(busy_until=0.0)
    steps = {
        "claim": claim(KEY, HOLDER)(None, None, NOW),
        "careful": claim(KEY, careful)(None, None, NOW),
        "first": counts(record(), None, NOW),
        "again": counts(made, None, NOW),
        "confirmed": first(HOLDER, "c-1", confirmed=True)(made, None, NOW),
        "refuse": refuse("t")(record(), None, NOW),
        "doubt": doubt("t")(record(), None, NOW),
        "release": release("t", strays=0)(record(), None, NOW),
        "adopt": adopt(made)(None, None, NOW),
        "forget": forget(old)(old, None, NOW),
    }

    assert all(each.done for each in steps.values())
    assert {"careful", "first", "confirmed", "doubt", "adopt", "forget"} == {
        name for name, each in steps.items() if each.durable
    }


def test_owns_what_it_writes_down() -> None:
    """Only a step that makes a contract count makes it the order's own."""
    counts = first(HOLDER, "c-1", confirmed=False)

    assert counts(record(), None, NOW).owns
    assert counts(record(), "o-1", NOW).owns
    assert not counts(record(), "o-2", NOW).owns
    assert not counts(None, None, NOW).owns
    assert not adopt(record())(None, None, NOW).owns
