"""A process that forks others, so that none of those waits for imports."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs


_TESTS = Path(__file__).parents[1]
_ROOT = _TESTS.parent
_STEP = 0.002

Say = Callable[[object], None]
"""Writes something down, which can be JSON, before it returns."""


@attrs.frozen
class Child:
    """A process that is to be forked.

    Attributes:
        work: What it does.
        after: Seconds after which it is killed.
    """

    work: Callable[[Say], None]
    after: float


@attrs.frozen
class ChildEnd:
    """How such a process ended.

    Attributes:
        killed: Whether by SIGKILL.
        code: What it exited with, otherwise.
        said: What it said before.
    """

    killed: bool
    code: int
    said: tuple[Any, ...]


@attrs.frozen
class Forker:
    """Such a process, from outside."""

    _process: subprocess.Popen[str]

    def ask(self, line: str) -> Any:
        """Give it a line, and return what it answers, which is JSON."""
        talk_to, hear = self._process.stdin, self._process.stdout
        assert talk_to is not None
        assert hear is not None
        talk_to.write(f"{line}\n")
        talk_to.flush()
        return json.loads(hear.readline())


@contextmanager
def forker(module: str) -> Iterator[Forker]:
    """Start one, which is a module that calls `answering`, and end it."""
    command = [sys.executable, "-m", module]
    path = os.pathsep.join([str(_TESTS), str(_ROOT)])
    with subprocess.Popen(  # noqa: S603 - our own words
        command,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    ) as process:
        yield Forker(process)


def answering(answer: Callable[[str], Any]) -> None:
    """Answer each line, until there are no more; all is loaded by now."""
    # What is shared with the children is better never written to.
    gc.freeze()
    for line in sys.stdin:
        sys.stdout.write(f"{json.dumps(answer(line))}\n")
        sys.stdout.flush()


def run_children(children: Sequence[Child], folder: Path) -> list[ChildEnd]:
    """Run processes at the same time, and wait for their ends.

    Args:
        children: The processes.
        folder: Where they write down what they say.
    """
    living: dict[int, tuple[int, float]] = {}
    codes: dict[int, int] = {}
    for number, child in enumerate(children):
        notes = folder / str(number)
        notes.write_text("")
        process = os.fork()
        if not process:
            _be_the_child(child, notes)
        living[process] = number, time.monotonic() + child.after
    while living:
        for process, (number, latest) in [*living.items()]:
            done, status = os.waitpid(process, os.WNOHANG)
            if not done and time.monotonic() >= latest:
                os.kill(process, signal.SIGKILL)
                done, status = os.waitpid(process, 0)
            if done:
                codes[number] = os.waitstatus_to_exitcode(status)
                del living[process]
        time.sleep(_STEP)
    return [
        ChildEnd(
            codes[number] == -signal.SIGKILL,
            max(codes[number], 0),
            _read(folder / str(number)),
        )
        for number in range(len(children))
    ]


def _read(notes: Path) -> tuple[Any, ...]:
    whole, _, _ = notes.read_text().rpartition("\n")
    return tuple(map(json.loads, whole.splitlines()))


def _be_the_child(child: Child, notes: Path) -> None:
    code = 1
    try:
        with notes.open("a", encoding="utf-8") as file:

            def say(said: object) -> None:
                file.write(f"{json.dumps(said)}\n")
                file.flush()

            child.work(say)
        code = 0
    except BaseException:  # noqa: BLE001 - nothing may get past the fork
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
