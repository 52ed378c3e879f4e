"""Chain, log, deadline, authorize and the exchange."""

from __future__ import annotations

import logging
from typing import Any

import attrs
import pytest

from sesamy_async import (
    Call,
    ConfigurationError,
    DeadlineExceededError,
    Outcome,
    OutcomeUnknownError,
    Proceed,
    Response,
    SesamyError,
    UnauthorizedError,
    UnreadableResponseError,
)
from sesamy_async.core.exchange import Exchange
from sesamy_async.core.failure import TransportFailure
from sesamy_async.middleware.authorize import Authorize
from sesamy_async.middleware.chain import chain
from sesamy_async.middleware.log import Log
from support.exchanges import (
    Script,
    a_call,
    a_failure,
    an_answer,
    an_api_error,
)
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


async def test_log_success(caplog: pytest.LogCaptureFixture) -> None:
    """A call is one INFO line with what is needed to find it."""
    caplog.set_level(logging.INFO, logger="sesamy_async")
    script = Script([an_answer(201, X_Request_Id="r1")])
    await Log(FakeRuntime())(a_call(), script)

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
        await Log(FakeRuntime())(a_call(), Script([an_api_error(503)]))

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
        await Log(FakeRuntime())(a_call(), Script([KeyboardInterrupt()]))

    assert caplog.messages[0].startswith(
        "contracts.create KeyboardInterrupt NOT_SENT status=None"
    )


async def test_log_off(caplog: pytest.LogCaptureFixture) -> None:
    """Without a listener nothing is measured or said."""
    caplog.set_level(logging.WARNING, logger="sesamy_async")
    response = await Log(FakeRuntime())(a_call(), Script([an_answer()]))

    assert (200, []) == (response.status_code, caplog.messages)


@attrs.define
class FakeTransport:
    """Answers or raises."""

    result: Response | BaseException
    used: bool = False

    async def send(self, call: Call) -> Response:
        """Answer or raise."""
        del call
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result

    async def aclose(self) -> None:
        """Do nothing."""


async def test_exchange_success() -> None:
    """A success is returned, and noted."""
    call = a_call()
    exchange = Exchange(FakeTransport(an_answer()), FakeRuntime())
    response = await exchange(call)

    assert (200, True) == (response.status_code, call.record.answered)


async def test_exchange_reads() -> None:
    """What the operation reads from a success is on the answer."""
    call = a_call(read=lambda call, response: (call.operation, response))
    answer = an_answer()
    response = await Exchange(FakeTransport(answer), FakeRuntime())(call)

    assert ("contracts.create", answer) == response.parsed


async def test_exchange_unreadable() -> None:
    """A success that can't be read is an error, and noted as such."""

    def read(call: Call, response: Response) -> None:
        del call, response
        raise UnreadableResponseError("No.")

    call = a_call(read=read)
    with pytest.raises(UnreadableResponseError):
        await Exchange(FakeTransport(an_answer()), FakeRuntime())(call)

    assert (Outcome.APPLIED, 1, False) == (
        call.record.last,
        call.record.lost,
        call.record.answered,
    )


async def test_exchange_error() -> None:
    """An error answer is raised, and noted."""
    call = a_call()
    exchange = Exchange(FakeTransport(an_answer(503)), FakeRuntime())
    with pytest.raises(SesamyError):
        await exchange(call)

    assert (Outcome.UNKNOWN, 1) == (call.record.last, call.record.lost)


async def test_exchange_failure() -> None:
    """A transport's failure is raised as an error, without its chain."""
    call = a_call()
    failure = TransportFailure(a_failure())
    with pytest.raises(OutcomeUnknownError) as caught:
        await Exchange(FakeTransport(failure), FakeRuntime())(call)

    assert 1 == call.record.lost
    assert None is caught.value.__context__


async def test_exchange_late() -> None:
    """What is late already is not sent."""
    call = a_call(deadline=999.0)
    with pytest.raises(DeadlineExceededError) as caught:
        await Exchange(FakeTransport(an_answer()), FakeRuntime())(call)

    assert Outcome.NOT_SENT is caught.value.outcome
    assert 0 == call.record.attempts


async def test_exchange_interrupted() -> None:
    """What is interrupted is noted by what was seen."""
    call = a_call()
    with pytest.raises(KeyboardInterrupt):
        await Exchange(FakeTransport(KeyboardInterrupt()), FakeRuntime())(call)

    assert (Outcome.NOT_SENT, 1) == (call.record.last, call.record.attempts)


async def test_exchange_interrupted_while_reading() -> None:
    """A status that came decides, whatever goes wrong while it is read."""

    def read(call: Call, response: Response) -> None:
        del call, response
        raise KeyboardInterrupt

    call = a_call(read=read)
    with pytest.raises(KeyboardInterrupt):
        await Exchange(FakeTransport(an_answer()), FakeRuntime())(call)

    assert Outcome.APPLIED is call.record.outcome


async def test_exchange_twice() -> None:
    """What was answered is not sent once more, whoever asks for it."""
    call = a_call()
    exchange = Exchange(FakeTransport(an_answer()), FakeRuntime())
    await exchange(call)
    with pytest.raises(ConfigurationError, match="second contract"):
        await exchange(call)

    assert Outcome.APPLIED is call.record.outcome


async def test_exchange_twice_where_harmless() -> None:
    """What is harmless to repeat may be."""
    call = a_call(repeatable=True)
    exchange = Exchange(FakeTransport(an_answer()), FakeRuntime())
    await exchange(call)
    await exchange(call)

    assert 2 == call.record.attempts
