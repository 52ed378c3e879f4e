"""What closing does to calls, and what trouble with it does not."""

from __future__ import annotations

import math
from typing import Any

import anyio
import httpx
import pytest

from sesamy_async import (
    ConfigurationError,
    ConnectionFailedError,
    Outcome,
    RateLimit,
    SesamyError,
    StaticToken,
)
from sesamy_async._call import AnyioRuntime
from sesamy_async._client import AsyncSesamy
from sesamy_async._http import (
    AsyncAdapter,
    Connections,
    HttpxTransport,
    by_async_transport,
    load_library,
)
from sesamy_async.sandbox import Sandbox, running
from support.calling import ORDER
from support.exchanges import a_call
from support.wire import QUICK


class Stubborn(AsyncAdapter):
    """A connection that can't be closed without trouble."""

    async def aclose(self) -> None:
        """Fail."""
        raise OSError("It can't be closed.")


def make(answer: Any) -> HttpxTransport:
    """Return a transport over such connections."""
    transport = httpx.MockTransport(answer)
    return HttpxTransport(
        lambda _: Stubborn(through=transport, handle=by_async_transport),
        AnyioRuntime(),
        Connections(idle=0.0),
        load_library("httpx"),
    )


async def test_trouble_with_a_stale_connection() -> None:
    """A complete answer stays one, whatever becomes of old connections."""
    transport = make(lambda _: httpx.Response(200, content=b"{}"))
    for _ in range(2):
        response = await transport.send(a_call(deadline=math.inf))

        assert 200 == response.status_code


async def test_trouble_with_a_failed_connection() -> None:
    """A failure stays what it is, whatever becomes of its connection."""

    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    client = AsyncSesamy("acme", auth=StaticToken("t"))
    object.__setattr__(client._caller.shared.exchange, "transport", make(fail))
    with pytest.raises(ConnectionFailedError) as caught:
        await client.with_options(retry=QUICK).contracts.create("P", ORDER)

    assert 4 == caught.value.attempts


async def test_closed_during_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that ends after its client was closed leaves nothing open."""
    sandbox = Sandbox()
    with running(sandbox) as url:
        for name, value in sandbox.environment(url).items():
            monkeypatch.setenv(name, value)
        client = AsyncSesamy()
        await client.contracts.create("SPRING-12", ORDER)
        sandbox.faults.add("delay:0.5", on="create")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.contracts.create, "SPRING-12", ORDER)
            while sandbox.ledger.requests("create") < 2:  # noqa: ASYNC110 - a thread serves
                await anyio.sleep(0.01)
            await client.aclose()

        assert not client._caller.shared.exchange.transport.used


async def test_closed_during_a_wait(
    served: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that waits for its turn meanwhile opens no new connection."""
    client = AsyncSesamy(rate_limit=RateLimit(requests=5, per=1, burst=1))
    await client.contracts.create("SPRING-12", ORDER)
    errors: list[SesamyError] = []
    turn = anyio.Event()

    async def wait(*_: object) -> None:
        await turn.wait()

    monkeypatch.setattr(AnyioRuntime, "sleep", wait)

    async def late() -> None:
        with pytest.raises(ConfigurationError, match="closed") as caught:
            await client.contracts.create("SPRING-12", ORDER)
        errors.append(caught.value)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(late)
        await anyio.wait_all_tasks_blocked()
        await client.aclose()
        turn.set()

    assert [Outcome.NOT_SENT] == [error.outcome for error in errors]
    assert not client._caller.shared.exchange.transport.used
    assert 1 == len(served.ledger.contracts(ORDER.external_order_id))


async def test_after_a_fork() -> None:
    """A child can connect, whoever held the lock."""
    transport = make(lambda _: httpx.Response(200, content=b"{}"))
    transport._lock.acquire()
    transport.after_fork()
    response = await transport.send(a_call(deadline=math.inf))

    assert 200 == response.status_code


async def test_cancelled_while_it_closes() -> None:
    """A task that is cancelled then has closed all that nobody else knows.

    On asyncio, no shield keeps off what cancels a task by its own name.
    """

    class Cancelled(BaseException):
        pass

    class Last(AsyncAdapter):
        async def aclose(self) -> None:
            closed.append(self)
            raise Cancelled

    async def both_at_once(request: httpx.Request) -> httpx.Response:
        under_way.append(request)
        while len(under_way) == 1:
            await anyio.lowlevel.checkpoint()
        return httpx.Response(200)

    closed: list[Last] = []
    under_way: list[httpx.Request] = []
    inner = httpx.MockTransport(both_at_once)
    transport = HttpxTransport(
        lambda _: Last(through=inner, handle=by_async_transport),
        AnyioRuntime(),
        Connections(),
        load_library("httpx"),
    )
    async with anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(transport.send, a_call(deadline=math.inf))
    with pytest.raises(Cancelled):
        await transport.aclose()

    assert 2 == len(closed)
