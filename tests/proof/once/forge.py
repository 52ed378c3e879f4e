"""Forks the processes of a trial, so that none waits for imports.

``python -m proof.once.forge`` reads a `Job` from each line of its input and
answers with how its processes ended, in JSON.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from .job import Ended, Job, Kind, Said
from .tell import tell, warm_up


_TESTS = Path(__file__).parents[2]
_ROOT = _TESTS.parent
_STEP = 0.002


@attrs.frozen
class Forge:
    """The process that forks, from outside."""

    _process: subprocess.Popen[str]

    def run(self, job: Job) -> tuple[Ended, ...]:
        """Run the processes of a job, and wait for their ends."""
        talk_to, hear = self._process.stdin, self._process.stdout
        assert talk_to is not None
        assert hear is not None
        talk_to.write(f"{job.dump()}\n")
        talk_to.flush()
        return tuple(
            Ended(
                each["killed"], each["code"], tuple(map(_said, each["said"]))
            )
            for each in json.loads(hear.readline())
        )


def _said(told: dict[str, object]) -> Said:
    known: dict[str, object] = {**told, "kind": Kind(str(told["kind"]))}
    return Said(**known)  # type: ignore[arg-type] # as it was dumped


@contextmanager
def forge() -> Iterator[Forge]:
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
        yield Forge(process)


def _serve() -> None:
    warm_up()
    # What is shared with the children is better never written to.
    gc.freeze()
    with tempfile.TemporaryDirectory() as folder:
        for line in sys.stdin:
            ends = _run(Job.load(line), Path(folder))
            sys.stdout.write(f"{json.dumps([*map(attrs.asdict, ends)])}\n")
            sys.stdout.flush()


def _run(job: Job, folder: Path) -> list[Ended]:
    """Run all workers at once."""
    living: dict[int, tuple[int, float]] = {}
    ends: dict[int, int] = {}
    for number, worker in enumerate(job.workers):
        notes = folder / str(number)
        notes.write_text("")
        child = os.fork()
        if not child:
            _be_the_child(job, number, notes)
        living[child] = number, time.monotonic() + worker.after
    while living:
        for child, (number, latest) in [*living.items()]:
            done, status = os.waitpid(child, os.WNOHANG)
            if not done and time.monotonic() >= latest:
                os.kill(child, signal.SIGKILL)
                done, status = os.waitpid(child, 0)
            if done:
                ends[number] = os.waitstatus_to_exitcode(status)
                del living[child]
        time.sleep(_STEP)
    return [
        Ended(
            ends[number] == -signal.SIGKILL,
            max(ends[number], 0),
            _read(folder / str(number)),
        )
        for number in range(len(job.workers))
    ]


def _read(notes: Path) -> tuple[Said, ...]:
    whole, _, _ = notes.read_text().rpartition("\n")
    return tuple(_said(json.loads(line)) for line in whole.splitlines())


def _be_the_child(job: Job, number: int, notes: Path) -> None:
    code = 1
    try:
        with notes.open("a", encoding="utf-8") as file:

            def say(said: Said) -> None:
                file.write(f"{json.dumps(attrs.asdict(said))}\n")
                file.flush()

            tell(job, job.workers[number], say)
        code = 0
    except BaseException:  # noqa: BLE001 - nothing may get past the fork
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
