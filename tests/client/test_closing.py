"""Copies of a client, by `with_options` or a pickle, and closing."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest
import respx

from sesamy_async import (
    AsyncSesamy,
    Call,
    ConfigurationError,
    ConnectionFailedError,
    Connections,
    Outcome,
    Proceed,
    RateLimit,
    Response,
    RetryPolicy,
    Sesamy,
    StaticToken,
)
from sesamy_async._call import AnyioRuntime, Lifetime
from sesamy_async._http.peers import HttpxPeer
from sesamy_async._http.transport import HttpTransport
from sesamy_async.sandbox import Sandbox
from support.calling import Operation, create
from support.exchanges import a_call
from support.runtime import FakeRuntime
from support.wire import API, ORDER, QUICK


async def test_options_share(api: respx.Router, client: AsyncSesamy) -> None:
    """A copy shares the token; its headers and vendor are its own."""
    route = api.post(url__regex=".*/vendor/other/.*").respond(json={"id": "c"})
    api.post(f"{API}?confirm=false").respond(json={"id": "c"})
    other = client.with_options(
        vendor_id="other",
        headers={"X-Trace": "1"},
        timeout=5,
        deadline=math.inf,
        retry=RetryPolicy(attempts=1),
    ).with_options(headers={"X-More": "2"})
    await client.contracts.create("SPRING-12", ORDER)
    await other.contracts.create("SPRING-12", ORDER)
    headers = route.calls.last.request.headers

    assert 1 == api["token"].call_count
    assert ("1", "2") == (headers["x-trace"], headers["x-more"])


CLIENT = Sesamy("acme", auth=StaticToken("t"))
ASYNC_CLIENT = AsyncSesamy("acme", auth=StaticToken("t"))


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
@pytest.mark.parametrize(
    "thing",
    [
        CLIENT,
        CLIENT.contracts,
        ASYNC_CLIENT,
        ASYNC_CLIENT.contracts,
        ASYNC_CLIENT.with_options(timeout=5),
        Connections(proxy="http://me:CANARY@proxy.test"),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_a_client_is_not_pickled(
    thing: object, copied: Callable[[object], object]
) -> None:
    """It says to make one in each process, and how to get a copy."""
    with pytest.raises(TypeError) as caught:
        copied(thing)

    assert str(caught.value).startswith(f"{type(thing).__name__} can't be ")
    assert "Create a client in each process" in str(caught.value)
    assert "with_options()" in str(caught.value)
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        RetryPolicy(attempts=2),
        RateLimit(requests=3),
    ],
    ids=lambda value: type(value).__name__,
)
def test_settings_can_be_pickled(value: object) -> None:
    """So a process can make a client of the same settings."""
    again = pickle.loads(pickle.dumps(value))  # noqa: S301 - ours

    assert value == again == copy.copy(value) == copy.deepcopy(value)


async def test_closing_a_copy(api: respx.Router, client: AsyncSesamy) -> None:
    """A copy that is closed leaves its client open."""
    api.post(f"{API}?confirm=false").respond(json={"id": "c"})
    async with client.with_options(timeout=5) as other:
        await other.contracts.create("SPRING-12", ORDER)

    assert "c" == (await client.contracts.create("SPRING-12", ORDER)).id


@pytest.mark.parametrize("act", [create, lambda client: client.ready()])
@pytest.mark.parametrize("copied", [False, True])
async def test_closed(
    client: AsyncSesamy, act: Operation, copied: bool
) -> None:
    """A closed client refuses calls, and so do its copies."""
    blocking = Sesamy("acme", auth=StaticToken("t"))
    each, other = client, blocking
    if copied:
        each, other = client.with_options(), blocking.with_options()
    await client.aclose()
    await client.aclose()
    blocking.close()
    with pytest.raises(ConfigurationError, match="closed"):
        await act(each)
    with pytest.raises(ConfigurationError, match="closed"):
        act(other)


def test_a_copy_whose_client_nobody_holds(served: Sandbox) -> None:
    """It warns at its end, for nothing else will close the connections."""
    del served
    other = Sesamy().with_options(timeout=5)
    gc.collect()
    with other:
        other.contracts.create("SPRING-12", ORDER)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        del other
        words = [str(each.message) for each in told]
        # The warning kept the client alive, and with it its socket.
        told.clear()
        gc.collect()
        words += [str(each.message) for each in told]

    assert any("unclosed Sesamy(vendor_id='acme'" in word for word in words)
    assert any("socket" in word for word in words)


class Stubborn(HttpxPeer):
    """A connection that can't be closed without trouble."""

    async def aclose(self) -> None:
        """Fail."""
        raise OSError("It can't be closed.")


def make(
    answer: Any, kind: type[HttpxPeer] = Stubborn, idle: float = 0.0
) -> HttpTransport:
    """Return a transport over such connections."""
    mock = httpx.MockTransport(answer)
    return HttpTransport(
        lambda _: kind(httpx, mock, blocking=False),
        lambda: False,
        AnyioRuntime(),
        Connections(idle=idle),
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


async def test_closed_during_a_call(served: Sandbox) -> None:
    """A call that ends after its client was closed leaves nothing open."""
    client = AsyncSesamy()
    await client.contracts.create("SPRING-12", ORDER)
    served.faults.add("delay:0.5", on="create")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.contracts.create, "SPRING-12", ORDER)
        while served.ledger.requests("create") < 2:  # noqa: ASYNC110 - a thread serves
            await anyio.sleep(0.01)
        await client.aclose()

    assert not client._caller.shared.exchange.transport.used


async def test_closed_during_a_wait(
    served: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that waits for its turn meanwhile opens no new connection."""
    client = AsyncSesamy(rate_limit=RateLimit(requests=5, per=1, burst=1))
    await client.contracts.create("SPRING-12", ORDER)
    turn = anyio.Event()

    async def wait(*_: object) -> None:
        await turn.wait()

    monkeypatch.setattr(AnyioRuntime, "sleep", wait)

    async def late() -> None:
        with pytest.raises(ConfigurationError, match="closed") as caught:
            await client.contracts.create("SPRING-12", ORDER)

        assert Outcome.NOT_SENT is caught.value.outcome

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(late)
        await anyio.wait_all_tasks_blocked()
        await client.aclose()
        turn.set()

    assert not client._caller.shared.exchange.transport.used
    assert 1 == len(served.ledger.contracts(ORDER.external_order_id))


async def test_after_a_fork() -> None:
    """A child can connect, whoever held the lock."""
    transport = make(lambda _: httpx.Response(200, content=b"{}"))
    transport._pools._lock.acquire()
    transport._pools.after_fork()
    response = await transport.send(a_call(deadline=math.inf))

    assert 200 == response.status_code


async def test_cancelled_while_it_closes() -> None:
    """A task that is cancelled then has closed all that nobody else knows.

    On asyncio, no shield keeps off what cancels a task by its own name.
    """

    class Cancelled(BaseException):
        pass

    class Last(HttpxPeer):
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
    transport = make(both_at_once, Last, 4.0)
    async with anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(transport.send, a_call(deadline=math.inf))
    with pytest.raises(Cancelled):
        await transport.aclose()

    assert 2 == len(closed)


def test_connections_of_a_copy_are_missed(served: Sandbox) -> None:
    """A client that is not closed warns of those of its copies, too."""
    del served
    client = Sesamy()
    other = client.with_options(transport=Connections())
    other.contracts.create("SPRING-12", ORDER)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        del client, other
        words = [str(each.message) for each in told]
        told.clear()
        gc.collect()

    assert any("unclosed Sesamy(" in word for word in words)


@pytest.mark.parametrize(
    ("life", "call"),
    [
        (Lifetime(closing=True), {}),
        (Lifetime(closing=True), {"completes": False}),
        (Lifetime(closed=True), {}),
        (Lifetime(closed=True, closing=True), {"completes": True}),
    ],
)
def test_what_a_client_that_closes_refuses(
    life: Lifetime, call: dict[str, bool]
) -> None:
    """All but what completes other calls, and in the end that, too."""
    with pytest.raises(ConfigurationError) as caught:
        life.check_open(**call)
    error = caught.value

    assert "This client is closed. Make a new one." == error.args[0]
    assert (Outcome.NOT_SENT, True) == (error.outcome, error.retryable)
    Lifetime().check_open()
    Lifetime(closing=True).check_open(completes=True)


@pytest.mark.parametrize(
    ("begun", "within", "waits"),
    [(set[object](), 1.0, 0), ({"x"}, 0.0, 0), ({"x"}, 0.05, 3)],
)
async def test_waits_only_for_what_has_begun(
    begun: set[object], within: float, waits: int
) -> None:
    """And not for longer than it may; then everything is closed."""
    life, runtime = Lifetime(begun={*begun}), FakeRuntime()
    seen: list[tuple[bool, bool]] = []

    async def close() -> None:
        seen.append((life.closing, life.closed))

    life.ends.append(close)
    await life.end(runtime, within)

    assert [0.02] * waits == runtime.slept
    assert [(True, True)] == seen


async def test_closes_the_rest_if_something_fails() -> None:
    """A transport that can't be closed does not leave a store open."""
    life = Lifetime()
    closed: list[str] = []

    async def fail() -> None:
        raise OSError("stuck")

    async def close() -> None:
        closed.append("closed")

    life.ends += [close, fail, close]
    with pytest.raises(OSError, match="stuck"):
        await life.end(AnyioRuntime(), 0.0)

    assert ["closed"] * 2 == closed


async def test_closes_once() -> None:
    """Also if it is closed twice at once, or what ends takes its time."""
    life = Lifetime()
    closed: list[str] = []

    async def close() -> None:
        closed.append("closed")
        await anyio.sleep(0.01)

    life.ends.append(close)
    async with anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(life.end, AnyioRuntime(), 0.0)

    assert ["closed"] == closed


def test_copies_of_copies_are_forgotten() -> None:
    """A client that is replaced by its copy again and again holds none."""
    other = ASYNC_CLIENT.with_options(timeout=1)
    seen = weakref.ref(other)
    other = other.with_options(timeout=2)

    assert seen() is None
    assert other.vendor_id


async def test_a_closed_client_tries_nothing_again(
    client: AsyncSesamy,
) -> None:
    """What was about to be sent ends at once, so that a service can stop."""

    async def close(call: Call, proceed: Proceed) -> Response:
        await client.aclose(0)
        return await proceed(call)

    patient = RetryPolicy(base=60.0, cap=60.0)
    other = client.with_options(middleware=[close], retry=patient)
    with (
        anyio.fail_after(5),
        pytest.raises(ConfigurationError, match="closed") as caught,
    ):
        await other.contracts.onboard("SPRING-12", ORDER)

    assert caught.value.retryable
