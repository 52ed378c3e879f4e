"""Forks a process for each run, so that none waits for imports.

``python -m proof.kills.zygote`` reads a `Job` from each line of its input
and answers with how its process ended, in JSON.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from .job import Job
from .run import run
from .warm import warm_up


_TESTS = Path(__file__).parents[2]
_ROOT = _TESTS.parent
_STEP = 0.001


@attrs.frozen
class Ended:
    """How a process ended.

    Attributes:
        killed: Whether by SIGKILL.
        code: What it exited with, otherwise.
    """

    killed: bool
    code: int


@attrs.frozen
class Zygote:
    """The process that forks, from outside."""

    _process: subprocess.Popen[str]

    def run(self, job: Job) -> Ended:
        """Run a job in a process of its own, and wait for its end."""
        talk_to, hear = self._process.stdin, self._process.stdout
        assert talk_to is not None
        assert hear is not None
        talk_to.write(f"{job.dump()}\n")
        talk_to.flush()
        told: dict[str, Any] = json.loads(hear.readline())
        return Ended(**told)


@contextmanager
def zygote() -> Iterator[Zygote]:
    """Start one, and end it."""
    command = [sys.executable, "-m", __name__]
    path = os.pathsep.join([str(_TESTS), str(_ROOT)])
    with subprocess.Popen(  # noqa: S603 - our own words
        command,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    ) as process:
        yield Zygote(process)


def _serve() -> None:
    warm_up()
    # What is shared with the children is better never written to.
    gc.freeze()
    for line in sys.stdin:
        ended = _ended(Job.load(line))
        sys.stdout.write(f"{json.dumps(attrs.asdict(ended))}\n")
        sys.stdout.flush()


def _ended(job: Job) -> Ended:
    child = os.fork()
    if not child:
        _be_the_child(job)
    end = time.monotonic() + job.after
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return _read(status)
        time.sleep(_STEP)
    os.kill(child, signal.SIGKILL)
    return _read(os.waitpid(child, 0)[1])


def _be_the_child(job: Job) -> None:
    code = 1
    try:
        code = run(job)
    except BaseException:  # noqa: BLE001 - nothing may get past the fork
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _read(status: int) -> Ended:
    code = os.waitstatus_to_exitcode(status)
    return Ended(killed=code == -signal.SIGKILL, code=max(code, 0))


if __name__ == "__main__":
    _serve()
