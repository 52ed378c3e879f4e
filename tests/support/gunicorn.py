"""Applications under gunicorn, whose workers can be killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import attrs


_PATIENCE = 120


@attrs.define
class Service:
    """An application under gunicorn.

    Attributes:
        count: How many workers it has.
        url: Where it is served.
        workers: The processes of its workers, also of those that ended.
        log: What it wrote.
    """

    count: int
    url: str = ""
    workers: list[int] = attrs.field(factory=list[int])
    log: list[str] = attrs.field(factory=list[str])

    def read(self, process: subprocess.Popen[str]) -> None:
        """Read what it writes, to its end."""
        assert process.stderr is not None
        for line in process.stderr:
            self.log.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                self.url = found[0]
            if found := re.search(r"Booting worker with pid: (\d+)", line):
                self.workers.append(int(found[1]))

    def started(self, killed: int = 0) -> bool:
        """Whether as many workers serve as have to, after so many kills."""
        done = sum("Application startup complete" in each for each in self.log)
        return done >= self.count + killed

    def kill(self, worker: int) -> None:
        """Kill one of its workers; gunicorn starts another one."""
        os.kill(worker, signal.SIGKILL)

    @property
    def living(self) -> list[int]:
        """The workers that were not killed."""
        return [each for each in self.workers if _lives(each)]


def _lives(worker: int) -> bool:
    try:
        os.kill(worker, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def served(
    app: str, environment: Mapping[str, str], *, folder: Path, count: int = 2
) -> Generator[Service]:
    """Serve an application as its documentation says.

    Args:
        app: Such as ``"shop:app"``.
        environment: Of its processes.
        folder: Where they run.
        count: How many workers there are.
    """
    service = Service(count)
    with subprocess.Popen(  # noqa: S603 - what it runs is ours
        [
            *(sys.executable, "-m", "gunicorn", "-w", str(count)),
            *("-k", "uvicorn_worker.UvicornWorker", "-b", "127.0.0.1:0"),
            app,
        ],
        env=environment,
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        reader = threading.Thread(target=service.read, args=[process])
        reader.start()
        try:
            wait_until(lambda: service.started() or not reader.is_alive())
            assert service.started(), service.log
            yield service
        finally:
            process.terminate()
            reader.join(_PATIENCE)


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for something that happens in another process."""
    until = time.monotonic() + 30.0
    while not true():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)
