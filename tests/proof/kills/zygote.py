"""Forks a process for each run, so that none waits for imports.

``python -m proof.kills.zygote`` reads a `Job` from each line of its input
and answers with how its process ended, in JSON.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import attrs

from proof.forking import Forker, answering, forker

from .job import Job
from .run import run
from .warm import warm_up


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

    _forker: Forker

    def run(self, job: Job) -> Ended:
        """Run a job in a process of its own, and wait for its end."""
        return Ended(**self._forker.ask(job.dump()))


@contextmanager
def zygote() -> Iterator[Zygote]:
    """Start one, and end it."""
    with forker(__name__) as started:
        yield Zygote(started)


def _serve() -> None:
    warm_up()
    answering(lambda line: attrs.asdict(_ended(Job.load(line))))


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
