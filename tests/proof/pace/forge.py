"""Forks processes that share a rate, so that all begin at the same time.

``python -m proof.pace.forge`` reads a `Job` from each line of its input and
answers with how its processes ended, in JSON.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import cattrs

from proof.forking import (
    Child,
    ChildEnd,
    Forker,
    Say,
    answering,
    forker,
    run_children,
)

from .job import Job, Made, Worker
from .work import warm_up, work


@attrs.frozen
class PaceForge:
    """The process that forks, from outside."""

    _forker: Forker

    def run(self, job: Job) -> list[ChildEnd]:
        """Run the processes of a job, and wait for their ends."""
        ends: list[dict[str, Any]] = self._forker.ask(job.dump())
        return [
            ChildEnd(
                each["killed"],
                each["code"],
                (*cattrs.structure(each["said"], list[Made]),),
            )
            for each in ends
        ]


@contextmanager
def pace_forge() -> Iterator[PaceForge]:
    """Start one, and end it."""
    with forker(__name__) as started:
        yield PaceForge(started)


def _serve() -> None:
    warm_up()
    with tempfile.TemporaryDirectory() as folder:

        def answer(line: str) -> list[dict[str, Any]]:
            job = Job.load(line)
            children = [_child(job, each) for each in job.workers]
            ends = run_children(children, Path(folder))
            return [*map(attrs.asdict, ends)]

        answering(answer)


def _child(job: Job, worker: Worker) -> Child:
    def do(say: Say) -> None:
        work(job, worker, lambda made: say(attrs.asdict(made)))

    return Child(do, worker.after + job.start - time.monotonic())


if __name__ == "__main__":
    _serve()
