"""Faults: their texts, when they strike, and what they do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import ANY

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesamy_async.errors import ConfigurationError
from sesamy_async.sandbox import (
    NO_ANSWER,
    Answer,
    Delivery,
    Fault,
    SandboxConfig,
)
from support.sandbox_caller import (
    CONFIRM,
    START,
    Caller,
    content,
    error,
    logged_in,
)


NOTHING = {"delivery": Delivery.NOTHING}
HEADERS = {"Content-Type", "X-Request-Id"}
ANY_FAULT = st.one_of(
    st.builds(Fault.status, st.integers(200, 599), applied=st.booleans()),
    st.builds(Fault.html, st.integers(200, 599), applied=st.booleans()),
    st.builds(Fault.wait, st.integers(0, 999)),
    st.builds(Fault.delay, st.sampled_from([0.0, 0.25, 2.5, 30.0])),
    st.sampled_from(
        [
            Fault.drop_before(),
            Fault.drop_after(),
            Fault.half(),
            Fault.malformed(),
            Fault.no_rate_headers(),
            Fault.empty(),
        ]
    ),
)


@given(ANY_FAULT)
def test_text_of_a_fault_reads_back(fault: Fault) -> None:
    """The text of every fault reads back."""
    assert fault == Fault.parse(str(fault))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("explode", "must be one of status, wait"),
        ("", "must be one of"),
        ("status", "needs a number"),
        ("empty:5", "takes no number"),
        ("half+applied", "takes no .applied"),
        ("status:99", "from 200 to 599, not 99"),
        ("status:503.5", "a whole number from 200 to 599, not 503.5"),
        ("wait:1.5", "a whole number of seconds, not 1.5"),
        ("html:600", "from 200 to 599"),
    ],
)
def test_wrong_faults_are_refused(text: str, said: str) -> None:
    """A text that is not a fault is refused, with the reason."""
    with pytest.raises(ConfigurationError, match=said):
        Fault.parse(text)


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
def test_time_of_a_fault_is_finite(seconds: float) -> None:
    """No fault waits for ever, or goes back in time."""
    with pytest.raises(ConfigurationError, match="0 or more"):
        Fault.delay(seconds)


def done(caller: Caller) -> int:
    """Return how many contracts there are."""
    return caller.sandbox.ledger.total


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "validation_error"),
        (418, "i'm_a_teapot"),
        (429, "rate_limit_exceeded"),
        (500, "internal_error"),
        (503, "service_unavailable"),
        (599, "unknown_error"),
    ],
)
@pytest.mark.parametrize("applied", [False, True])
def test_status(caller: Caller, status: int, code: str, applied: bool) -> None:
    """A status comes in Sesamy's envelope, done or not, as told."""
    caller.sandbox.faults.add(Fault.status(status, applied=applied))
    answer = caller.create()

    assert (status, code) == error(answer)
    assert applied == bool(done(caller))
    assert "X-RateLimit-Remaining" in answer.headers
    assert (
        answer.headers["X-Request-Id"]
        == (content(answer)["error"]["request_id"])
    )


def test_2xx_status_is_applied(caller: Caller) -> None:
    """Another 2xx is no error: the usual answer comes with it."""
    caller.sandbox.faults.add("status:202")
    answer = caller.create()

    assert (answer.status, done(caller)) == (202, 1)
    assert "id" in content(answer)


@pytest.mark.parametrize("fault", ["status:202", "html:200+applied"])
def test_what_is_refused_is_not_told_as_done(
    caller: Caller, fault: str
) -> None:
    """A request that Sesamy refuses is answered so, not with a 2xx."""
    caller.sandbox.ledger.revoke_tokens()
    caller.sandbox.faults.add(fault)
    answer = caller.create()

    assert (401, 0) == (answer.status, done(caller))


@pytest.mark.parametrize("fault", ["status:204", "status:304", "html:304"])
def test_some_statuses_have_no_body(caller: Caller, fault: str) -> None:
    """HTTP knows statuses without a body, and the sandbox too."""
    caller.sandbox.faults.add(fault)

    assert caller.create().body == b""


def test_wait(caller: Caller) -> None:
    """A 429 says how long to wait, and its headers agree."""
    caller.sandbox.faults.add(Fault.wait(7))
    answer = caller.create()

    assert error(answer) == (429, "rate_limit_exceeded")
    assert content(answer)["error"]["retry_after"] == 7
    assert ("0", str(int(START) + 7)) == (
        answer.headers["X-RateLimit-Remaining"],
        answer.headers["X-RateLimit-Reset"],
    )
    assert done(caller) == 0


@pytest.mark.parametrize(
    ("fault", "done", "seen", "changes"),
    [
        (
            "drop-before",
            0,
            NO_ANSWER,
            lambda _: {**NOTHING, "status": 0, "body": b"", "headers": ANY},
        ),
        ("drop-after", 1, NO_ANSWER, lambda _: NOTHING),
        ("half", 1, 200, lambda _: {"delivery": Delivery.HALF}),
        ("delay:2.5", 1, 200, lambda _: {"delay": 2.5}),
        ("empty", 1, 200, lambda _: {"body": b""}),
        ("malformed", 1, 200, lambda true: {"body": true.body[:-1]}),
        (
            "no-rate-headers",
            1,
            200,
            lambda true: {"headers": {it: true.headers[it] for it in HEADERS}},
        ),
    ],
)
def test_one_thing_is_wrong(
    caller: Caller,
    fault: str,
    done: int,
    seen: int,
    changes: Callable[[Answer], dict[str, Any]],
) -> None:
    """Some faults leave the true answer as it is, but for one thing."""
    true = logged_in(seed=1).create()
    caller.sandbox.faults.add(fault)
    answer = caller.create()

    assert attrs.evolve(true, **changes(true)) == answer
    assert done == caller.sandbox.ledger.total
    assert 1 == caller.sandbox.ledger.requests("create", seen)
    assert len(answer.half) < answer.promised


@pytest.mark.parametrize("applied", [False, True])
def test_html(caller: Caller, applied: bool) -> None:
    """A gateway's page has no JSON and none of Sesamy's headers."""
    caller.sandbox.faults.add("html+applied" if applied else "html")
    answer = caller.create()

    assert (502, applied) == (answer.status, bool(done(caller)))
    assert answer.headers == {"Content-Type": "text/html; charset=utf-8"}
    assert answer.body.startswith(b"<!DOCTYPE html>")


def test_faults_wait_for_their_operation(caller: Caller) -> None:
    """Faults strike in turn, each on its operation, as often as told."""
    faults = caller.sandbox.faults
    faults.add("status:503", times=2, on="confirm")
    faults.add("status:500", on="create")
    faults.add("status:504")
    texts = [str(fault) for fault in faults.pending]
    creates = [caller.create().status for _ in range(3)]
    confirms = [caller.post(f"{CONFIRM}/x", b"").status for _ in range(3)]

    assert ["status:503", "status:503", "status:500", "status:504"] == texts
    assert ([500, 504, 200], [503, 503, 404]) == (creates, confirms)


def test_faults_spare_other_paths(caller: Caller) -> None:
    """What is no operation of Sesamy's takes no fault away."""
    caller.sandbox.faults.add("status:500")

    assert caller.post("/nowhere").status == 404
    assert caller.post("/oauth/token").status == 500


def test_faults_by_chance_keep_their_share() -> None:
    """Faults strike at their rates, on their operations, repeatably."""

    def statuses() -> list[int]:
        caller = logged_in(
            seed=3,
            rate_limit=None,
            fault_rates={
                "status:500": 0.2,
                "status:503+applied@create": 0.3,
                "status:504@confirm": 0.8,
            },
        )
        return [caller.create().status for _ in range(1000)]

    caller = Caller(config=SandboxConfig(seed=3, fault_rates={"empty": 0}))
    seen = statuses()

    assert seen == statuses()
    assert 150 < seen.count(500) < 250
    assert 250 < seen.count(503) < 350
    assert seen.count(504) == 0
    assert caller.log_in().status == 200


def test_wrong_queueing_is_refused(caller: Caller) -> None:
    """There are only so many operations, and times begin at one."""
    with pytest.raises(ConfigurationError, match="no operation 'refund'"):
        caller.sandbox.faults.add("empty", on="refund")
    with pytest.raises(ConfigurationError, match="no operation 'other'"):
        caller.sandbox.faults.add("empty", on="other")
    with pytest.raises(ConfigurationError, match="times must be"):
        caller.sandbox.faults.add("empty", times=0)
