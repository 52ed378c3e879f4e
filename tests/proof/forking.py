"""A process that forks others, so that none of those waits for imports."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs


_TESTS = Path(__file__).parents[1]
_ROOT = _TESTS.parent


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
