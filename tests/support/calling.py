"""The same operations, made on asyncio, on trio and blocking."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Any, TypeVar

import anyio
import attrs

from sesamy_async import (
    Address,
    AsyncSesamy,
    Call,
    Middleware,
    NewContract,
    Outcome,
    PaymentMethod,
    PaymentProvider,
    Proceed,
    Response,
    RetryPolicy,
    Sesamy,
    SesamyError,
    StaticToken,
    User,
)


ORDER = NewContract(
    external_order_id="order-1",
    payment_provider=PaymentProvider.KLARNA,
    payment_method=PaymentMethod.CARD,
    quantity=1,
    user_data=User(
        email="grace@example.com",
        full_name="Grace Hopper",
        address=Address(country="SE", city="Lund"),
    ),
)
ONCE = RetryPolicy(attempts=1)
AT_ONCE = RetryPolicy(attempts=3, base=0.0)

Operation = Callable[[Any], Any]
"""Takes a client; returns the result, or what has to be awaited for it."""


def create(client: Any) -> Any:
    """Make a contract, without confirming it."""
    return client.contracts.create("SPRING", ORDER)


def confirm(client: Any) -> Any:
    """Confirm a contract."""
    return client.contracts.confirm("SPRING", "c-9")


def onboard(client: Any) -> Any:
    """Make a contract and confirm it."""
    return client.contracts.onboard("SPRING", ORDER)


def post_much(client: Any) -> Any:
    """Send 16 MB: more than the buffers between us and the server take."""
    return client.request("POST", "/much", json={"x" * 16_000_000: 1})


def spoiled(**changes: Any) -> Middleware:
    """Return a middleware that changes the request on its way out."""

    async def spoil(call: Call, proceed: Proceed) -> Response:
        request = attrs.evolve(call.request, **changes)
        return await proceed(attrs.evolve(call, request=request))

    return spoil


def later(seconds: float, operation: Operation) -> Operation:
    """Wait a while, then do it."""

    async def wait(client: Any) -> Any:
        await anyio.sleep(seconds)
        return await operation(client)

    def block(client: Any) -> Any:
        time.sleep(seconds)
        return operation(client)

    return either(wait, block)


def either(wait: Operation, block: Operation) -> Operation:
    """Do one thing with an async client, another one with a blocking one."""
    return lambda client: (
        wait(client) if isinstance(client, AsyncSesamy) else block(client)
    )


def hasty(deadline: float, operation: Operation) -> Operation:
    """Do it with a deadline of its own."""
    return lambda client: operation(client.with_options(deadline=deadline))


@attrs.frozen(kw_only=True)
class Ending:
    """How an operation ended."""

    value: Any = None
    error: SesamyError | None = None
    seconds: float = 0.0

    @property
    def outcome(self) -> Outcome | None:
        """Return the outcome that the error names, if it is one."""
        return None if self.error is None else self.error.outcome

    @property
    def failed(self) -> SesamyError:
        """Return the error; fail the test where there is none."""
        assert self.error is not None, f"returned {self.value!r}"
        return self.error

    @property
    def facts(self) -> tuple[Any, ...]:
        """Return what the error says: class, outcome, attempts.

        Nothing, where there is none: an attempt of `patiently` may have to
        be repeated.
        """
        if self.error is None:
            return ()
        return type(self.error), self.error.outcome, self.error.attempts


_T = TypeVar("_T")

Steps = Generator[Operation, Ending, _T]
"""Yields operations, each when it has seen how the one before ended."""


class World(StrEnum):
    """Where a client runs."""

    ASYNCIO = "asyncio"
    TRIO = "trio"
    BLOCKING = "blocking"

    def run(
        self, operations: Sequence[Operation], **settings: Any
    ) -> list[Ending]:
        """Make a client and do one operation after the other."""
        return self.steered(_in_turn(operations), **settings)

    def one(self, operation: Operation, **settings: Any) -> Ending:
        """Make a client and do one operation."""
        return self.run([operation], **settings)[0]

    def steered(self, steps: Steps[_T], **settings: Any) -> _T:
        """Make a client and do what the steps yield; they see each ending."""
        settings = complete(settings)
        if self is not World.BLOCKING:
            return anyio.run(_steer, steps, settings, backend=str(self))
        with Sesamy(**settings) as client:
            try:
                operation = next(steps)
                while True:
                    operation = steps.send(blocked(operation, client))
            except StopIteration as end:
                returned: _T = end.value
                return returned
            finally:
                # A client of the caller's, which Sesamy leaves open.
                if hasattr(settings.get("transport"), "send"):
                    settings["transport"].close()

    def together(
        self,
        operations: Sequence[Operation],
        *,
        threads: int = 8,
        **settings: Any,
    ) -> list[Ending]:
        """Make a client and do all operations at the same time."""
        settings = complete(settings)
        if self is not World.BLOCKING:
            return anyio.run(_at_once, operations, settings, backend=str(self))
        with (
            Sesamy(**settings) as client,
            ThreadPoolExecutor(threads) as pool,
        ):
            return list(
                pool.map(lambda each: blocked(each, client), operations)
            )


WORLDS = tuple(World)


def _in_turn(operations: Iterable[Operation]) -> Steps[list[Ending]]:
    endings: list[Ending] = []
    for each in operations:
        endings.append((yield each))  # noqa: PERF401 - none can yield
    return endings


async def _steer(steps: Steps[_T], settings: dict[str, Any]) -> _T:
    async with AsyncSesamy(**settings) as client:
        try:
            operation = next(steps)
            while True:
                operation = steps.send(await awaited(operation, client))
        except StopIteration as end:
            returned: _T = end.value
            return returned
        finally:
            # A client of the caller's, which AsyncSesamy leaves open.
            if hasattr(settings.get("transport"), "send"):
                await settings["transport"].aclose()


async def _at_once(
    operations: Sequence[Operation], settings: dict[str, Any]
) -> list[Ending]:
    endings: dict[int, Ending] = {}

    async def store(number: int, operation: Operation) -> None:
        endings[number] = await awaited(operation, client)

    async with (
        AsyncSesamy(**settings) as client,
        anyio.create_task_group() as group,
    ):
        for number, operation in enumerate(operations):
            group.start_soon(store, number, operation)
    return [endings[number] for number in range(len(operations))]


async def awaited(operation: Operation, client: Any) -> Ending:
    """Do one operation and say how it ended."""
    start = time.monotonic()
    try:
        value = await operation(client)
    except SesamyError as error:
        return Ending(error=error, seconds=time.monotonic() - start)
    return Ending(value=value, seconds=time.monotonic() - start)


def blocked(operation: Operation, client: Any) -> Ending:
    """Do one operation, blocking, and say how it ended."""
    start = time.monotonic()
    try:
        value = operation(client)
    except SesamyError as error:
        return Ending(error=error, seconds=time.monotonic() - start)
    return Ending(value=value, seconds=time.monotonic() - start)


def complete(settings: dict[str, Any]) -> dict[str, Any]:
    """Add settings with which nothing is late on a busy machine.

    A test that waits until something is late says so itself.
    """
    defaults: dict[str, Any] = {
        "vendor_id": "acme",
        "timeout": 20.0,
        "deadline": 40.0,
        "retry": ONCE,
        "rate_limit": None,
    }
    if "client_id" not in settings:
        defaults["auth"] = StaticToken("token")
    return {**defaults, **settings}
