"""Through httpx the sandbox behaves as a real connection would."""

from __future__ import annotations

from typing import Any

import anyio
import httpx
import pytest

from sesamy_async.sandbox import Sandbox
from sesamy_async.sandbox._transport import HandlerTransport
from support.sandbox_caller import CREATE, order, token_request


URL = f"https://api.sandbox.invalid{CREATE}"
TOKEN = "https://token.sandbox.invalid/oauth/token"


def bearer(sandbox: Sandbox) -> dict[str, str]:
    """Return the header of somebody with a token."""
    with httpx.Client(transport=sandbox.transport()) as client:
        answer = client.post(TOKEN, json=token_request(sandbox))
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def logged_in(sandbox: Sandbox, **transport: Any) -> httpx.Client:
    """Return a blocking client with a token."""
    handler = HandlerTransport(sandbox.handle, **transport)
    return httpx.Client(transport=handler, headers=bearer(sandbox))


def alogged_in(sandbox: Sandbox, **transport: Any) -> httpx.AsyncClient:
    """Return an async client with a token."""
    handler = HandlerTransport(sandbox.handle, **transport)
    return httpx.AsyncClient(transport=handler, headers=bearer(sandbox))


def test_blocking_client() -> None:
    """A blocking client creates a contract, query and all."""
    sandbox = Sandbox()
    with logged_in(sandbox) as client:
        answer = client.post(URL, params={"confirm": "1"}, json=order())
    (contract,) = sandbox.ledger.confirmed("A-1")

    assert (200, contract.id) == (answer.status_code, answer.json()["id"])
    assert answer.headers["Content-Type"] == "application/json"
    assert str(len(answer.content)) == answer.headers["Content-Length"]


async def test_async_client() -> None:
    """An async client does, on either event loop."""
    sandbox = Sandbox()
    async with alogged_in(sandbox) as client:
        answer = await client.post(URL, json=order())
    (contract,) = sandbox.ledger.contracts("A-1")

    assert (200, contract.id) == (answer.status_code, answer.json()["id"])


def test_one_transport_for_both() -> None:
    """What `transport` returns is good for both kinds of client."""
    transport = Sandbox().transport()

    assert isinstance(transport, httpx.BaseTransport)
    assert isinstance(transport, httpx.AsyncBaseTransport)


FAULTS = [
    ("drop-before", httpx.ReadError, 0),
    ("drop-after", httpx.ReadError, 1),
    ("half", httpx.RemoteProtocolError, 1),
    ("delay:9", httpx.ReadTimeout, 1),
]


@pytest.mark.parametrize(("fault", "raised", "applied"), FAULTS)
def test_blocking_faults(
    fault: str, raised: type[Exception], applied: int
) -> None:
    """Each broken exchange raises what httpx raises for it."""
    sandbox = Sandbox()
    slept: list[float] = []
    with logged_in(sandbox, sleep=slept.append) as client:
        sandbox.faults.add(fault)
        with pytest.raises(raised):
            client.post(URL, json=order(), timeout=5)

    assert applied == sandbox.ledger.total
    assert ([5.0] if fault == "delay:9" else []) == slept


@pytest.mark.parametrize(("fault", "raised", "applied"), FAULTS)
async def test_async_faults(
    fault: str, raised: type[Exception], applied: int
) -> None:
    """Each broken exchange raises it in an async client too."""
    sandbox = Sandbox()
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with alogged_in(sandbox, async_sleep=sleep) as client:
        sandbox.faults.add(fault)
        with pytest.raises(raised):
            await client.post(URL, json=order(), timeout=5)

    assert applied == sandbox.ledger.total
    assert (5 if fault == "delay:9" else 0) == slept[-1]


@pytest.mark.parametrize("timeout", [5, None])
def test_short_delay_is_waited_for(timeout: float | None) -> None:
    """An answer that comes in time is the answer."""
    sandbox = Sandbox()
    slept: list[float] = []
    with logged_in(sandbox, sleep=slept.append) as client:
        sandbox.faults.add("delay:2")
        answer = client.post(URL, json=order(), timeout=timeout)

    assert (answer.status_code, slept) == (200, [2.0])


def test_half_of_the_body_arrives() -> None:
    """Half an answer promises more than it brings, status first."""
    sandbox = Sandbox()
    sandbox.faults.add("half")
    with (
        httpx.Client(transport=sandbox.transport()) as client,
        client.stream("POST", TOKEN, json=token_request(sandbox)) as answer,
    ):
        parts = answer.iter_raw()
        read = next(parts)
        with pytest.raises(httpx.RemoteProtocolError):
            next(parts)

    assert answer.status_code == 200
    assert 0 < len(read) < int(answer.headers["Content-Length"])


def test_trace_tells_when_it_is_sent() -> None:
    """A trace sees the request leave before it is answered."""
    events: list[tuple[str, bytes]] = []

    def trace(name: str, info: dict[str, Any]) -> None:
        events.append((name, info["request"].method))

    with httpx.Client(transport=Sandbox().transport()) as client:
        client.post(URL, extensions={"trace": trace})

    assert events == [("http11.send_request_headers.started", b"POST")]


async def test_cancelled_before_it_is_sent() -> None:
    """A call that is cancelled at once is not sent, and the trace shows."""
    sandbox = Sandbox()
    events: list[str] = []

    async def trace(name: str, info: dict[str, Any]) -> None:
        del info
        events.append(name)

    async with alogged_in(sandbox) as client:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await client.post(URL, json=order(), extensions={"trace": trace})

    assert events == ["connection.connect_tcp.started"]
    assert sandbox.ledger.total == 0


async def test_cancelled_after_it_is_sent() -> None:
    """A call that is cancelled while it waits has been done."""
    sandbox = Sandbox()
    events: list[str] = []

    async def trace(name: str, info: dict[str, Any]) -> None:
        del info
        events.append(name)

    async with alogged_in(sandbox) as client:
        sandbox.faults.add("delay:30")
        with anyio.move_on_after(0.5):
            await client.post(
                URL, json=order(), timeout=60, extensions={"trace": trace}
            )

    assert events[-1] == "http11.send_request_headers.started"
    assert sandbox.ledger.total == 1
