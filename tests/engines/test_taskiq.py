"""The taskiq example under kills, refusals and SIGTERM, on a real Redis."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from unittest.mock import AsyncMock, Mock

import pytest

from sesamy_async import AsyncSesamy
from sesamy_async.sandbox import Sandbox
from support.examples import PATIENCE, Examples, wait_until
from support.queues import Shop, Worker, shop_of
from support.servers import Redis


IDS = [f"Q-{number}" for number in range(8)]
# So that a test need not wait as long as an operator does.
SOONER = """
from examples.taskiq import tasks
from examples.taskiq.tasks import broker
broker.block = 200
broker.idle_timeout = 1_000
tasks.GRACE = 2.5
tasks.TIDY_EVERY = 0.2
"""


@pytest.fixture
def shop(examples: Examples, redis: Redis, tmp_path: Path) -> Iterator[Shop]:
    """Lead the example to a Redis."""
    with shop_of("taskiq", SOONER, examples, redis, tmp_path) as shop:
        yield shop


def worked(shop: Shop) -> AbstractContextManager[Worker]:
    """Run a worker."""
    return shop.worked(
        *("-m", "taskiq", "worker", "sooner:broker", "--workers", 1),
        *("--wait-tasks-timeout", 0.5, "--shutdown-timeout", 15),
        ready="Listening started",
    )


def processes(worker: Worker) -> list[int]:
    """Return the processes that work, also those that ended."""
    started = re.compile(r"(?:Started process|restarted) .*pid (\d+)")
    return [int(each[1]) for each in map(started.search, worker.log) if each]


def left(shop: Shop) -> int:
    """Return how many messages are in the queue, or not acknowledged."""
    (group,) = shop.redis.xinfo_groups("orders")
    return int(group["lag"]) + int(group["pending"])


def pending(shop: Shop) -> str:
    """Return what the messages say that are not acknowledged."""
    found = shop.redis.xpending_range("orders", "orders", "-", "+", 99)
    numbers = [each["message_id"] for each in found]
    return str([shop.redis.xrange("orders", it, it) for it in numbers])


def test_killed_workers(shop: Shop) -> None:
    """What they left is delivered again, and gets one contract."""
    sandbox = shop.examples.sandbox
    for on in ("create", "confirm"):
        sandbox.faults.add("delay:0.5", times=len(IDS), on=on)
    shop.sell(*IDS)
    with worked(shop) as one:
        wait_until(lambda: sandbox.ledger.total >= len(IDS) / 2)
        one.kill()
    with worked(shop) as other:
        os.kill(processes(other)[0], signal.SIGKILL)
        wait_until(lambda: shop.reported(*IDS) and not left(shop))
        # What is done is removed, except for what came last.
        wait_until(lambda: "Q-" not in str(shop.redis.xrange("orders")))
    assert 1 == sandbox.ledger.requests("token")


def test_what_fails(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """What is retryable comes again; the rest waits for a person."""
    sandbox = shop.examples.sandbox
    sandbox.faults.add("status:422", on="create")
    sandbox.faults.add("status:503", times=99, on="confirm")
    with worked(shop) as worker:
        shop.sell("Q-0")
        wait_until(lambda: shop.find("Q-0")[1] is not None)
        shop.run("problems")
        shop.run("release", "Q-0")
        wait_until(lambda: worker.told("make the same call"))
        sandbox.faults.clear()
        wait_until(lambda: shop.reported("Q-0") and not left(shop))

        # What has a contract is confirmed; the rest is left for others.
        sandbox.faults.add("delay:2.5", times=len(IDS), on="confirm")
        shop.sell(*IDS[1:])
        wait_until(lambda: shop.examples.once(*IDS))
        sandbox.faults.add("delay:9", on="create")
        shop.sell("Q-late")
        wait_until(lambda: sandbox.ledger.count("Q-late") == 1)
        worker.process.terminate()
        assert 0 == worker.process.wait(PATIENCE)
    assert shop.reported(*IDS)
    assert "Q-late" in pending(shop)
    assert None is shop.find("Q-late")[1]
    assert not worker.told("Traceback")
    told = capsys.readouterr().out
    assert "Q-0: " in told
    assert "Sesamy does not accept the order as it is" in told


def test_what_a_queue_has_lost(shop: Shop) -> None:
    """It is queued again when it is overdue."""
    shop.sell("Q-0")
    shop.redis.delete("orders")
    shop.run("send")
    at_once = shop.redis.xlen("orders")
    shop.let_time_pass()
    shop.run("send")

    assert (0, 1) == (at_once, shop.redis.xlen("orders"))


def test_a_task_of_a_worker_that_stops(shop: Shop) -> None:
    """Its client is closed: the message is left to other workers."""
    context = Mock(ack=AsyncMock())
    shop.sell("Q-0")

    async def work() -> None:
        context.state.sesamy = AsyncSesamy(**Sandbox().client_settings())
        await context.state.sesamy.aclose()
        await shop.commands.report("Q-0", context)

    asyncio.run(work())

    assert not context.ack.called
    assert (None, None) == shop.find("Q-0")
