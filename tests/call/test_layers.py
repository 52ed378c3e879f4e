"""The SDK's own middleware: chain, authorization, deadline and log."""

from __future__ import annotations

import logging
from typing import Any

import anyio
import attrs
import pytest

from sesamy_async import (
    Call,
    ConfigurationError,
    DeadlineExceededError,
    Outcome,
    Proceed,
    Response,
    SesamyError,
    UnauthorizedError,
    UnreadableResponseError,
)
from sesamy_async._call import (
    AnyioRuntime,
    Authorize,
    Deadline,
    LogCalls,
    Record,
    chain,
)
from sesamy_async._call.attempt import _passed
from sesamy_async._outcome import Failure, FailureKind
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
    """Hands out numbered values."""

    renewable: bool = True
    asked: int = 0
    refused: list[str] = attrs.field(factory=list)

    async def authorization(self, call: Call) -> str:
        """Return the next value."""
        del call
        self.asked += 1
        return f"Bearer {self.asked}"

    async def rejected(self, authorization: str, call: Call) -> bool:
        """Take note."""
        del call
        self.refused.append(authorization)
        return self.renewable


@attrs.define
class WrongAuth(FakeAuth):
    """Hands out what it was told to."""

    value: Any = None

    async def authorization(self, call: Call) -> Any:
        """Return that."""
        del call
        return self.value


async def test_authorize() -> None:
    """Each attempt carries the value, hidden."""
    script = Script([an_answer()])
    await Authorize(FakeAuth())(a_call(), script)
    value = script.calls[0].request.authorization

    assert value
    assert "Bearer 1" == value.reveal()
    assert "Bearer" not in repr(script.calls[0])


@pytest.mark.parametrize("value", [None, "", "Bearer 1\r\nX-Evil: 2"])
async def test_authorize_with_what_is_no_value(value: Any) -> None:
    """What can't stand in a header is named, and nothing is sent."""
    script = Script([an_answer()])
    with pytest.raises(ConfigurationError, match=r"WrongAuth\.a") as caught:
        await Authorize(WrongAuth(value=value))(a_call(), script)

    assert (Outcome.NOT_SENT, []) == (caught.value.outcome, script.calls)
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


_PASSED = Failure(
    kind=FailureKind.DEADLINE, detail="The deadline passed.", sent=False
)


@pytest.mark.parametrize(
    ("sent", "outcome"), [(False, Outcome.NOT_SENT), (True, Outcome.UNKNOWN)]
)
async def test_deadline(sent: bool, outcome: Outcome) -> None:
    """A call is cut off at its deadline, with what is known of it."""
    runtime = AnyioRuntime()

    async def stall(call: Call) -> Response:
        call.record.begin()
        call.record.sent = sent
        try:
            await anyio.sleep(10)
        finally:
            call.record.interrupt()
        raise AssertionError

    call = a_call(deadline=runtime.now() + 0.01)
    with pytest.raises(DeadlineExceededError) as caught:
        await Deadline(runtime)(call, stall)

    assert outcome is caught.value.outcome


async def test_deadline_in_a_success() -> None:
    """A success of Sesamy's that is cut off was applied."""
    runtime = AnyioRuntime()

    async def stall(call: Call) -> Response:
        call.record.begin()
        call.record.status_code = 201
        call.record.own = True
        try:
            await anyio.sleep(10)
        finally:
            call.record.interrupt()
        raise AssertionError

    call = a_call(deadline=runtime.now() + 0.01)
    with pytest.raises(UnreadableResponseError) as caught:
        await Deadline(runtime)(call, stall)

    assert (Outcome.APPLIED, 201) == (
        caught.value.outcome,
        caught.value.status_code,
    )


@pytest.mark.parametrize(
    ("interrupted", "status", "own", "expected"),
    [
        (
            True,
            201,
            True,
            Failure(
                kind=FailureKind.BODY,
                detail="the deadline passed before its body was read.",
                status_code=201,
                own=True,
            ),
        ),
        (
            True,
            200,
            False,
            Failure(
                kind=FailureKind.BODY,
                detail="the deadline passed before its body was read.",
                status_code=200,
            ),
        ),
        (True, None, False, _PASSED),
        # It is of an attempt that is over: another one was to begin.
        (False, 201, True, _PASSED),
    ],
)
def test_what_the_deadline_cut_off(
    status: int | None, expected: Failure, *, interrupted: bool, own: bool
) -> None:
    """It is told as the blocking client would, which sees it itself."""
    record = Record()
    record.interrupted = interrupted
    record.status_code = status
    record.own = own

    assert expected == _passed(record)


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


async def test_log_success(caplog: pytest.LogCaptureFixture) -> None:
    """A call is one INFO line with what is needed to find it."""
    caplog.set_level(logging.INFO, logger="sesamy_async")
    script = Script([an_answer(201, X_Request_Id="r1")])
    await LogCalls(FakeRuntime())(a_call(), script)

    assert [
        (
            "contracts.create done status=201 attempts=1 duration=0.000s "
            "request_id='r1' external_order_id='o-1'"
        )
    ] == caplog.messages


async def test_log_error(caplog: pytest.LogCaptureFixture) -> None:
    """A failed call is one line too, with its outcome."""
    caplog.set_level(logging.INFO, logger="sesamy_async")
    with pytest.raises(SesamyError):
        await LogCalls(FakeRuntime())(a_call(), Script([an_api_error(503)]))

    assert [
        (
            "contracts.create ServerError UNKNOWN status=503 attempts=1 "
            "duration=0.000s request_id=None external_order_id='o-1'"
        )
    ] == caplog.messages


async def test_log_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    """A cancelled call is logged with what is known of it."""
    caplog.set_level(logging.INFO, logger="sesamy_async")
    with pytest.raises(KeyboardInterrupt):
        await LogCalls(FakeRuntime())(a_call(), Script([KeyboardInterrupt()]))

    assert caplog.messages[0].startswith(
        "contracts.create KeyboardInterrupt NOT_SENT status=None"
    )


async def test_log_off(caplog: pytest.LogCaptureFixture) -> None:
    """Without a listener nothing is measured or said."""
    caplog.set_level(logging.WARNING, logger="sesamy_async")
    response = await LogCalls(FakeRuntime())(a_call(), Script([an_answer()]))

    assert (200, []) == (response.status_code, caplog.messages)
