"""Through httpx the sandbox behaves as a real connection would."""

from __future__ import annotations

from functools import partial
from typing import Any

import anyio
import attrs
import httpx
import pytest

from sesamy_async.sandbox import Sandbox
from sesamy_async.testing import use_runtime
from support.sandbox_caller import CREATE, order, token_request


URL = f"https://api.sandbox.invalid{CREATE}"
TOKEN = "https://token.sandbox.invalid/oauth/token"
CONNECTING = "connection.connect_tcp.started"
SENDING = "http11.send_request_headers.started"


@attrs.define
class Asking:
    """Posts an order with one kind of client, on a clock of its own."""

    kind: str
    sandbox: Sandbox = attrs.field(factory=Sandbox)
    slept: float = 0.0

    def post(self, **options: Any) -> httpx.Response:
        """Post an order."""
        headers = bearer(self.sandbox)
        with use_runtime() as time:
            transport = self.sandbox.transport()
            try:
                if self.kind != "blocking":
                    post = partial(self._post, transport, headers=headers)
                    return anyio.run(
                        partial(post, **options), backend=self.kind
                    )
                with httpx.Client(transport=transport) as client:
                    given = {"headers": headers, **options}
                    return client.post(URL, json=order(), **given)
            finally:
                self.slept = time.elapsed

    async def _post(self, transport: Any, **options: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.post(URL, json=order(), **options)


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
        ("drop-before", httpx.ReadError, 0, 0),
        ("drop-after", httpx.ReadError, 1, 0),
        ("half", httpx.RemoteProtocolError, 1, 0),
        ("delay:9", httpx.ReadTimeout, 1, 5),
    ],
)
def test_faults(
    asking: Asking,
    fault: str,
    raised: type[Exception],
    applied: int,
    slept: float,
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

    assert (200, 2.0) == (answer.status_code, asking.slept)


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


@pytest.mark.parametrize(("after", "created"), [(CONNECTING, 0), (SENDING, 1)])
async def test_cancelled(after: str, created: int) -> None:
    """A call that is cancelled at once is not sent; a later one was done."""
    sandbox = Sandbox()
    scope = anyio.CancelScope()

    async def trace(name: str, info: dict[str, Any]) -> None:
        del info
        if name == after:
            scope.cancel()

    async with httpx.AsyncClient(
        transport=sandbox.transport(), headers=bearer(sandbox)
    ) as client:
        with scope:
            await client.post(URL, json=order(), extensions={"trace": trace})

    assert scope.cancelled_caught
    assert created == sandbox.ledger.total
