"""The taskiq example under kills, refusals and SIGTERM, on a real Redis."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from unittest.mock import AsyncMock, Mock

import attrs
import pytest
import redis

from sesamy_async import AsyncSesamy
from sesamy_async.sandbox import Sandbox
from support.examples import (
    BY_CARD,
    EXAMPLES,
    PATIENCE,
    PERSONAL,
    Examples,
    wait_until,
)
from support.servers import Redis


IDS = [f"Q-{number}" for number in range(8)]
# So that a test need not wait as long as an operator does.
SOONER = """
import taskiq_worker
from taskiq_worker import broker
broker.block = 200
broker.idle_timeout = 1_000
taskiq_worker.GRACE = 2.5
taskiq_worker.TIDY_EVERY = 0.2
"""


@attrs.define
class Queue:
    """The queue, its worker and what that wrote.

    Attributes:
        examples: Runs programs whose settings lead to the queue.
        redis: What the queue is in.
        example: The example, as a shop imports it.
        log: What the worker wrote.
    """

    examples: Examples
    redis: redis.Redis
    example: ModuleType
    log: list[str] = attrs.field(factory=list[str])

    def send(self, *order_ids: str) -> None:
        """Queue orders that are paid by card."""
        sales = [
            json.dumps({**json.loads(BY_CARD), "externalOrderId": each})
            for each in order_ids
        ]
        asyncio.run(self.example.send("SPRING-12", sales))

    @contextmanager
    def worked(self) -> Iterator[subprocess.Popen[str]]:
        """Work as the docstring says."""
        with self.examples.started(
            *("-m", "taskiq", "worker", "sooner:broker"),
            *("--workers", 1),
            *("--wait-tasks-timeout", 0.5, "--shutdown-timeout", 15),
        ) as process:
            reader = threading.Thread(target=self.read, args=[process])
            reader.start()
            try:
                yield process
            finally:
                process.terminate()
                reader.join(PATIENCE)

    def read(self, process: subprocess.Popen[str]) -> None:
        """Read what it writes, to its end."""
        assert process.stderr is not None
        self.log.extend(process.stderr)

    @property
    def workers(self) -> list[int]:
        """The processes that work, also those that ended."""
        started = re.compile(r"(?:Started process|restarted) .*pid (\d+)")
        return [int(each[1]) for each in map(started.search, self.log) if each]

    @property
    def left(self) -> int:
        """How many messages are in the queue, or not acknowledged."""
        (group,) = self.redis.xinfo_groups("orders")
        return int(group["lag"]) + int(group["pending"])

    @property
    def pending(self) -> str:
        """What the messages say that are not acknowledged."""
        found = self.redis.xpending_range("orders", "orders", "-", "+", 99)
        numbers = [each["message_id"] for each in found]
        return str([self.redis.xrange("orders", it, it) for it in numbers])

    def bodies(self, stream: str) -> str:
        """Return all that the messages in a stream say."""
        return str(self.redis.xrange(stream))


def imported(monkeypatch: pytest.MonkeyPatch, url: str) -> ModuleType:
    """Import the example."""
    monkeypatch.setenv("SHOP_QUEUE", url)
    monkeypatch.setenv("SESAMY_IDEMPOTENCY", "memory:")
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.delitem(sys.modules, "taskiq_worker", raising=False)
    return importlib.import_module("taskiq_worker")


@pytest.fixture
def queue(
    examples: Examples, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Queue]:
    """Start a Redis, and lead the example there."""
    (tmp_path / "sooner.py").write_text(SOONER)
    folders = [EXAMPLES, tmp_path, *filter(None, [os.getenv("PYTHONPATH")])]
    with Redis() as server, redis.Redis.from_url(server.url) as client:
        more = {
            "SHOP_QUEUE": server.url,
            "PYTHONPATH": os.pathsep.join(map(str, folders)),
        }
        environment = {**examples.environment, **more}
        yield Queue(
            attrs.evolve(examples, environment=environment),
            client,
            imported(monkeypatch, server.url),
        )


def test_a_killed_worker(queue: Queue) -> None:
    """What it left is delivered again, and gets one contract."""
    sandbox = queue.examples.sandbox
    for on in ("create", "confirm"):
        sandbox.faults.add("delay:0.5", times=len(IDS), on=on)
    queue.send(*IDS)
    with queue.worked():
        wait_until(lambda: sandbox.ledger.total >= len(IDS) / 2)
        os.kill(queue.workers[0], signal.SIGKILL)
        wait_until(lambda: len(queue.workers) > 1)
        wait_until(lambda: queue.examples.once(*IDS) and not queue.left)
        # What is done is removed, except for what came last.
        wait_until(lambda: not PERSONAL.search(queue.bodies("orders")))

    assert not PERSONAL.search("".join(queue.log))


def test_what_fails(queue: Queue) -> None:
    """What is retryable comes again; the rest is put aside for a person."""
    faults, once = queue.examples.sandbox.faults, queue.examples.once
    faults.add("status:422", on="create")
    faults.add("status:503", times=99, on="confirm")
    queue.send("Q-0")
    with queue.worked():
        wait_until(lambda: queue.redis.xlen("orders-aside") == 1)
        wait_until(lambda: not queue.left)
        aside = queue.bodies("orders-aside")
        ended = queue.examples.run("taskiq_worker.py", "resend")
        wait_until(lambda: any("make the same call" in it for it in queue.log))
        left = queue.left
        faults.clear()
        wait_until(lambda: once("Q-0") and not queue.left)

    assert (0, "", "") == ended
    assert "Sesamy does not accept the order as it is" in aside
    assert 0 < left
    assert 0 == queue.redis.xlen("orders-aside")


def test_sigterm(queue: Queue) -> None:
    """What has a contract is confirmed; the rest is left for others."""
    sandbox = queue.examples.sandbox
    sandbox.faults.add("delay:2.5", times=len(IDS), on="confirm")
    queue.send(*IDS)
    with queue.worked() as process:
        wait_until(lambda: queue.examples.once(*IDS))
        sandbox.faults.add("delay:9", on="create")
        queue.send("Q-late")
        wait_until(lambda: sandbox.ledger.count("Q-late") == 1)
        process.terminate()
        assert 0 == process.wait(20)
    shown = "".join(queue.log)

    assert all(f"] {each}: " in shown for each in IDS)
    assert "Q-late" in queue.pending
    assert 0 == queue.redis.xlen("orders-aside")
    assert "Traceback" not in shown


def test_a_task_of_a_worker_that_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its client is closed: the message is left to other workers."""
    example = imported(monkeypatch, "redis://127.0.0.1:1")
    context = Mock(ack=AsyncMock())

    async def work() -> None:
        context.state.sesamy = AsyncSesamy(**Sandbox().client_settings())
        await context.state.sesamy.aclose()
        await example.onboard("SPRING-12", BY_CARD, context)

    asyncio.run(work())

    assert not context.ack.called
