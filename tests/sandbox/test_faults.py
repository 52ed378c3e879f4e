"""Faults: their texts, when they strike, and what they do."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesamy_async.errors import ConfigurationError
from sesamy_async.sandbox import (
    NO_ANSWER,
    Delivery,
    Fault,
    FaultKind,
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


def test_html_is_a_502_unless_told() -> None:
    """The page of HTML needs no status."""
    assert Fault.html(502) == Fault.parse("html")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("explode", "none of: status, wait"),
        ("", "none of"),
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
        (401, "authentication_required"),
        (403, "insufficient_permissions"),
        (404, "resource_not_found"),
        (409, "conflict"),
        (418, "i'm_a_teapot"),
        (429, "rate_limit_exceeded"),
        (500, "internal_error"),
        (503, "service_unavailable"),
        (504, "gateway_timeout"),
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
    "settings", [{"rate_limit": None}, {"rate_limit_headers": False}]
)
def test_wait_without_headers(settings: dict[str, Any]) -> None:
    """Where answers say nothing of the rate limit, neither does a 429."""
    caller = logged_in(**settings)
    caller.sandbox.faults.add(Fault.wait(7))

    assert {"Content-Type", "X-Request-Id"} == set(caller.create().headers)


@pytest.mark.parametrize(
    ("fault", "delivery", "applied", "seen"),
    [
        (Fault.drop_before(), Delivery.NOTHING, 0, NO_ANSWER),
        (Fault.drop_after(), Delivery.NOTHING, 1, NO_ANSWER),
        (Fault.half(), Delivery.HALF, 1, 200),
    ],
)
def test_cut_connections(
    caller: Caller,
    fault: Fault,
    delivery: Delivery,
    applied: int,
    seen: int,
) -> None:
    """A connection dies before, after or within the answer."""
    caller.sandbox.faults.add(fault)
    answer = caller.create()

    assert (delivery, applied) == (answer.delivery, done(caller))
    assert caller.sandbox.ledger.requests("create", seen) == 1
    assert len(answer.half) < answer.promised


def test_delay(caller: Caller) -> None:
    """A late answer is the true one, done at once."""
    caller.sandbox.faults.add(Fault.delay(2.5))
    answer = caller.create()

    assert (answer.delay, answer.status, done(caller)) == (2.5, 200, 1)


def test_malformed(caller: Caller) -> None:
    """Broken JSON is no JSON, though it was done."""
    caller.sandbox.faults.add(Fault.malformed())
    answer = caller.create()

    with pytest.raises(ValueError, match="Expecting"):
        content(answer)
    assert (answer.status, done(caller)) == (200, 1)


def test_empty(caller: Caller) -> None:
    """An empty body comes with the true status."""
    caller.sandbox.faults.add(Fault.empty())
    answer = caller.create()

    assert (answer.status, answer.body, done(caller)) == (200, b"", 1)


@pytest.mark.parametrize("applied", [False, True])
def test_html(caller: Caller, applied: bool) -> None:
    """A gateway's page has no JSON and none of Sesamy's headers."""
    caller.sandbox.faults.add(Fault.html(applied=applied))
    answer = caller.create()

    assert (502, applied) == (answer.status, bool(done(caller)))
    assert answer.headers == {"Content-Type": "text/html; charset=utf-8"}
    assert answer.body.startswith(b"<!DOCTYPE html>")


def test_no_rate_headers(caller: Caller) -> None:
    """An answer may be silent about the rate limit."""
    caller.sandbox.faults.add(Fault.no_rate_headers())
    answer = caller.create()

    assert {"Content-Type", "X-Request-Id"} == set(answer.headers)
    assert done(caller) == 1


def test_fault_strikes_its_operation_only(caller: Caller) -> None:
    """A fault waits for its operation, as often as told."""
    caller.sandbox.faults.add("status:503", times=2, on="confirm")
    contract_id = content(caller.create())["id"]
    statuses = [
        caller.post(f"{CONFIRM}/{contract_id}", b"").status for _ in range(3)
    ]

    assert statuses == [503, 503, 200]


def test_faults_queue_up(caller: Caller) -> None:
    """Faults strike in the order in which they were added."""
    caller.sandbox.faults.add("status:500", on="create")
    caller.sandbox.faults.add("status:503", on="any")
    before = caller.sandbox.faults.pending
    statuses = [caller.create().status for _ in range(3)]

    assert (Fault.status(500), Fault.status(503)) == before
    assert statuses == [500, 503, 200]


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
    with pytest.raises(ConfigurationError, match="no 'refund'"):
        caller.sandbox.faults.add("empty", on="refund")
    with pytest.raises(ConfigurationError, match="no 'other'"):
        caller.sandbox.faults.add("empty", on="other")
    with pytest.raises(ConfigurationError, match="times must be"):
        caller.sandbox.faults.add("empty", times=0)


def test_kinds_are_all_tested_here() -> None:
    """A new kind of fault must come with tests."""
    assert len(FaultKind) == 10
