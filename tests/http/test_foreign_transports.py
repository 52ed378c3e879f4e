"""Calls over a client or transport of the user's: it stays theirs.

What its exceptions say of the request depends on whose it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any

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
from sesamy_async.sandbox import Sandbox, running
from support.callers import client_for, through
from support.calling import AT_ONCE, World, create, onboard
from support.fault_server import FaultServer
from support.faults import answer, good
from support.marks import every_loop, every_world
from support.patience import patiently
from support.ports import closed_port
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


class Raising(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Takes a request, and raises this; it does not trace anything."""

    def __init__(self, error: type[Exception]) -> None:
        self.error = error
        self.taken = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raise."""
        del request
        self.taken += 1
        raise self.error("CANARY")

    async def handle_async_request(
        self, request: httpx.Request
    ) -> httpx.Response:
        """Raise."""
        return self.handle_request(request)


class Mine(httpx.MockTransport):
    """A subclass, which may do anything."""


def raising(error: type[Exception]) -> Any:
    """Return a handler that raises."""

    def handle(request: httpx.Request) -> httpx.Response:
        raise error(f"CANARY of {request.method}")

    return handle


def hook_that_raises(world: World) -> Callable[[object], Any]:
    """Return a hook for events of a client."""

    def hook(_: object) -> None:
        raise httpx.ConnectError("CANARY")

    async def async_hook(_: object) -> None:
        hook(_)

    return hook if world is World.BLOCKING else async_hook


class Dripping(httpx.SyncByteStream):
    """Yields a little now and then, but not for ever."""

    def __init__(self) -> None:
        self.left = 100
        self.time = 0.0

    def __iter__(self) -> Iterator[bytes]:
        while self.left:
            self.left -= 1
            self.time += 0.01
            yield b"{"


class Slow(httpx.BaseTransport):
    """Answers with a body that drips."""

    def __init__(self) -> None:
        self.body = Dripping()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        del request
        return httpx.Response(200, stream=self.body)


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


@every_world
@pytest.mark.parametrize(
    ("effect", "outcome"),
    [
        (httpx.ReadTimeout, Outcome.UNKNOWN),
        (httpx.WriteTimeout, Outcome.UNKNOWN),
        (httpx.ReadError, Outcome.UNKNOWN),
        (httpx.RemoteProtocolError, Outcome.UNKNOWN),
        (RuntimeError, Outcome.UNKNOWN),
        (httpx.ConnectError, Outcome.NOT_SENT),
        (httpx.ConnectTimeout, Outcome.NOT_SENT),
        (httpx.PoolTimeout, Outcome.NOT_SENT),
        (httpx.ProxyError, Outcome.NOT_SENT),
    ],
)
def test_what_respx_raises(
    effect: type[Exception], outcome: Outcome, world: World
) -> None:
    """Where nothing can be traced, the class of the error decides."""
    with respx.mock as mocked:
        route = mocked.post(host="api.sesamy.com").mock(side_effect=effect)
        (ending,), _ = through(world, partial(client_for, world), [create])

    assert (outcome, 1) == (ending.outcome, ending.failed.attempts)
    assert 1 == route.call_count


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
    assert "does not tell whether the request was sent" in str(caught.value)


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


def test_nobody_there_over_httpx_aiohttp() -> None:
    """A refused connection is in doubt too: its exception proves nothing."""
    with closed_port() as port:
        (ending,), _ = through(
            World.ASYNCIO,
            AiohttpTransport,
            [create],
            base_url=f"http://127.0.0.1:{port}",
        )

    assert (OutcomeUnknownError, Outcome.UNKNOWN, 1) == ending.facts


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
@pytest.mark.parametrize("kind", [httpx.MockTransport, Mine])
def test_a_subclass_of_a_known_transport(
    kind: type[httpx.MockTransport], world: World
) -> None:
    """A mock is known; what derives from it is not."""
    make = partial(kind, raising(httpx.ConnectError))
    (ending,), _ = through(world, make, [create])
    known = kind is httpx.MockTransport

    assert ending.outcome is (Outcome.NOT_SENT if known else Outcome.UNKNOWN)


@every_world
def test_a_mock_of_httpx2(world: World) -> None:
    """httpx2's own transports are known as well as httpx's."""

    def handle(request: Any) -> Any:
        raise httpx2.ConnectError("refused", request=request)

    make = partial(httpx2.MockTransport, handle)
    (ending,), _ = through(world, make, [create])

    assert (ConnectionFailedError, Outcome.NOT_SENT, 1) == ending.facts


@every_world
@pytest.mark.parametrize(
    ("settings", "outcome"),
    [
        ({}, Outcome.NOT_SENT),
        ({"transport": Raising(httpx.ConnectError)}, Outcome.UNKNOWN),
        (
            {"mounts": {"all://other.test": Raising(httpx.ConnectError)}},
            Outcome.UNKNOWN,
        ),
        ({"mounts": {"all://other.test": None}}, Outcome.NOT_SENT),
        (
            {"transport": httpx.MockTransport(raising(httpx.ConnectError))},
            Outcome.NOT_SENT,
        ),
    ],
    ids=["own", "transport", "mount", "no mount", "mock"],
)
def test_a_client_whose_transports_are_known(
    settings: dict[str, Any], outcome: Outcome, world: World
) -> None:
    """A client is known as far as everything it can send through is."""
    with respx.mock(assert_all_called=False) as mocked:
        mocked.post(host="api.sesamy.com").mock(side_effect=httpx.ConnectError)
        (ending,), _ = through(
            world, partial(client_for, world, **settings), [create]
        )

    assert outcome is ending.outcome


@every_world
def test_a_subclass_of_a_client(world: World) -> None:
    """What derives from a client may send by itself."""
    blocking = world is World.BLOCKING
    base: Any = httpx.Client if blocking else httpx.AsyncClient
    kind = type("Mine", (base,), {})
    mock = httpx.MockTransport(raising(httpx.ConnectError))
    (ending,), _ = through(world, lambda: kind(transport=mock), [create])

    assert Outcome.UNKNOWN is ending.outcome


@every_world
def test_a_hook_that_raises_after_a_mock_answered(world: World) -> None:
    """A hook for answers runs when all is done, whatever it raises."""
    mock = httpx.MockTransport(lambda _: httpx.Response(201))
    hooks = {"response": [hook_that_raises(world)]}
    make = partial(client_for, world, transport=mock, event_hooks=hooks)
    (ending,), _ = through(world, make, [create], retry=AT_ONCE)

    assert (OutcomeUnknownError, Outcome.UNKNOWN, 1) == ending.facts


@every_world
@pytest.mark.parametrize("when", ["request", "response"])
def test_a_hook_of_a_client_on_sockets(when: str, world: World) -> None:
    """On a real connection the trace knows on which side a hook raised."""
    hooks = {when: [hook_that_raises(world)]}
    make = partial(client_for, world, event_hooks=hooks)
    with FaultServer([], good) as server:
        (ending,), _ = through(world, make, [create], base_url=server.url)
    before = when == "request"

    assert ending.outcome is (Outcome.NOT_SENT if before else Outcome.UNKNOWN)


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
