"""One attempt: what is announced, handed on and told."""

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
    Response,
)
from sesamy_async.core.exchange import Exchange
from support.exchanges import a_call, an_answer
from support.runtime import FakeRuntime


@attrs.frozen
class Answering:
    """A transport that answers."""

    answer: Response
    used: bool = True

    async def send(self, call: Call) -> Response:
        """Answer."""
        del call
        return self.answer

    async def aclose(self) -> None:
        """Nothing is open."""


def exchange(answer: Response) -> Exchange:
    """Return one over a transport that answers so."""
    return Exchange(Answering(answer), FakeRuntime())


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

    assert (
        "The deadline passed before it could be sent."
        == (caught.value.args[0])
    )
    assert 0 == call.record.attempts


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


async def test_a_middleware_that_asks_for_a_second_contract() -> None:
    """It is told what it did wrong."""
    send = exchange(an_answer())
    call = a_call()
    await send(call)
    with pytest.raises(ConfigurationError) as caught:
        await send(call)

    assert (
        "A middleware called proceed again, though the first time had done "
        "it or may have: that could have made a second contract."
    ) == caught.value.args[0]


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
