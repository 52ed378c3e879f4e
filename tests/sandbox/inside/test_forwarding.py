"""What forwards events to a webhook: how long it waits, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from sesamy_async.sandbox import Sandbox, SandboxConfig, Webhook, _listener
from support.ports import closed_port
from support.sandbox_caller import Caller


def made(**settings: object) -> tuple[Sandbox, str]:
    """Return a sandbox with a webhook, and the id of its contract."""
    config = SandboxConfig(webhook=Webhook(**settings), rate_limit=None)  # type: ignore[arg-type]
    caller = Caller(config=config)
    caller.log_in()
    caller.create()
    (contract,) = caller.sandbox.ledger.contracts("A-1")
    return caller.sandbox, contract.id


async def until(true: Callable[[], bool]) -> None:
    """Wait until it is true."""
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - nobody sets an event
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_waits_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each wait is twice as long as the one before, up to ten minutes."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    monkeypatch.setattr(_listener, "sleep", sleep)
    with closed_port() as port:
        url = f"http://127.0.0.1:{port}/"
        sandbox, contract_id = made(url=url, backoff=200.0, retries=120)
        async with _listener.forwarding(sandbox):
            sandbox.emit("contract.1#update", contract_id)
            await until(lambda: "lost" == sandbox.ledger.webhooks[0].state)

    assert [200.0, 400.0, 600.0, 600.0] == waits[:4]
    assert 120 == len(waits)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_after_the_end() -> None:
    """An event of another thread may come when the server has ended."""
    sandbox, contract_id = made(url="http://127.0.0.1:1/")
    loop = asyncio.new_event_loop()
    subscribers: list[Callable[[dict[str, str]], object]] = []

    async def subscribed() -> None:
        async with _listener.forwarding(sandbox):
            subscribers.extend(sandbox.subscribers)

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(subscribed())

    await asyncio.to_thread(run)
    sandbox.subscribers.extend(subscribers)
    sandbox.emit("contract.1#update", contract_id)

    assert 1 == len(subscribers)
    assert () == sandbox.ledger.webhooks
