"""A coroutine is driven to its end, and what suspends is named."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

import anyio
import pytest

from sesamy_async import (
    Call,
    ConfigurationError,
    Outcome,
    Proceed,
    Response,
    Sesamy,
)
from sesamy_async._call import BlockingRuntime, drive
from sesamy_async.sandbox import Sandbox
from support.wire import ORDER


async def suspend(call: Call, proceed: Proceed) -> Response:
    """Wait for an event loop on the way out."""
    await asyncio.sleep(0)
    return await proceed(call)


async def suspend_back(call: Call, proceed: Proceed) -> Response:
    """Wait for an event loop on the way back."""
    response = await proceed(call)
    await asyncio.sleep(0)
    return response


@pytest.mark.parametrize(
    ("middleware", "outcome"),
    [(suspend, Outcome.NOT_SENT), (suspend_back, Outcome.APPLIED)],
)
def test_suspending(
    sandbox: Sandbox, middleware: Any, outcome: Outcome
) -> None:
    """A middleware that suspends is named, and the outcome is true."""
    with (
        Sesamy(
            transport=sandbox.transport(), middleware=[middleware]
        ) as sesamy,
        pytest.raises(ConfigurationError) as caught,
    ):
        sesamy.contracts.create("SPRING-12", ORDER)

    assert (
        f"{__name__}.{middleware.__name__} waits for an event loop, which "
        "the blocking client does not have. "
        "Change it so that it does not suspend, or use AsyncSesamy."
    ) == caught.value.args[0]
    assert outcome is caught.value.outcome
    assert (outcome is Outcome.APPLIED) is (
        len(sandbox.ledger.contracts("o-1")) == 1
    )


def test_stubborn_coroutines() -> None:
    """A coroutine that goes on suspending is ended all the same."""

    async def stubborn() -> None:
        while True:
            with suppress(ConfigurationError):
                await asyncio.sleep(0)

    with pytest.raises(ConfigurationError, match="stubborn") as caught:
        drive(stubborn())

    assert Outcome.UNKNOWN is caught.value.outcome


def test_a_coroutine_of_no_module() -> None:
    """What was made without a module is named as far as it has a name."""
    names: dict[str, Any] = {}
    exec("async def odd(it): await it", names)  # noqa: S102 - our own words

    with pytest.raises(ConfigurationError, match=r"^\.odd waits for"):
        drive(names["odd"](asyncio.sleep(0)))


def test_a_coroutine_that_recovers() -> None:
    """A coroutine may do without what it waited for."""

    async def recovers() -> int:
        with suppress(ConfigurationError):
            await asyncio.sleep(0)
        return 5

    assert 5 == drive(recovers())


def test_a_middleware_that_swallows_errors(sandbox: Sandbox) -> None:
    """A call goes on as long as its middleware makes do."""

    async def swallow(call: Call, proceed: Proceed) -> Response:
        with suppress(ConfigurationError):
            await asyncio.sleep(0)
        response = await proceed(call)
        with suppress(ConfigurationError):
            await asyncio.sleep(0)
        return response

    with Sesamy(transport=sandbox.transport(), middleware=[swallow]) as sesamy:
        contract = sesamy.contracts.create("SPRING-12", ORDER)

    assert [contract.id] == [
        each.id for each in sandbox.ledger.contracts("o-1")
    ]


def test_something_else_that_suspends(sandbox: Sandbox) -> None:
    """What suspends without being a coroutine is named by its type."""

    class Odd:
        def __await__(self) -> Any:
            yield

    def odd(call: Call, proceed: Proceed) -> Any:
        del call, proceed
        return Odd()

    with (
        Sesamy(transport=sandbox.transport(), middleware=[odd]) as sesamy,
        pytest.raises(ConfigurationError, match="awaitable of type generator"),
    ):
        sesamy.contracts.create("SPRING-12", ORDER)


async def test_blocking_waits_block() -> None:
    """Sleeping and waiting really take their time, and never suspend."""
    runtime = BlockingRuntime()
    event = runtime.event()
    start = time.monotonic()
    drive(runtime.sleep(0.01))

    assert not drive(event.wait(0.01))
    assert time.monotonic() - start >= 0.02

    event.set()

    assert drive(event.wait(float("inf")))
    assert 0 <= runtime.random() < 1
    assert abs(runtime.wall() - time.time()) < 5
    await anyio.lowlevel.checkpoint()
