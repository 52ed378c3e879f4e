"""Through httpx the sandbox behaves as a real connection would.

Here, because the sleeping of the transport is replaced.
"""

from __future__ import annotations

from typing import Any

import anyio
import anyio.lowlevel
import attrs
import httpx
import pytest

from sesamy_async.sandbox import Sandbox
from sesamy_async.sandbox._transport import HandlerTransport
from support.sandbox_caller import CREATE, order, token_request


URL = f"https://api.sandbox.invalid{CREATE}"
TOKEN = "https://token.sandbox.invalid/oauth/token"
CONNECTING = "connection.connect_tcp.started"
SENDING = "http11.send_request_headers.started"


@attrs.define
class Asking:
    """Posts an order with one kind of client, and notes how it slept."""

    kind: str
    sandbox: Sandbox = attrs.field(factory=Sandbox)
    slept: list[float] = attrs.field(factory=list[float])

    def post(self, **options: Any) -> httpx.Response:
        """Post an order."""
        transport = HandlerTransport(
            self.sandbox.handle,
            sleep=self.slept.append,
            async_sleep=self._sleep,
        )
        headers = bearer(self.sandbox)
        if self.kind == "blocking":
            with httpx.Client(transport=transport, headers=headers) as client:
                return client.post(URL, json=order(), **options)

        async def post() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=transport, headers=headers
            ) as client:
                return await client.post(URL, json=order(), **options)

        return anyio.run(post, backend=self.kind)

    async def _sleep(self, seconds: float) -> None:
        if seconds:
            self.slept.append(seconds)


@pytest.fixture(params=["blocking", "asyncio", "trio"])
def asking(request: pytest.FixtureRequest) -> Asking:
    """Return each kind of client in turn."""
    return Asking(request.param)


def bearer(sandbox: Sandbox) -> dict[str, str]:
    """Return the header of a client with a token."""
    with httpx.Client(transport=sandbox.transport()) as client:
        answer = client.post(TOKEN, json=token_request(sandbox))
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.mark.parametrize(
    ("fault", "raised", "applied", "slept"),
    [
        ("drop-before", httpx.ReadError, 0, []),
        ("drop-after", httpx.ReadError, 1, []),
        ("half", httpx.RemoteProtocolError, 1, []),
        ("delay:9", httpx.ReadTimeout, 1, [5]),
    ],
)
def test_faults(
    asking: Asking,
    fault: str,
    raised: type[Exception],
    applied: int,
    slept: list[float],
) -> None:
    """Each broken exchange raises what httpx raises for it."""
    asking.sandbox.faults.add(fault, on="create")
    with pytest.raises(raised):
        asking.post(timeout=5)

    assert (applied, slept) == (asking.sandbox.ledger.total, asking.slept)


@pytest.mark.parametrize("timeout", [5, None])
def test_short_delay_is_waited_for(
    asking: Asking, timeout: float | None
) -> None:
    """An answer that comes in time is the answer."""
    asking.sandbox.faults.add("delay:2", on="create")
    answer = asking.post(timeout=timeout)

    assert (200, [2.0]) == (answer.status_code, asking.slept)


def test_half_of_the_body_arrives() -> None:
    """Half an answer has its status, and less than its Content-Length."""
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

    assert [(SENDING, b"POST")] == events


@pytest.mark.parametrize(
    ("at_once", "last", "created"),
    [(True, CONNECTING, 0), (False, SENDING, 1)],
)
async def test_cancelled(at_once: bool, last: str, created: int) -> None:
    """A call cancelled at once is not sent; one that waits was done."""
    sandbox = Sandbox()
    events: list[str] = []
    scope = anyio.CancelScope()

    async def trace(name: str, info: dict[str, Any]) -> None:
        del info
        events.append(name)

    async def cancelled(seconds: float) -> None:
        del seconds
        scope.cancel()
        await anyio.lowlevel.checkpoint()

    transport = HandlerTransport(sandbox.handle, async_sleep=cancelled)
    async with httpx.AsyncClient(
        transport=transport, headers=bearer(sandbox)
    ) as client:
        with scope:
            if at_once:
                scope.cancel()
            await client.post(URL, json=order(), extensions={"trace": trace})

    assert scope.cancelled_caught
    assert (last, created) == (events[-1], sandbox.ledger.total)
