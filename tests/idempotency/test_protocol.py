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
    confirm,
    doubt,
    first,
    forget,
    refuse,
    release,
    renew,
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


@pytest.mark.parametrize(
    ("known", "there", "done"),
    [
        ({}, {}, True),
        # A call was under way when somebody looked, or is now.
        ({"busy_until": NOW + 1}, {}, False),
        ({}, {"busy_until": NOW + 1}, False),
        # Another one claimed it since.
        ({}, {"token": "u"}, False),
    ],
)
def test_a_contract_ends_a_doubt_if_no_other_can_have_come(
    known: dict[str, object], there: dict[str, object], done: bool
) -> None:
    """An unconfirmed one counts only if nothing came since it was found."""
    idle = {"busy_until": NOW}
    found = record(state=OrderState.CREATED, contract_id="c-1", **idle | known)
    doubted = record(state=OrderState.UNKNOWN, **idle | there)

    step = adopt(found)(doubted, None, NOW)

    assert done is step.done
    assert (found if done else doubted) == step.record


def test_what_another_order_has_changes_nothing() -> None:
    """Where a contract is another order's, the record stays as it was."""
    old = record(state=OrderState.REFUSED)

    step = adopt(record(state=OrderState.CONFIRMED))(old, "o-2", NOW)

    assert not step.done
    assert old is step.record


def test_adopts_no_strays_that_nobody_knows() -> None:
    """An order that was not there has as many as elsewhere."""
    step = adopt(record(strays=0))(None, None, NOW)

    assert step.record is not None
    assert 0 == step.record.strays


def test_says_since_when_it_is_in_doubt() -> None:
    """A careful claim ends in doubt when somebody else comes to it."""
    step = claim(KEY, Holder(token="u"))(record(careful=True), None, NOW)
    assert not step.done
    lost = record(careful=True, read_at=NOW + 9)

    step = claim(KEY, Holder(token="u"))(lost, None, NOW + 9)

    assert attrs.evolve(lost, state=OrderState.UNKNOWN, at=NOW + 9) == (
        step.record
    )


def test_says_that_it_was_not_done() -> None:
    """A step that is not taken says so as a boolean: callers show it."""
    other = Holder(token="u")
    lost = record(careful=True, read_at=NOW + 9)
    made = record(state=OrderState.CREATED, contract_id="c-1")
    steps = [
        claim(KEY, other)(lost, None, NOW + 9),
        claim(KEY, other)(made, None, NOW),
        renew(other, strays=0)(record(), None, NOW),
        first(HOLDER, "c-1", confirmed=False)(None, None, NOW),
        first(HOLDER, "c-1", confirmed=False)(record(), "o-2", NOW),
        first(HOLDER, "c-2", confirmed=False)(made, None, NOW),
        first(other, "c-1", confirmed=True)(record(), None, NOW),
        refuse("u")(record(), None, NOW),
        doubt("t")(made, None, NOW),
        doubt("u")(record(), None, NOW),
        confirm("c-2")(made, None, NOW),
        release("u", strays=1)(None, None, NOW),
        release("u", strays=1)(record(), None, NOW),
        adopt(made)(None, "o-2", NOW),
        adopt(made)(record(), None, NOW),
        forget(made)(record(), None, NOW),
    ]

    assert [False] * len(steps) == [each.done for each in steps]


def test_says_when_it_changed() -> None:
    """The time of an order is that of its last change of state."""
    made = record(state=OrderState.CREATED, contract_id="c-1")
    lost = record(careful=True, strays=1)
    later = NOW + 3
    steps = [
        claim(KEY, HOLDER)(None, None, later),
        first(HOLDER, "c-1", confirmed=False)(record(), None, later),
        refuse("t")(record(), None, later),
        doubt("t")(record(), None, later),
        confirm("c-1")(made, None, later),
        release("t", strays=0)(lost, None, later),
        adopt(record(at=0.0))(None, None, later),
    ]

    assert [True] * len(steps) == [each.done for each in steps]
    assert [later] * len(steps) == [
        each.record and each.record.at for each in steps
    ]


def test_keeps_the_data_that_the_contract_has() -> None:
    """They are those of the caller that made it, whoever claims by now."""
    counts = first(attrs.evolve(HOLDER, digest="1:a"), "c-1", confirmed=False)

    step = counts(record(token="u", digest=None), None, NOW)

    assert step.record is not None
    assert "1:a" == step.record.digest


@pytest.mark.parametrize(
    ("state", "token", "done"),
    [
        (OrderState.CLAIMED, "t", True),
        (OrderState.CLAIMED, "u", False),
        (OrderState.UNKNOWN, "t", True),
        (OrderState.UNKNOWN, "u", False),
        (OrderState.CREATED, "t", False),
        (OrderState.CONFIRMED, "t", False),
        (OrderState.REFUSED, "t", False),
    ],
)
def test_only_a_claim_of_its_own_is_given_up(
    state: OrderState, token: str, done: bool
) -> None:
    """Its owner knows that nothing was sent, even if others doubt it."""
    old = record(state=state, token=token)

    step = release("t", strays=0)(old, None, NOW)

    assert (done, None if done else old) == (step.done, step.record)
