"""The SDK's own middleware: chain, authorization, deadline and log."""

from __future__ import annotations

import logging
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import anyio
import attrs
import pytest

from sesamy_async import (
    AuthenticationError,
    Call,
    ConfigurationError,
    ConnectionFailedError,
    Contract,
    DeadlineExceededError,
    Outcome,
    Proceed,
    Request,
    Response,
    Secret,
    SesamyError,
    UnauthorizedError,
)
from sesamy_async._call import (
    AnyioRuntime,
    Authorize,
    Deadline,
    LogCalls,
    chain,
)
from support.exchanges import Script, a_call, an_answer, an_api_error
from support.runtime import FakeRuntime


async def test_chain_order() -> None:
    """The first middleware is the outermost."""
    seen: list[str] = []

    def layer(name: str) -> Any:
        async def walk(call: Call, proceed: Proceed) -> Response:
            seen.append(f"{name} out")
            response = await proceed(call)
            seen.append(f"{name} back")
            return response

        return walk

    await chain([layer("a"), layer("b")], Script([an_answer()]))(a_call())

    assert ["a out", "b out", "b back", "a back"] == seen


@attrs.define
class FakeAuth:
    """Hands out a value."""

    renewable: bool = True
    value: Any = "Bearer 1"
    refused: list[str] = attrs.field(factory=list)

    async def authorization(self, call: Call) -> Any:
        """Return the value, or fail."""
        assert isinstance(call, Call)
        if isinstance(self.value, Exception):
            raise self.value
        return self.value

    async def rejected(self, authorization: str, call: Call) -> bool:
        """Take note."""
        assert isinstance(call, Call)
        self.refused.append(authorization)
        return self.renewable


async def test_authorize() -> None:
    """Each attempt carries the value, hidden."""
    script = Script([an_answer()])
    request = Request(
        method="POST",
        url="https://api.test/x",
        headers={"X-Trace": "1"},
        content=b"{}",
    )
    await Authorize(FakeAuth())(a_call(request=request), script)
    [call] = script.calls

    assert (
        attrs.evolve(request, authorization=Secret("Bearer 1")) == call.request
    )
    assert "Bearer" not in repr(call)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome.NOT_SENT, Outcome.NOT_SENT),
        (Outcome.REFUSED, Outcome.REFUSED),
        # That is what became of the token's request.
        (Outcome.UNKNOWN, Outcome.NOT_SENT),
        (Outcome.APPLIED, Outcome.NOT_SENT),
    ],
)
async def test_authorize_without_a_value(
    outcome: Outcome, expected: Outcome
) -> None:
    """The order was not sent, whatever became of the token."""
    error = AuthenticationError("No.", outcome=outcome)
    script = Script([an_answer()])
    with pytest.raises(AuthenticationError) as caught:
        await Authorize(FakeAuth(value=error))(a_call(), script)

    assert (expected, []) == (caught.value.outcome, script.calls)


@pytest.mark.parametrize("value", [None, "", "Bearer 1\r\nX-Evil: 2"])
async def test_authorize_with_what_is_no_value(value: Any) -> None:
    """What can't stand in a header is named, and nothing is sent."""
    script = Script([an_answer()])
    with pytest.raises(ConfigurationError, match=r"FakeAuth\.a") as caught:
        await Authorize(FakeAuth(value=value))(a_call(), script)

    assert (Outcome.NOT_SENT, []) == (caught.value.outcome, script.calls)
    said = f"outer spaces; it returned a {type(value).__name__}."
    assert caught.value.args[0].endswith(said)
    assert "Evil" not in str(caught.value)


@pytest.mark.parametrize("renewable", [True, False])
async def test_rejected(renewable: bool) -> None:
    """A 401 can be retried if the auth has something new."""
    auth = FakeAuth(renewable)
    with pytest.raises(UnauthorizedError) as caught:
        await Authorize(auth)(a_call(), Script([an_api_error(401)]))

    assert renewable is caught.value.retryable
    assert ["Bearer 1"] == auth.refused


@pytest.mark.parametrize(
    "error",
    [
        an_api_error(401, b'{"error": {"code": "insufficient_permissions"}}'),
        an_api_error(401, b'{"error": "insufficient_scope"}'),
        an_api_error(
            401, WWW_Authenticate='Bearer error="insufficient_scope"'
        ),
    ],
)
async def test_insufficient_scope(error: SesamyError) -> None:
    """A new token with the same scope would be refused just the same."""
    auth = FakeAuth()
    with pytest.raises(UnauthorizedError) as caught:
        await Authorize(auth)(a_call(), Script([error]))

    assert (False, []) == (caught.value.retryable, auth.refused)


IN_A_BODY = "the deadline passed before its body was read."


@pytest.mark.parametrize(
    ("facts", "outcome", "words"),
    [
        ({}, Outcome.NOT_SENT, "The deadline passed."),
        ({"sent": True}, Outcome.UNKNOWN, "The deadline passed."),
        # A success of Sesamy's was applied; a gateway's proves nothing.
        (
            {"status_code": 201, "own": True},
            Outcome.APPLIED,
            f"Status 201, but {IN_A_BODY}",
        ),
        (
            {"status_code": 200},
            Outcome.UNKNOWN,
            f"Status 200, but {IN_A_BODY}",
        ),
        ({"status_code": 500}, Outcome.UNKNOWN, "Sesamy answered 500."),
    ],
)
async def test_deadline(
    facts: dict[str, Any], outcome: Outcome, words: str
) -> None:
    """A call is cut off at its deadline, and ends as a blocking one would."""
    runtime = AnyioRuntime()

    async def stall(call: Call) -> Response:
        call.record.begin()
        for name, value in facts.items():
            setattr(call.record, name, value)
        try:
            await anyio.sleep(10)
        finally:
            call.record.interrupt()
        raise AssertionError

    call = a_call(deadline=runtime.now() + 0.01)
    with pytest.raises(SesamyError) as caught:
        await Deadline(runtime)(call, stall)

    assert (outcome, words) == (caught.value.outcome, caught.value.args[0])
    assert (not call.record.status_code) is isinstance(
        caught.value, DeadlineExceededError
    )


async def test_deadline_between_two_attempts() -> None:
    """What was seen of an attempt that has ended says nothing."""
    runtime = AnyioRuntime()
    call = a_call(deadline=runtime.now() + 0.01)
    call.record.status_code = 201
    with pytest.raises(DeadlineExceededError):
        await Deadline(runtime)(
            call,
            lambda _: anyio.sleep(10),  # type: ignore[arg-type, return-value]
        )


async def test_cancelled_from_outside_is_no_deadline() -> None:
    """A cancellation of the caller's stays a cancellation."""
    with anyio.CancelScope() as scope:
        scope.cancel()
        await Deadline(AnyioRuntime())(
            a_call(),
            lambda _: anyio.sleep(1),  # type: ignore[arg-type, return-value]
        )
        pytest.fail("It must not get here.")

    assert scope.cancelled_caught


VALUES = {
    "operation": "contracts.create",
    "external_order_id": "o-1",
    "promo_code": "SPRING-12",
    "vendor_id": "acme",
    "duration": 0.0,
    "attempts": 1,
    "contract_id": None,
    "request_id": None,
    "retryable": False,
}


@pytest.mark.parametrize(
    ("step", "level", "line", "values"),
    [
        (
            an_answer(201, X_Request_Id="r1"),
            "INFO",
            "done status=201 attempts=1 duration=0.000s request_id='r1'",
            {"outcome": "DONE", "request_id": "r1"},
        ),
        (
            attrs.evolve(an_answer(), parsed=Contract(id="c1")),
            "INFO",
            "done status=200 attempts=1 duration=0.000s request_id=None",
            {"outcome": "DONE", "contract_id": "c1"},
        ),
        (
            an_api_error(503, X_Request_Id="r2"),
            "WARNING",
            (
                "ServerError UNKNOWN status=503 attempts=1 duration=0.000s "
                "request_id='r2'"
            ),
            {"outcome": "UNKNOWN", "request_id": "r2"},
        ),
        (
            an_api_error(400),
            "INFO",
            (
                "BadRequestError REFUSED status=400 attempts=1 "
                "duration=0.000s request_id=None"
            ),
            {"outcome": "REFUSED"},
        ),
        (
            ConnectionFailedError("x", retryable=True),
            "ERROR",
            (
                "ConnectionFailedError NOT_SENT status=None attempts=1 "
                "duration=0.000s request_id=None"
            ),
            {"outcome": "NOT_SENT", "retryable": True},
        ),
        (
            KeyboardInterrupt(),
            "INFO",
            (
                "KeyboardInterrupt NOT_SENT status=None attempts=0 "
                "duration=0.000s request_id=None"
            ),
            {"outcome": "NOT_SENT", "attempts": 0},
        ),
    ],
    ids=["success", "contract", "doubt", "refusal", "given-up", "interrupted"],
)
async def test_log(
    caplog: pytest.LogCaptureFixture,
    step: Response | BaseException,
    level: str,
    line: str,
    values: dict[str, Any],
) -> None:
    """A call is one record: its level, its text, its values for programs."""
    caplog.set_level(logging.INFO, logger="sesamy_async")
    call = attrs.evolve(a_call(), vendor_id="acme", promo_code="SPRING-12")
    with suppress(SesamyError, KeyboardInterrupt):
        await LogCalls(FakeRuntime())(call, Script([step]))
    [record] = caplog.records
    contract_id = values.get("contract_id")
    ids = f"external_order_id='o-1' contract_id={contract_id!r}"

    assert f"contracts.create {line} {ids}" == record.getMessage()
    assert level == record.levelname
    assert {**VALUES, **values}.items() <= vars(record).items()


@pytest.mark.parametrize(
    ("of_call", "of_record", "parsed", "expected"),
    [
        ("c1", "c2", Contract(id="c3"), "c1"),
        (None, "c2", Contract(id="c3"), "c2"),
        (None, None, Contract(id="c3"), "c3"),
        (None, None, SimpleNamespace(contract=Contract(id="c4")), "c4"),
        (None, None, None, None),
    ],
)
async def test_which_contract_is_logged(
    caplog: pytest.LogCaptureFixture,
    of_call: str | None,
    of_record: str | None,
    parsed: object,
    expected: str | None,
) -> None:
    """The one that the call is about, or that it made."""
    caplog.set_level(logging.INFO, logger="sesamy_async")
    call = a_call(contract_id=of_call)
    call.record.contract_id = of_record
    answer = attrs.evolve(an_answer(), parsed=parsed)
    await LogCalls(FakeRuntime())(call, Script([answer]))
    [record] = caplog.records

    assert expected == vars(record)["contract_id"]
    assert record.getMessage().endswith(f" contract_id={expected!r}")


class ForeignError(Exception):
    """An error of the caller's, with attributes of the same names."""

    outcome = "lost"
    parsed = 5
    request_id = "kim@example.se"
    retryable = True


async def test_log_of_a_foreign_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What an error of the caller's calls its own attributes is not used."""
    caplog.set_level(logging.INFO, logger="sesamy_async")
    with pytest.raises(ForeignError):
        await LogCalls(FakeRuntime())(a_call(), Script([ForeignError()]))
    [record] = caplog.records

    assert ("INFO", None) == (record.levelname, vars(record)["request_id"])
    assert "ForeignError NOT_SENT" in record.getMessage()


async def test_log_of_a_step(caplog: pytest.LogCaptureFixture) -> None:
    """What is a step of an operation is for debugging only."""
    caplog.set_level(logging.DEBUG, logger="sesamy_async")
    call = attrs.evolve(a_call(), parent="contracts.onboard")
    with suppress(SesamyError):
        await LogCalls(FakeRuntime())(call, Script([an_api_error(503)]))

    assert ["DEBUG"] == [each.levelname for each in caplog.records]


async def test_log_off(caplog: pytest.LogCaptureFixture) -> None:
    """Without a listener nothing is said."""
    caplog.set_level(logging.WARNING, logger="sesamy_async")
    response = await LogCalls(FakeRuntime())(a_call(), Script([an_answer()]))

    assert (200, []) == (response.status_code, caplog.messages)
