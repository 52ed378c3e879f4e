"""Calls over a client or transport of the user's: it stays theirs.

What its exceptions say of the request depends on whose it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import anyio
import httpx
import httpx2
import pytest
import respx
from httpx_aiohttp import AiohttpTransport, HttpxAiohttpClient

from sesamy_async import (
    AsyncSesamy,
    ConnectionFailedError,
    Outcome,
    OutcomeUnknownError,
    Sesamy,
    StaticToken,
    UnreadableResponseError,
)
from sesamy_async._call import BlockingRuntime
from sesamy_async._http import bind
from sesamy_async.sandbox import Sandbox, running
from support.callers import client_for, through
from support.calling import AT_ONCE, World, create, onboard
from support.exchanges import a_call
from support.fault_server import FaultServer
from support.faults import answer, good
from support.foreign import (
    MOCK,
    Mine,
    Raising,
    Slow,
    created,
    hooked,
    raising,
)
from support.marks import every_loop, every_world
from support.patience import patiently
from support.ports import closed_port
from support.runtime import FakeRuntime
from support.wire import ORDER


BEFORE_SENDING = [
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.LocalProtocolError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
]


def test_dripping_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the chunks of any transport, the deadline is checked."""
    slow = Slow()
    monkeypatch.setattr(BlockingRuntime, "now", lambda _: slow.body.time)
    with (
        Sesamy(
            "acme", auth=StaticToken("t"), transport=slow, deadline=0.05
        ) as sesamy,
        pytest.raises(UnreadableResponseError) as caught,
    ):
        sesamy.contracts.create("P", ORDER)

    assert Outcome.APPLIED is caught.value.outcome
    assert slow.body.left


async def test_without_a_body_or_a_timeout() -> None:
    """A request without a body leaves at once; no timeout is no timeout."""
    settings: dict[str, Any] = {
        "auth": StaticToken("t"),
        "timeout": None,
        "deadline": None,
    }
    with running(Sandbox()) as url:
        async with AsyncSesamy("acme", base_url=url, **settings) as client:
            response = await client.request("GET", "/_sandbox/ledger")

    assert 200 == response.status_code


@every_world
@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_a_client_of_the_users(library: str, world: World) -> None:
    """Calls go over it, with its headers, and it is left open."""
    kind = "Client" if world is World.BLOCKING else "AsyncClient"
    make = partial(
        getattr(import_module(library), kind), headers={"X-Mine": "1"}
    )
    with FaultServer([], good) as server:
        endings, is_open = through(
            world, make, [create, create], base_url=server.url
        )

    assert ["c-1", "c-2"] == [ending.value.id for ending in endings]
    assert {"1"} == {each.headers["x-mine"] for each in server.received}
    assert (True, 1) == (is_open, server.connections)


@every_world
@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ({"Content-Encoding": "br"}, Outcome.UNKNOWN),
        ({"Content-Encoding": "gzip"}, Outcome.UNKNOWN),
        ({"Content-Length": "9"}, Outcome.APPLIED),
    ],
    ids=str,
)
def test_a_client_of_the_users_gets_its_connection_back(
    body: dict[str, str], outcome: Outcome, world: World
) -> None:
    """An answer that can't be read does not use up the client's pool."""
    limits = httpx.Limits(max_connections=1)
    make = partial(client_for, world, limits=limits)

    def attempt(timeout: float) -> tuple[object, str]:
        with FaultServer([answer(201, b"{}", body)], good) as server:
            (first, second), _ = through(
                world,
                make,
                [create, create],
                base_url=server.url,
                timeout=timeout,
            )
        return first.outcome, str(second.error)

    expected = outcome, "None"

    assert expected == patiently(expected, attempt, (0.1, 1.0, 10.0))


@every_world
def test_a_closed_client(world: World) -> None:
    """Nothing is sent through it."""

    def make() -> Any:
        client = client_for(world)
        if world is World.BLOCKING:
            client.close()
        else:
            client._state = httpx._client.ClientState.CLOSED
        return client

    (ending,), _ = through(world, make, [create])

    assert Outcome.NOT_SENT is ending.outcome


@every_world
def test_redirects(world: World) -> None:
    """They are not followed, even where the client would."""
    step = answer(307, b"", {"Location": "/elsewhere"})
    make = partial(client_for, world, follow_redirects=True)
    with FaultServer([step], good) as server:
        (ending,), _ = through(world, make, [create], base_url=server.url)

    assert Outcome.REFUSED is ending.outcome
    assert ["create"] == server.operations


@every_world
def test_the_log_line_of_httpx(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """It holds the URL, so it does not appear for calls of ours."""
    caplog.set_level(logging.INFO)
    with FaultServer([], good) as server:
        through(
            world,
            partial(client_for, world),
            [create],
            base_url=server.url,
        )
        with httpx.Client() as mine:
            mine.get(server.url)
    names = [record.name for record in caplog.records]

    assert ["sesamy_async", "httpx"] == names


@every_world
def test_a_mock_transport(world: World) -> None:
    """It sees what is sent, answers, and is not closed."""
    seen: list[httpx.Request] = []
    closed: list[str] = []

    class Theirs(httpx.MockTransport):
        def close(self) -> None:
            closed.append("by its user")

        async def aclose(self) -> None:
            self.close()

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(201, json={"id": "c-1"})

    (ending,), _ = through(world, partial(Theirs, handle), [create])

    assert "c-1" == ending.value.id
    assert b"order-1" in seen[0].content
    assert ["by its user"] == closed


@every_loop
@pytest.mark.parametrize("raises", [False, True])
def test_an_asgi_application(raises: bool, backend: str) -> None:
    """It is called without a socket; if it raises, it has the order."""
    orders: list[bytes] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        orders.append((await receive())["body"])
        assert "/payments/vendor/acme" in scope["path"]
        if raises:
            raise httpx.ConnectError("CANARY")
        head = {"type": "http.response.start", "status": 201, "headers": []}
        await send(head)
        await send({"type": "http.response.body", "body": b'{"id": "c-1"}'})

    make = partial(httpx.ASGITransport, app)
    (ending,), _ = through(World(backend), make, [create], retry=AT_ONCE)

    assert ending.outcome is (Outcome.UNKNOWN if raises else None)
    assert [True] == [b"order-1" in order for order in orders]


# aiohttp knows no other loop.
on_asyncio = pytest.mark.parametrize("anyio_backend", ["asyncio"])


@on_asyncio
@pytest.mark.parametrize("kind", [AiohttpTransport, HttpxAiohttpClient])
@pytest.mark.parametrize("confirm", [False, True])
async def test_a_connection_lost_in_httpx_aiohttp(
    kind: Any, confirm: bool, served: Sandbox
) -> None:
    """A connection lost after the create makes one contract, in doubt."""
    async with (
        kind() as theirs,
        AsyncSesamy(transport=theirs, retry=AT_ONCE) as sesamy,
    ):
        served.faults.add("drop-after", on="create", times=3)
        with pytest.raises(OutcomeUnknownError) as caught:
            await sesamy.contracts.create("SPRING-12", ORDER, confirm=confirm)

    assert (Outcome.UNKNOWN, 1) == (
        caught.value.outcome,
        caught.value.attempts,
    )
    assert 1 == served.ledger.count("o-1")
    assert "does not say whether the request was sent" in str(caught.value)


@on_asyncio
async def test_onboard_over_httpx_aiohttp(served: Sandbox) -> None:
    """However connections are lost, one contract gives access."""
    async with (
        AiohttpTransport() as theirs,
        AsyncSesamy(transport=theirs, retry=AT_ONCE) as sesamy,
    ):
        served.faults.add("drop-after", on="create")
        served.faults.add("drop-after", on="confirm")
        await sesamy.contracts.onboard("SPRING-12", ORDER)

    assert 1 == len(served.ledger.confirmed("o-1"))


@every_world
@pytest.mark.parametrize("error", BEFORE_SENDING)
def test_a_transport_that_is_not_known(
    error: type[Exception], world: World
) -> None:
    """No class of exception says that it has sent nothing."""
    given = Raising(error)
    (ending,), _ = through(world, lambda: given, [create], retry=AT_ONCE)

    assert (OutcomeUnknownError, Outcome.UNKNOWN, 1) == ending.facts
    assert 1 == given.taken
    assert "CANARY" not in str(ending.error)


@every_world
@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        (httpx.MockTransport, Outcome.NOT_SENT),
        (httpx2.MockTransport, Outcome.NOT_SENT),
        (Mine, Outcome.UNKNOWN),
    ],
)
def test_a_mock(kind: Any, outcome: Outcome, world: World) -> None:
    """Its errors mean what they mean in httpx; what derives from it not."""
    library = httpx2 if kind is httpx2.MockTransport else httpx
    make = partial(kind, raising(library.ConnectError))
    (ending,), _ = through(world, make, [create])

    assert (outcome, 1) == (ending.outcome, ending.failed.attempts)


@every_world
def test_an_own_transport_that_is_patched(world: World) -> None:
    """So do those of httpx's own transports on sockets."""
    blocking = world is World.BLOCKING
    own = httpx.HTTPTransport if blocking else httpx.AsyncHTTPTransport
    with respx.mock as mocked:
        mocked.post(host="api.sesamy.com").mock(side_effect=httpx.ConnectError)
        (ending,), _ = through(world, own, [create])

    assert Outcome.NOT_SENT is ending.outcome


@every_world
@pytest.mark.parametrize(
    "settings",
    [
        lambda _: {},
        lambda _: {"transport": Raising(httpx.ConnectError)},
        lambda _: {"transport": MOCK},
        lambda _: {"mounts": {"all://api.sesamy.com": MOCK}},
        partial(hooked, "request"),
        partial(hooked, "response", transport=httpx.MockTransport(created)),
    ],
    ids=["respx", "transport", "mock", "mount", "before", "after"],
)
def test_a_client_that_traces_nothing(
    settings: Callable[[World], dict[str, Any]], world: World
) -> None:
    """A client may send through anything: only the trace is believed."""
    with respx.mock(assert_all_called=False) as mocked:
        mocked.post(host="api.sesamy.com").mock(side_effect=httpx.ConnectError)
        make = partial(client_for, world, **settings(world))
        (ending,), _ = through(world, make, [create], retry=AT_ONCE)

    assert (OutcomeUnknownError, Outcome.UNKNOWN, 1) == ending.facts


@every_world
@pytest.mark.parametrize("client", [False, True])
def test_nobody_there(client: bool, world: World) -> None:
    """On a socket, the trace of a client tells that nothing was sent."""
    blocking = world is World.BLOCKING
    own = httpx.HTTPTransport if blocking else httpx.AsyncHTTPTransport
    make = partial(client_for, world) if client else own
    with closed_port() as port:
        (ending,), _ = through(
            world, make, [create], base_url=f"http://127.0.0.1:{port}"
        )

    assert (ConnectionFailedError, Outcome.NOT_SENT, 1) == ending.facts


@every_world
def test_a_hook_on_a_socket(world: World) -> None:
    """What raises after the request was sent leaves the order in doubt."""
    make = partial(client_for, world, **hooked("response", world))
    with FaultServer([], good) as server:
        (ending,), _ = through(world, make, [create], base_url=server.url)

    assert Outcome.UNKNOWN is ending.outcome


@every_world
def test_a_request_that_cannot_be_written(world: World) -> None:
    """What we can't write was not sent, whatever it would have gone over."""
    given = Raising(httpx.ConnectError)
    (ending,), _ = through(
        world, lambda: given, [create], base_url="https://a" + "b" * 70_000
    )

    assert (Outcome.NOT_SENT, 0) == (ending.outcome, given.taken)


@every_world
def test_an_unknown_transport_that_traces(world: World) -> None:
    """A wrapper that hands the trace on is as good as what it wraps."""
    blocking = world is World.BLOCKING

    class Wrapped(httpx.BaseTransport, httpx.AsyncBaseTransport):
        inner: Any = (
            httpx.HTTPTransport() if blocking else httpx.AsyncHTTPTransport()
        )

        def handle_request(self, request: httpx.Request) -> Any:
            return self.inner.handle_request(request)

        async def handle_async_request(self, request: httpx.Request) -> Any:
            return await self.inner.handle_async_request(request)

    with closed_port() as port:
        (ending,), _ = through(
            world, Wrapped, [onboard], base_url=f"http://127.0.0.1:{port}"
        )

    assert (ConnectionFailedError, Outcome.NOT_SENT, 1) == ending.facts


@every_world
def test_no_time_is_left(world: World) -> None:
    """Httpx gets a little: zero would mean something else to a socket."""
    seen: list[object] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.extensions["timeout"]["read"])
        return httpx.Response(201, json={"id": "c-1"})

    runtime = FakeRuntime()
    call = a_call(deadline=runtime.now())
    blocking = world is World.BLOCKING
    transport = bind(httpx.MockTransport(handle), runtime, blocking=blocking)
    anyio.run(transport.send, call)

    assert [0.001] == seen
