"""`ready` gets a token and opens a connection, and sends no operation."""

from __future__ import annotations

import time
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest

from sesamy_async import (
    AsyncSesamy,
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    Connections,
    DeadlineExceededError,
    Outcome,
    RateLimit,
    Response,
    StaticToken,
)
from sesamy_async.idempotency import MemoryStore, StoreUnavailable
from sesamy_async.sandbox import Sandbox
from support.calling import ORDER, World, create
from support.fault_server import FaultServer, Peer
from support.faults import good, hang, refuse_tunnel, tunnel
from support.marks import every_world
from support.ports import closed_port
from support.reaching import Settings, forwarded, through_proxy
from support.tls import client_context, server_context


def ready(client: Any) -> Any:
    """Get ready."""
    return client.ready()


def ended(peer: Peer) -> None:
    """End the connection as soon as it is there."""
    peer.secure()
    peer.close()


def spoken(peer: Peer) -> None:
    """Speak without having been asked."""
    peer.secure()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    peer.read_request()


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
@pytest.mark.parametrize("secure", [False, True])
@every_world
def test_the_first_order_needs_no_handshake(
    world: World, secure: bool, library: Any
) -> None:
    """It goes over the connection that is open already, as the next one.

    No middleware sees `ready`, and it takes no place in the pace.
    """
    seen: list[str] = []

    async def note(call: Any, proceed: Any) -> Response:
        seen.append(call.operation)
        response: Response = await proceed(call)
        return response

    context = server_context() if secure else None
    with FaultServer([], good, context=context) as server:
        endings = world.run(
            [ready, ready, create, create],
            base_url=server.url,
            transport=Connections(
                library=library, ssl_context=client_context()
            ),
            middleware=[note],
            rate_limit=RateLimit(requests=1, per=3600.0, burst=2),
        )

    assert ["contracts.create"] * 2 == seen
    assert [None] * 4 == [each.error for each in endings]
    assert ["create", "create"] == server.operations
    assert 1 == server.connections


@every_world
def test_a_token_is_there(world: World, served: Sandbox) -> None:
    """It is got by `ready`, and the order only uses it."""

    def without_tokens(client: Any) -> Any:
        served.faults.add("status:500", on="token")
        return client.contracts.create("SPRING-12", ORDER)

    settings: Any = {"client_id": None, "vendor_id": None}
    endings = world.run([ready, without_tokens], **settings)

    assert [None, None] == [each.error for each in endings]
    assert 1 == len(served.faults.pending)


@every_world
def test_the_token_is_refused(world: World, served: Sandbox) -> None:
    """The error is that of a call."""
    del served
    error = world.one(
        ready, vendor_id=None, client_id="c", client_secret="wrong"
    ).failed

    assert isinstance(error, AuthenticationError)
    assert ("ready", Outcome.REFUSED) == (error.operation, error.outcome)


class Away(MemoryStore):
    """A store of orders that can't be used."""

    def salt(self, *, within: float) -> bytes:
        """Fail."""
        del within
        raise StoreUnavailable("It is away.", retryable=False)


@every_world
def test_the_store_of_orders_is_away(world: World, served: Sandbox) -> None:
    """Then no order could be sent."""
    error = world.one(
        ready, client_id=None, vendor_id=None, idempotency=Away()
    ).failed

    assert isinstance(error, StoreUnavailable)
    assert ("ready", Outcome.NOT_SENT) == (error.operation, error.outcome)
    assert 1 == served.ledger.requests("token")


@every_world
def test_nobody_listens(world: World) -> None:
    """It says that Sesamy can't be reached, and tries as often as a call."""
    with closed_port() as port:
        error = world.one(ready, base_url=f"http://127.0.0.1:{port}").failed

    assert isinstance(error, ConnectionFailedError)
    assert ("ready", Outcome.NOT_SENT, 1, True) == (
        error.operation,
        error.outcome,
        error.attempts,
        error.retryable,
    )
    assert str(error).startswith("ready: No connection")


@every_world
def test_nobody_answers(world: World) -> None:
    """A handshake that never ends is cut off by the deadline."""
    with FaultServer([], hang, context=server_context()) as server:
        ending = world.one(ready, base_url=server.url, deadline=0.3)

    assert isinstance(ending.error, DeadlineExceededError)
    assert Outcome.NOT_SENT is ending.outcome
    assert "It waited for the connection to Sesamy." in str(ending.error)
    assert ending.seconds < 5.0


@every_world
def test_a_token_that_never_comes(world: World) -> None:
    """The error says so."""

    def wait() -> str:
        raise DeadlineExceededError("The deadline passed.")

    error = world.one(ready, auth=wait).failed

    assert "passed. It waited for the token." in str(error)


_TRIES = 5


@every_world
@pytest.mark.parametrize("step", [ended, spoken])
def test_a_server_that_is_not_ready(world: World, step: Any) -> None:
    """One that ends the connection, or speaks first, is none to wait for."""
    context = server_context()
    for _ in range(_TRIES):
        with FaultServer([step], good, context=context) as server:
            endings = world.run(
                [ready, create],
                base_url=server.url,
                transport=Connections(ssl_context=client_context()),
            )
        # On a busy machine, it may do so after the client has looked.
        if endings[0].error is not None:
            break

    assert isinstance(endings[0].error, ConnectionFailedError)
    assert "c-1" == endings[1].value.id
    assert 2 == server.connections


@every_world
@pytest.mark.parametrize("step", [ended, spoken])
def test_a_connection_that_ends_meanwhile(world: World, step: Any) -> None:
    """It is not used for an order, nor is one on which something came."""

    def delayed(client: Any) -> Any:
        # Not in the loop of the client's: what comes meanwhile comes.
        time.sleep(0.2)
        return create(client)

    with FaultServer([step], good) as server:
        endings = world.run([ready, delayed], base_url=server.url)

    assert None is endings[0].error
    assert None is endings[1].error
    assert 2 == server.connections


@every_world
def test_its_own_auth(world: World) -> None:
    """An auth of the caller's is asked; a wrong value or an error is said."""
    asked: list[str] = []

    def auth(value: str) -> Any:
        def give() -> str:
            asked.append(value)
            if not value:
                raise OSError("no vault")
            return value

        return give

    with FaultServer([], good) as server:
        ending, refused, failed = (
            world.one(ready, base_url=server.url, auth=auth(value))
            for value in ("Bearer x", "Bearer x\n", "")
        )

    assert ["Bearer x", "Bearer x\n", ""] == asked
    assert None is ending.error
    assert isinstance(refused.error, ConfigurationError)
    assert "OSError was raised by" in str(failed.error)
    assert Outcome.NOT_SENT is failed.outcome


@every_world
def test_over_the_callers_transport(world: World) -> None:
    """Only the token is asked for; a proxy is sent nothing ahead."""
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        return httpx.Response(200, json={"access_token": "t"})

    mock = httpx.MockTransport(answer)
    blocking = world is World.BLOCKING
    client = httpx.Client if blocking else httpx.AsyncClient
    given: list[Any] = [mock, client(transport=mock)]
    for each in given:
        ending = world.one(
            ready, client_id="c", client_secret="s", transport=each
        )

        assert None is ending.error

    assert ["/oauth/token"] * 2 == seen


@every_world
@pytest.mark.parametrize("way", [through_proxy, forwarded])
def test_through_a_proxy(way: Settings, world: World) -> None:
    """The tunnel is open, TLS in it too, and the order finds it so."""
    secure = way is through_proxy
    context = server_context() if secure else None
    step = tunnel(good) if secure else good
    with FaultServer([], step, context=context) as proxy:
        ready_, made = world.run([ready, create], **way(proxy))

    assert (None, "c-1") == (ready_.error, made.value.id)
    assert (1, ["create"]) == (proxy.connections, proxy.operations)


@every_world
def test_a_proxy_that_refuses(world: World) -> None:
    """It is told before the first order."""
    with FaultServer([], refuse_tunnel(407)) as proxy:
        error = world.one(ready, **through_proxy(proxy)).failed

    assert isinstance(error, ConnectionFailedError)
    assert "407" in str(error)


async def test_a_cancelled_one() -> None:
    """It says that nothing was sent, and leaves no connection."""
    with FaultServer([], hang, context=server_context()) as server:
        async with AsyncSesamy(
            "acme", auth=StaticToken("x"), base_url=server.url
        ) as client:
            caught: BaseException | None = None
            with anyio.move_on_after(0.2):
                try:
                    await client.ready()
                except BaseException as error:
                    caught = error
                    raise

        assert 0 == await anyio.to_thread.run_sync(server.settle, 0)

    assert caught is not None
    assert "ready: Interrupted. Outcome: NOT_SENT." in caught.__notes__[0]
