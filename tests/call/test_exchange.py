"""One attempt: what is announced, handed on, noted and told."""

from __future__ import annotations

import logging

import attrs
import pytest

from sesamy_async import (
    APIError,
    Call,
    ConfigurationError,
    DeadlineExceededError,
    Headers,
    Outcome,
    OutcomeUnknownError,
    Response,
    SesamyError,
    UnreadableResponseError,
)
from sesamy_async._call import Exchange, Latency, Trusts, trusts_all
from sesamy_async._outcome import TransportFailure
from support.exchanges import a_call, a_failure, an_answer
from support.runtime import FakeRuntime


@attrs.frozen
class FakeTransport:
    """A transport that answers or raises."""

    result: Response | BaseException
    used: bool = True
    asks: bool = True
    latency: Latency = attrs.field(factory=Latency)

    async def send(self, call: Call, trusts: Trusts = trusts_all) -> Response:
        """Answer or raise."""
        del call
        if isinstance(self.result, BaseException):
            raise self.result
        if self.asks:
            trusts(self.result)
        return self.result

    async def connect(self, call: Call) -> None:
        """Nothing is opened."""

    async def aclose(self) -> None:
        """Nothing is open."""


def exchange(result: Response | BaseException) -> Exchange:
    """Return one over a transport that answers or raises so."""
    return Exchange(FakeTransport(result), FakeRuntime())


async def test_exchange_success() -> None:
    """A success is returned, and noted."""
    call = a_call()
    send = exchange(an_answer())
    response = await send(call)

    assert (200, True) == (response.status_code, call.record.answered)


async def test_exchange_unreadable() -> None:
    """A success that can't be read is an error, and noted as such."""

    def read(call: Call, response: Response) -> None:
        del call, response
        raise UnreadableResponseError("No.")

    call = a_call(read=read)
    with pytest.raises(UnreadableResponseError):
        await exchange(an_answer())(call)

    assert (Outcome.APPLIED, 1, False) == (
        call.record.last,
        call.record.lost,
        call.record.answered,
    )


async def test_exchange_error() -> None:
    """An error answer is raised, and noted."""
    call = a_call()
    send = exchange(an_answer(503))
    with pytest.raises(SesamyError):
        await send(call)

    assert (Outcome.UNKNOWN, 1) == (call.record.last, call.record.lost)


async def test_exchange_failure() -> None:
    """A transport's failure is raised as an error, without its chain."""
    call = a_call()
    failure = TransportFailure(a_failure())
    with pytest.raises(OutcomeUnknownError) as caught:
        await exchange(failure)(call)

    assert 1 == call.record.lost
    assert None is caught.value.__context__


async def test_exchange_interrupted() -> None:
    """What is interrupted is noted by what was seen."""
    call = a_call()
    with pytest.raises(KeyboardInterrupt):
        await exchange(KeyboardInterrupt())(call)

    assert (Outcome.NOT_SENT, 1) == (call.record.last, call.record.attempts)


@pytest.mark.parametrize(
    ("content", "asks", "expected"),
    [
        (b"{}", True, Outcome.APPLIED),
        (b"{}", False, Outcome.APPLIED),
        (b"<p>", False, Outcome.UNKNOWN),
    ],
)
async def test_exchange_interrupted_while_reading(
    content: bytes, asks: bool, expected: Outcome
) -> None:
    """The status decides, whatever goes wrong, but for a gateway's page."""

    def read(call: Call, response: Response) -> None:
        del call, response
        raise KeyboardInterrupt

    call = a_call(read=read)
    transport = FakeTransport(an_answer(200, content), asks=asks)
    with pytest.raises(KeyboardInterrupt):
        await Exchange(transport, FakeRuntime())(call)

    assert expected is call.record.outcome


async def test_exchange_twice() -> None:
    """What was answered is not sent once more, whoever asks for it."""
    call = a_call()
    send = exchange(an_answer())
    await send(call)
    with pytest.raises(ConfigurationError) as caught:
        await send(call)

    assert Outcome.APPLIED is call.record.outcome
    assert (
        "A middleware called proceed again, though the first time had done "
        "it or may have: that could have made a second contract."
    ) == caught.value.args[0]


async def test_exchange_twice_where_harmless() -> None:
    """What is harmless to repeat may be."""
    call = a_call(repeatable=True)
    send = exchange(an_answer())
    await send(call)
    await send(call)

    assert 2 == call.record.attempts


async def test_tells_of_each_attempt(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """At DEBUG, one line says what is sent, and for the how-manieth time."""
    caplog.set_level(logging.DEBUG, logger="sesamy_async")
    await exchange(an_answer())(a_call(attempt=3))

    assert ["contracts.create: attempt 3"] == caplog.messages


async def test_what_is_read_keeps_the_answer() -> None:
    """Beside what was read of it, the answer is all there."""
    answer = an_answer(201, b"[1]", X="y")
    call = a_call(read=lambda _, response: response.json())

    assert Response(
        status_code=201,
        headers=Headers({"X": "y"}),
        content=b"[1]",
        parsed=[1],
    ) == await exchange(answer)(call)


async def test_at_its_very_deadline() -> None:
    """A call whose time is up is not sent, and no attempt."""
    send = exchange(an_answer())
    call = a_call(deadline=send.runtime.now())
    with pytest.raises(DeadlineExceededError) as caught:
        await send(call)

    error = caught.value
    assert "The deadline passed before it could be sent." == error.args[0]
    assert (Outcome.NOT_SENT, 0) == (error.outcome, call.record.attempts)


async def test_whose_time_is_up_when_it_is_announced() -> None:
    """What the caller takes long for is not sent after the deadline."""
    send = exchange(an_answer())

    async def slow(call: Call) -> None:
        del call
        await send.runtime.sleep(5.0)

    call = a_call(deadline=send.runtime.now() + 5.0, before_send=slow)
    with pytest.raises(DeadlineExceededError) as caught:
        await send(call)

    assert Outcome.NOT_SENT is caught.value.outcome


async def test_announces_the_call() -> None:
    """Who is told before it leaves is told which call."""
    told: list[Call] = []

    async def note(call: Call) -> None:
        told.append(call)

    call = a_call(before_send=note)
    await exchange(an_answer())(call)

    assert [call] == told


async def test_waits_are_counted_by_the_clock_of_the_runtime() -> None:
    """A moment in an answer is compared with the wall clock."""
    answer = an_answer(429, Retry_After="Fri, 15 Jan 2027 08:00:09 GMT")
    with pytest.raises(APIError) as caught:
        await exchange(answer)(a_call())

    assert 9.0 == caught.value.retry_after
