"""Calls go over a client or transport of the caller's, which stays theirs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import pytest
import respx

from sesamy_async import (
    AsyncSesamy,
    Outcome,
    Sesamy,
    StaticToken,
    UnreadableResponseError,
)
from sesamy_async._call import BlockingRuntime
from sesamy_async.sandbox import Sandbox, running
from support.callers import client_for, through
from support.calling import World, create
from support.fault_server import FaultServer
from support.faults import answer, good
from support.marks import every_loop, every_world
from support.patience import patiently
from support.wire import ORDER


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
    """Between the chunks of any transport the deadline is looked at."""
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
def test_a_client_of_the_callers(world: World) -> None:
    """Calls go over it, with its headers, and it is left open."""
    make = partial(client_for, world, headers={"X-Mine": "1"})
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
def test_a_client_of_the_callers_gets_its_connection_back(
    body: dict[str, str], outcome: Outcome, world: World
) -> None:
    """An answer that can't be read does not use up the caller's pool."""
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

    assert expected == patiently(expected, attempt)


@every_world
def test_a_closed_client_of_the_callers(world: World) -> None:
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
def test_redirects_of_the_callers_client(world: World) -> None:
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
    """A handler of the caller's answers, and sees what is sent."""
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(201, json={"id": "c-1"})

    make = partial(httpx.MockTransport, handle)
    (ending,), _ = through(world, make, [create])

    assert "c-1" == ending.value.id
    assert b"order-1" in seen[0].content


@every_loop
def test_an_asgi_application(backend: str) -> None:
    """It is called without a socket."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        head = {"type": "http.response.start", "status": 201, "headers": []}
        body = {"type": "http.response.body", "body": b'{"id": "c-1"}'}
        assert b"order-1" in (await receive())["body"]
        assert "/payments/vendor/acme" in scope["path"]
        await send(head)
        await send(body)

    make = partial(httpx.ASGITransport, app)
    (ending,), _ = through(World(backend), make, [create])

    assert "c-1" == ending.value.id


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
