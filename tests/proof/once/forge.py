"""Forks the processes of a trial, so that none waits for imports.

``python -m proof.once.forge`` reads a `Job` from each line of its input and
answers with how its processes ended, in JSON.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from proof.forking import (
    Child,
    Forker,
    Say,
    answering,
    forker,
    run_children,
)

from .job import Ended, Job, Kind, Said, Worker
from .tell import tell, warm_up


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
            job = Job.load(line)
            children = [_child(job, each) for each in job.workers]
            ends = run_children(children, Path(folder))
            return [*map(attrs.asdict, ends)]

        answering(answer)


def _child(job: Job, worker: Worker) -> Child:
    def work(say: Say) -> None:
        tell(job, worker, lambda said: say(attrs.asdict(said)))

    return Child(work, worker.after)


if __name__ == "__main__":
    _serve()
