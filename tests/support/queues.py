"""A shop that queues what it sells, and the workers that report it."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest
import redis

from .examples import (
    BY_CARD,
    EXAMPLES,
    PATIENCE,
    PERSONAL,
    Examples,
    wait_until,
)
from .servers import Redis


_LONG_AGO = "2026-01-01 00:00:00"


@attrs.define
class Worker:
    """A worker, and what it wrote.

    Attributes:
        process: Its first process; the others are in a group with it.
        log: The lines that it wrote.
    """

    process: subprocess.Popen[str]
    log: list[str] = attrs.field(factory=list[str])

    def read(self) -> None:
        """Read what it writes, to its end."""
        assert self.process.stderr is not None
        self.log.extend(self.process.stderr)

    def told(self, words: str) -> bool:
        """Whether it wrote something."""
        return any(words in each for each in self.log)

    def kill(self) -> None:
        """Kill all its processes at once, as the loss of a host does."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


@attrs.frozen
class Shop:
    """A shop, its queue, and the service.

    Attributes:
        examples: Runs programs whose settings lead to the queue.
        redis: What the queue is in.
        folder: Its database, and the sales to come.
        commands: What it does, of the example.
    """

    examples: Examples
    redis: redis.Redis
    folder: Path
    commands: ModuleType

    def run(self, *arguments: str) -> None:
        """Run a command of the shop."""
        self.commands.main(*arguments)

    def sell(self, *order_ids: str) -> None:
        """Sell, and queue, orders that are paid by card."""
        path = self.folder / "sales.jsonl"
        sales = [
            json.dumps({**json.loads(BY_CARD), "externalOrderId": each})
            for each in order_ids
        ]
        path.write_text("\n".join(sales), encoding="utf-8")
        self.run("sell", str(path))

    @contextmanager
    def worked(
        self, *command: object, ready: str, **settings: str
    ) -> Iterator[Worker]:
        """Run a worker, which says that it is ready; no log is personal."""
        environment = {**self.examples.environment, **settings}
        examples = attrs.evolve(self.examples, environment=environment)
        with examples.started(*command, apart=True) as process:
            worker = Worker(process)
            reader = threading.Thread(target=worker.read)
            reader.start()
            try:
                wait_until(lambda: worker.told(ready))
                yield worker
            finally:
                worker.kill()
                reader.join(PATIENCE)
        assert not PERSONAL.search("".join(worker.log))

    def reported(self, *order_ids: str) -> bool:
        """Whether the shop knows the one contract of each order."""
        confirmed = self.examples.sandbox.ledger.confirmed
        return all(
            [it.id for it in confirmed(each)] == [self.find(each)[0]]
            for each in order_ids
        )

    def find(self, order_id: str) -> tuple[str | None, str | None]:
        """Return the contract and the problem of a sale."""
        found: tuple[str | None, str | None]
        [found] = self._do(
            "SELECT contract_id, problem FROM sales WHERE order_id = ?",
            order_id,
        )
        return found

    def let_time_pass(self) -> None:
        """Let all sales have been queued long ago."""
        self._do("UPDATE sales SET queued_at = ?", _LONG_AGO)

    def _do(self, statement: str, *parameters: str) -> list[Any]:
        with closing(
            sqlite3.connect(self.folder / "shop.db", isolation_level=None)
        ) as database:
            return database.execute(statement, parameters).fetchall()


@contextmanager
def shop_of(
    name: str,
    sooner: str,
    examples: Examples,
    server: Redis,
    folder: Path,
) -> Iterator[Shop]:
    """Open a shop over an example, whose settings ``sooner`` changes.

    All that is sent to the Redis meanwhile is read: nothing is personal.
    """
    (folder / "sooner.py").write_text(sooner, encoding="utf-8")
    root = str(EXAMPLES.parent)
    path = [root, str(folder), *filter(None, [os.getenv("PYTHONPATH")])]
    more = {
        "SHOP_QUEUE": server.url,
        "SHOP_PACE": server.url,
        "SHOP_DATABASE": str(folder / "shop.db"),
        "PYTHONPATH": os.pathsep.join(path),
    }
    environment = {**examples.environment, **more}
    seen: list[str] = []
    with (
        pytest.MonkeyPatch.context() as patch,
        redis.Redis.from_url(server.url, socket_timeout=None) as client,
        client.monitor() as monitor,
    ):
        for each, value in environment.items():
            patch.setenv(each, value)
        patch.syspath_prepend(root)
        for each in ("client", "shop", "tasks"):
            module = f"examples.{name}.{each}"
            patch.delitem(sys.modules, module, raising=False)
        commands = importlib.import_module(f"examples.{name}.shop")
        reader = threading.Thread(target=_read, args=[monitor, seen])
        reader.start()
        try:
            yield Shop(
                attrs.evolve(examples, environment=environment),
                client,
                folder,
                commands,
            )
        finally:
            client.set("the", "end")
            reader.join(PATIENCE)
    assert seen
    assert not PERSONAL.search(str(seen))


def _read(monitor: Any, seen: list[str]) -> None:
    for each in monitor.listen():
        seen.append(each["command"])
        if each["command"] == "SET the end":
            return
