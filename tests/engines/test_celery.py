"""The Celery example under kills, refusals and SIGTERM, on a real Redis."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from celery.signals import worker_init

from support.examples import PATIENCE, Examples, wait_until
from support.queues import Shop, Worker, shop_of
from support.servers import Redis


IDS = [f"Q-{number}" for number in range(6)]
# So that a test need not wait as long as an operator does.
SOONER = """
from examples.celery import tasks
from examples.celery.tasks import app
app.conf.broker_transport_options.update(
    visibility_timeout=3, unacked_restore_interval=0.2
)
tasks.PAUSES = 0.5, 1.0

import os, sys
app.conf.worker_soft_shutdown_timeout = float(os.environ["GRACE"])
from celery.signals import worker_process_init
@worker_process_init.connect
def tell(**_):
    print(f"In the pool: {os.getpid()}", file=sys.stderr)
"""


@pytest.fixture
def shop(examples: Examples, redis: Redis, tmp_path: Path) -> Iterator[Shop]:
    """Lead the example to a Redis."""
    with shop_of("celery", SOONER, examples, redis, tmp_path) as shop:
        yield shop


def worked(
    shop: Shop, size: int, grace: float = 20
) -> AbstractContextManager[Worker]:
    """Run a worker that tells monitors what it does."""
    return shop.worked(
        # Celery warns if it is run by root, as in many containers.
        *("-Wdefault", "-m", "celery", "-A", "sooner", "worker"),
        *("--concurrency", size, "-l", "INFO", "-E", "--without-mingle"),
        ready=" ready.",
        REMAP_SIGTERM="SIGQUIT",
        GRACE=str(grace),
    )


def pool(worker: Worker) -> list[int]:
    """Return the processes of a pool, also those that ended."""
    found = map(re.compile(r"In the pool: (\d+)").search, worker.log)
    return [int(each[1]) for each in found if each]


def waiting(shop: Shop) -> tuple[int, int]:
    """Return how many messages wait, and how many are not acknowledged."""
    return shop.redis.llen("orders"), shop.redis.hlen("unacked")


def test_killed_workers(shop: Shop) -> None:
    """What they left is delivered again, and gets one contract."""
    sandbox = shop.examples.sandbox
    # None is about to take a message when it is killed: that would lose it.
    sandbox.faults.add("delay:3", times=3, on="create")
    with worked(shop, 2) as one, worked(shop, 1) as other:
        shop.sell(*IDS)
        wait_until(lambda: sandbox.ledger.total == 3)
        one.kill()
        os.kill(pool(other)[0], signal.SIGKILL)
        wait_until(lambda: shop.reported(*IDS))
        wait_until(lambda: waiting(shop) == (0, 0))

        # What is under way is ended.
        sandbox.faults.add("delay:1", on="confirm")
        shop.sell("Q-last")
        wait_until(lambda: sandbox.ledger.count("Q-last") == 1)
        # As systemd does.
        os.killpg(other.process.pid, signal.SIGTERM)
        assert 0 == other.process.wait(PATIENCE)
    assert shop.reported("Q-last")
    assert 1 == sandbox.ledger.requests("token")
    assert (0, 0) == waiting(shop)


def test_what_fails(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """What is retryable comes again; the rest waits for a person."""
    sandbox = shop.examples.sandbox
    sandbox.faults.add("status:422", on="create")
    sandbox.faults.add("status:503", times=99, on="confirm")
    with worked(shop, 1, grace=0.5) as worker:
        shop.sell("Q-0")
        wait_until(lambda: shop.find("Q-0")[1] is not None)
        shop.run("problems")
        shop.run("release", "Q-0")
        wait_until(lambda: worker.told(" retry: "))
        sandbox.faults.clear()
        wait_until(lambda: shop.reported("Q-0"))

        # What can't be ended in time is put back.
        sandbox.faults.add("delay:9", on="create")
        shop.sell("Q-late")
        wait_until(lambda: sandbox.ledger.count("Q-late") == 1)
        worker.process.terminate()
        assert 0 == worker.process.wait(PATIENCE)
    assert waiting(shop)[0]
    assert None is shop.find("Q-late")[1]
    told = capsys.readouterr().out
    assert "Q-0: " in told
    assert "Sesamy does not accept the order as it is" in told


def test_what_a_queue_has_lost(shop: Shop) -> None:
    """It is queued again when it is overdue."""
    shop.sell("Q-0")
    shop.redis.delete("orders")
    shop.run("send")
    at_once = waiting(shop)
    shop.let_time_pass()
    shop.run("send")

    assert (0, 0) == at_once
    assert (1, 0) == waiting(shop)


def test_wrong_credentials(shop: Shop) -> None:
    """A worker does not start with them."""
    shop.examples.sandbox.faults.add("status:403", on="token", times=9)

    with pytest.raises(SystemExit, match="The token endpoint"):
        worker_init.send(sender=None)
