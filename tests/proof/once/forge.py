"""Forks the processes of a trial, so that none waits for imports.

``python -m proof.once.forge`` reads a `Job` from each line of its input and
answers with how its processes ended, in JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from proof.forking import Forker, answering, forker

from .job import Ended, Job, Kind, Said
from .tell import tell, warm_up


_STEP = 0.002


@attrs.frozen
class Forge:
    """The process that forks, from outside."""

    _forker: Forker

    def run(self, job: Job) -> tuple[Ended, ...]:
        """Run the processes of a job, and wait for their ends."""
        return tuple(
            Ended(
                each["killed"], each["code"], tuple(map(_said, each["said"]))
            )
            for each in self._forker.ask(job.dump())
        )


def _said(told: dict[str, object]) -> Said:
    known: dict[str, object] = {**told, "kind": Kind(str(told["kind"]))}
    return Said(**known)  # type: ignore[arg-type] # as it was dumped


@contextmanager
def forge() -> Iterator[Forge]:
    """Start one, and end it."""
    with forker(__name__) as started:
        yield Forge(started)


def _serve() -> None:
    warm_up()
    with tempfile.TemporaryDirectory() as folder:

        def answer(line: str) -> list[dict[str, Any]]:
            ends = _run(Job.load(line), Path(folder))
            return [*map(attrs.asdict, ends)]

        answering(answer)


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
