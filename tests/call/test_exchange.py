"""One attempt: what is announced, handed on, noted and told."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

import attrs
import pytest

from sesamy_async import (
    APIError,
    Call,
    ConfigurationError,
    ConnectionFailedError,
    DeadlineExceededError,
    Headers,
    Outcome,
    OutcomeUnknownError,
    Response,
    SesamyError,
    UnreadableResponseError,
)
from sesamy_async._call import Exchange, Kept, Latency, Trusts
from sesamy_async._outcome import FailureKind, TransportFailure
from support.exchanges import a_call, a_failure, an_answer
from support.runtime import FakeRuntime


@attrs.frozen
class FakeTransport:
    """A transport that answers or raises."""

    result: Response | BaseException
    used: bool = True
    latency: Latency = attrs.field(factory=Latency)
    trusted: list[bool] = attrs.field(factory=list)

    async def send(
        self, call: Call, trusts: Trusts = lambda _: True
    ) -> Response:
        """Answer or raise."""
        assert isinstance(call, Call)
        if isinstance(self.result, BaseException):
            raise self.result
        self.trusted.append(trusts(self.result))
        return self.result

    async def connect(self, call: Call) -> None:
        """Nothing is opened."""

    async def aclose(self) -> None:
        """Nothing is open."""


def exchange(result: Response | BaseException) -> Exchange:
    """Return one over a transport that answers or raises so."""
    return Exchange(FakeTransport(result), FakeRuntime())


async def test_exchange_success() -> None:
    """A success is noted, and returned with what was read of it."""
    call = a_call(read=lambda _, response: response.json())
    send = exchange(an_answer(201, b"[1]", X="y"))

    assert Response(
        status_code=201,
        headers=Headers({"X": "y"}),
        content=b"[1]",
        parsed=[1],
    ) == await send(call)
    assert call.record.answered


async def test_exchange_tells_of_a_success() -> None:
    """What was read of it is told at once, before any middleware sees it."""
    told: list[object] = []

    async def tell(read: object) -> None:
        told.append(read)

    call = a_call(read=lambda _, response: response.json(), after_success=tell)
    await exchange(an_answer(201, b"[1]"))(call)

    assert [[1]] == told


@pytest.mark.parametrize("status", [201, 503])
async def test_what_has_begun(status: int) -> None:
    """A create is to be completed if it succeeds; what completes it, goes on.

    Even if the client is closing.
    """
    kept = Kept()
    send = exchange(an_answer(status))
    begun: list[set[object]] = []

    async def look(_: Call) -> None:
        begun.append({*send.life.begun})

    with suppress(SesamyError):
        await send(a_call(kept=kept, before_send=look))
    left = {*send.life.begun}
    send.life.closing = True
    with suppress(APIError):
        await send(a_call(kept=kept, completes=True, before_send=look))

    assert ({kept} if status == 201 else set()) == left
    assert [1, 1 + (status == 201)] == [len(each) for each in begun]
    assert {kept} == send.life.begun


def unreadable(call: Call, response: Response) -> None:
    """Read nothing."""
    assert isinstance(call, Call)
    del response
    raise UnreadableResponseError("No.")


@pytest.mark.parametrize(
    ("status", "read", "trusted"),
    [
        (200, None, True),
        (200, lambda call, _: call.operation, True),
        (200, unreadable, False),
        (404, unreadable, True),
        (503, None, False),
    ],
)
async def test_which_connections_are_used_again(
    status: int, read: Any, *, trusted: bool
) -> None:
    """Not those of what is no answer of Sesamy's to this call."""
    send = exchange(an_answer(status))
    with suppress(SesamyError):
        await send(a_call(read=read))

    assert isinstance(send.transport, FakeTransport)
    assert [trusted] == send.transport.trusted


@pytest.mark.parametrize(
    ("record", "attempt", "sent"),
    [
        ({}, 1, True),
        ({"open": 1}, 2, False),
        ({"answered": True}, 2, False),
        ({"lost": 1}, 1, False),
        # Our own retry, which knows that it may.
        ({"lost": 1}, 2, True),
        ({"lost": 2}, 3, True),
    ],
)
async def test_what_is_sent_again(
    record: dict[str, Any], attempt: int, *, sent: bool
) -> None:
    """Not what may have been processed, unless our retry says so."""
    call = a_call(attempt=attempt)
    for name, value in record.items():
        setattr(call.record, name, value)
    with suppress(ConfigurationError):
        await exchange(an_answer())(call)

    assert sent == call.record.attempts


@pytest.mark.parametrize(
    ("status", "expected"), [(200, Outcome.APPLIED), (503, Outcome.UNKNOWN)]
)
async def test_exchange_error(status: int, expected: Outcome) -> None:
    """An error answer, or a success that can't be read, is noted as one."""
    call = a_call(read=unreadable)
    with pytest.raises(SesamyError):
        await exchange(an_answer(status))(call)

    assert (expected, 1, False) == (
        call.record.last,
        call.record.lost,
        call.record.answered,
    )


async def test_exchange_failure() -> None:
    """A transport's failure is raised as an error, without its chain."""
    call = a_call()
    failure = TransportFailure(a_failure())
    with pytest.raises(OutcomeUnknownError) as caught:
        await exchange(failure)(call)

    assert 1 == call.record.lost
    assert None is caught.value.__context__


async def test_exchange_that_was_cut_off() -> None:
    """A refusal without its body has the headers, by the runtime's clock."""
    headers = Headers({"Retry-After": "Fri, 15 Jan 2027 08:00:09 GMT"})
    failure = a_failure(
        kind=FailureKind.BODY, status_code=429, headers=headers
    )
    call = a_call()
    with pytest.raises(APIError) as caught:
        await exchange(TransportFailure(failure))(call)

    assert 9.0 == caught.value.retry_after
    assert Outcome.REFUSED is call.record.last


async def test_exchange_failure_among_others() -> None:
    """Of attempts at once it is not known which one was not sent."""
    call = a_call(repeatable=True)
    call.record.begin()
    failure = TransportFailure(a_failure(sent=False))
    with pytest.raises(ConnectionFailedError) as caught:
        await exchange(failure)(call)

    assert Outcome.UNKNOWN is caught.value.outcome
    assert (Outcome.UNKNOWN, 1) == (call.record.last, call.record.lost)


async def test_exchange_interrupted() -> None:
    """What is interrupted is noted by what was seen."""
    call = a_call()
    with pytest.raises(KeyboardInterrupt):
        await exchange(KeyboardInterrupt())(call)

    assert (Outcome.NOT_SENT, 1) == (call.record.last, call.record.attempts)


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"{}", Outcome.APPLIED), (b"<p>", Outcome.UNKNOWN)],
)
async def test_exchange_interrupted_while_reading(
    content: bytes, expected: Outcome
) -> None:
    """The status decides, whatever goes wrong, but for a gateway's page."""

    def read(call: Call, response: Response) -> None:
        del call, response
        raise KeyboardInterrupt

    call = a_call(read=read)
    with pytest.raises(KeyboardInterrupt):
        await exchange(an_answer(200, content))(call)

    assert expected is call.record.outcome


@pytest.mark.parametrize("repeatable", [False, True])
async def test_exchange_twice(repeatable: bool) -> None:
    """What was answered is not sent again, unless that is harmless."""
    call = a_call(repeatable=repeatable)
    send = exchange(an_answer())
    await send(call)
    if repeatable:
        await send(call)
    else:
        with pytest.raises(ConfigurationError) as caught:
            await send(call)

        assert caught.value.args[0] == (
            "A middleware called proceed again, although the first call was "
            "or may be processed. That could create a second contract."
        )
    assert (1 + repeatable, Outcome.APPLIED) == (
        call.record.attempts,
        call.record.outcome,
    )


async def test_tells_of_each_attempt(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """At DEBUG, one line says what is sent, and for the how-manieth time."""
    caplog.set_level(logging.DEBUG, logger="sesamy_async")
    await exchange(an_answer())(a_call(attempt=3))

    assert ["contracts.create: attempt 3"] == caplog.messages


async def test_at_its_very_deadline() -> None:
    """A call whose time is up is not sent, and no attempt."""
    send = exchange(an_answer())
    call = a_call(deadline=send.runtime.now())
    with pytest.raises(DeadlineExceededError) as caught:
        await send(call)

    error = caught.value
    assert "The deadline passed before it could be sent." == error.args[0]
    assert (Outcome.NOT_SENT, 0) == (error.outcome, call.record.attempts)


async def test_announced_until_it_is_late() -> None:
    """`before_send` gets the call; after the deadline nothing is sent."""
    send = exchange(an_answer())
    announced: list[Call] = []

    async def slow(call: Call) -> None:
        announced.append(call)
        await send.runtime.sleep(5.0)

    call = a_call(deadline=send.runtime.now() + 5.0, before_send=slow)
    with pytest.raises(DeadlineExceededError) as caught:
        await send(call)

    assert Outcome.NOT_SENT is caught.value.outcome
    assert [call] == announced


async def test_waits_are_counted_by_the_clock_of_the_runtime() -> None:
    """A moment in an answer is compared with the wall clock."""
    answer = an_answer(429, Retry_After="Fri, 15 Jan 2027 08:00:09 GMT")
    with pytest.raises(APIError) as caught:
        await exchange(answer)(a_call())

    assert 9.0 == caught.value.retry_after
