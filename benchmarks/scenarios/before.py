"""A create of now beside one of an older commit, each in its own process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from os import pathsep
from typing import Any

from benchmarks.pairing import Matched, orders
from benchmarks.payload import ROOT
from benchmarks.serving import serving
from benchmarks.task import Task, environment


def run(task: Task) -> dict[str, Any]:
    """Return seconds per call, async and blocking, for each block."""
    with (
        serving(task.cores.server, program=task.program) as target,
        ExitStack() as stack,
    ):
        blocks = {
            f"{kind}, {when}": stack.enter_context(
                _creating(kind, folder, target.base_url, task.scale.calls)
            )
            for kind in ("async", "blocking")
            for when, folder in (("now", str(ROOT)), ("before", task.before))
        }
        for block in blocks.values():
            for _ in range(task.scale.warm_calls // task.scale.calls + 1):
                block()
        series: Matched = {name: [] for name in blocks}
        for order in orders([*blocks], task.scale.blocks, task.seed):
            for name in order:
                series[name].append(blocks[name]())
        return series


@contextmanager
def _creating(
    kind: str, folder: str, url: str, calls: int
) -> Iterator[Callable[[], float]]:
    """Start the process; what is yielded has it do a block."""
    command = [sys.executable, "-P", "-m", "benchmarks.probes.creates"]
    path = {"PYTHONPATH": pathsep.join([folder, str(ROOT)])}
    with subprocess.Popen(  # noqa: S603 - ourselves
        [*command, kind, url, str(calls), folder],
        env={**environment(), **path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        ask, answers = process.stdin, process.stdout

        def block() -> float:
            print(file=ask, flush=True)
            return float(answers.readline())

        yield block
        ask.close()
