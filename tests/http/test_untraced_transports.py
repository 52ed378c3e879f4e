"""Transports and clients that do not tell what was sent, and those known."""

from __future__ import annotations

from functools import partial
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
    SesamyError,
    StaticToken,
)
from sesamy_async.sandbox import Sandbox, running
from support.callers import client_for, through
from support.calling import AT_ONCE, World, create, onboard
from support.marks import every_world
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
    """Takes a request, and raises this; of no trace it knows."""

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


@pytest.fixture
def anyio_backend() -> str:
    """Run on asyncio only: aiohttp knows no other loop."""
    return "asyncio"


@pytest.mark.parametrize("kind", [AiohttpTransport, HttpxAiohttpClient])
@pytest.mark.parametrize("confirm", [False, True])
async def test_a_connection_lost_in_httpx_aiohttp(
    kind: Any, confirm: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection lost after the create makes one contract, in doubt."""
    sandbox = Sandbox()
    with running(sandbox) as url:
        for name, value in sandbox.environment(url).items():
            monkeypatch.setenv(name, value)
        async with (
            kind() as theirs,
            AsyncSesamy(transport=theirs, retry=AT_ONCE) as sesamy,
        ):
            sandbox.faults.add("drop-after", on="create", times=3)
            with pytest.raises(OutcomeUnknownError) as caught:
                await sesamy.contracts.create(
                    "SPRING-12", ORDER, confirm=confirm
                )

    assert (Outcome.UNKNOWN, 1) == (
        caught.value.outcome,
        caught.value.attempts,
    )
    assert 1 == sandbox.ledger.count("o-1")
    assert "does not tell whether the request was sent" in str(caught.value)


async def test_onboard_over_httpx_aiohttp(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However connections are lost, one contract gives access."""
    sandbox = Sandbox()
    with running(sandbox) as url:
        for name, value in sandbox.environment(url).items():
            monkeypatch.setenv(name, value)
        async with (
            AiohttpTransport() as theirs,
            AsyncSesamy(transport=theirs, retry=AT_ONCE) as sesamy,
        ):
            sandbox.faults.add("drop-after", on="create")
            sandbox.faults.add("drop-after", on="confirm")
            await sesamy.contracts.onboard("SPRING-12", ORDER)

    assert 1 == len(sandbox.ledger.confirmed("o-1"))


async def test_nobody_there_over_httpx_aiohttp() -> None:
    """A refused connection is in doubt too: its exception proves nothing."""
    with closed_port() as port:
        async with (
            AiohttpTransport() as theirs,
            AsyncSesamy(
                "acme",
                auth=StaticToken("t"),
                base_url=f"http://127.0.0.1:{port}",
                transport=theirs,
            ) as sesamy,
        ):
            with pytest.raises(OutcomeUnknownError) as caught:
                await sesamy.contracts.create("SPRING-12", ORDER)

    assert 1 == caught.value.attempts


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
@pytest.mark.parametrize("error", BEFORE_SENDING)
@pytest.mark.parametrize("kind", [httpx.MockTransport, Mine])
def test_a_subclass_of_a_known_transport(
    kind: type[httpx.MockTransport], error: type[Exception], world: World
) -> None:
    """A mock is known; what derives from it is not."""
    (ending,), _ = through(world, partial(kind, raising(error)), [create])
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

    def check(response: httpx.Response) -> None:
        raise httpx.ConnectError("CANARY", request=response.request)

    async def acheck(response: httpx.Response) -> None:
        check(response)

    hook = check if world is World.BLOCKING else acheck
    mock = httpx.MockTransport(lambda _: httpx.Response(201))
    make = partial(
        client_for, world, transport=mock, event_hooks={"response": [hook]}
    )
    (ending,), _ = through(world, make, [create], retry=AT_ONCE)

    assert (OutcomeUnknownError, Outcome.UNKNOWN, 1) == ending.facts


@every_world
@pytest.mark.parametrize("when", ["request", "response"])
def test_a_hook_of_a_client_on_sockets(when: str, world: World) -> None:
    """On a real connection the trace knows on which side a hook raised."""

    def check(_: object) -> None:
        raise httpx.ConnectError("CANARY")

    async def acheck(_: object) -> None:
        check(_)

    hook = check if world is World.BLOCKING else acheck
    sandbox = Sandbox()
    make = partial(client_for, world, event_hooks={when: [hook]})
    with running(sandbox) as url:
        (ending,), _ = through(world, make, [create], base_url=url)
    before = when == "request"

    assert ending.outcome is (Outcome.NOT_SENT if before else Outcome.UNKNOWN)


async def test_an_application_that_raises() -> None:
    """An application that raises has the order already."""
    orders: list[bytes] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del scope, send
        orders.append((await receive())["body"])
        raise httpx.ConnectError("CANARY")

    async with AsyncSesamy(
        "acme",
        auth=StaticToken("t"),
        transport=httpx.ASGITransport(app),
        retry=AT_ONCE,
    ) as sesamy:
        with pytest.raises(SesamyError) as caught:
            await sesamy.contracts.create("SPRING-12", ORDER)

    assert (Outcome.UNKNOWN, 1) == (caught.value.outcome, len(orders))


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

    class Wrapped(httpx.BaseTransport, httpx.AsyncBaseTransport):
        def __init__(self) -> None:
            self.inner: Any = (
                httpx.HTTPTransport()
                if world is World.BLOCKING
                else httpx.AsyncHTTPTransport()
            )

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            response: httpx.Response = self.inner.handle_request(request)
            return response

        async def handle_async_request(
            self, request: httpx.Request
        ) -> httpx.Response:
            response: httpx.Response = await self.inner.handle_async_request(
                request
            )
            return response

    with closed_port() as port:
        (ending,), _ = through(
            world, Wrapped, [onboard], base_url=f"http://127.0.0.1:{port}"
        )

    assert (ConnectionFailedError, Outcome.NOT_SENT, 1) == ending.facts
