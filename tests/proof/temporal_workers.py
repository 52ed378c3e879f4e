"""Workers of the Temporal example, forked so that none waits for imports.

``python -m proof.temporal_workers`` starts one for each line ``start``, and
answers with its process id; to ``wait ID``, with how it ended; and to
``living``, with those that have not ended.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from importlib import import_module
from typing import Any

import attrs

from proof.forking import Forker, answering, forker
from support.examples import EXAMPLES


_CARELESS = 0.1  # How often an error that nobody expected shows the order.


@attrs.define(eq=False)
class Workers:
    """Workers that are to be killed.

    Attributes:
        living: The processes that were started and not ended, oldest first.
        kills: How many were killed.
    """

    _forker: Forker
    living: list[int] = attrs.field(factory=list[int])
    kills: int = 0

    def work(self, many: int) -> None:
        """Let so many work, whatever became of the others."""
        left = self._forker.ask("living")
        self.living = [each for each in self.living if each in left]
        while len(self.living) > many:
            self.kill()
        while len(self.living) < many:
            self.living.append(self._forker.ask("start"))

    def kill(self) -> None:
        """Kill the oldest of them."""
        os.kill(self.living[0], signal.SIGKILL)
        self._forker.ask(f"wait {self.living.pop(0)}")
        self.kills += 1

    async def stop(self) -> int:
        """Stop the oldest as a deployment does; return its exit code."""
        os.kill(self.living[0], signal.SIGTERM)
        line = f"wait {self.living.pop(0)}"
        code: int = await asyncio.to_thread(self._forker.ask, line)
        return code


@contextmanager
def workers() -> Iterator[Workers]:
    """Yield what starts them with the variables of now; none is left."""
    with forker(__name__) as started:
        yield Workers(started)


def _serve() -> None:
    sys.path.insert(0, str(EXAMPLES))
    worker: Any = import_module("temporal.worker")
    activities: Any = import_module("temporal.activities")
    activities.HEARTBEAT = 2.0
    _hurry(worker)
    _be_careless(activities)
    living: set[int] = set()

    def answer(line: str) -> object:
        what, _, number = line.strip().partition(" ")
        if what == "living":
            ended = (os.waitpid(each, os.WNOHANG)[0] for each in [*living])
            living.difference_update([*ended])
            return [*living]
        if what == "start":
            child = os.fork()
            if not child:
                _work(worker)
            living.add(child)
            return child
        living.remove(int(number))
        return os.waitstatus_to_exitcode(os.waitpid(int(number), 0)[1])

    answering(answer)
    for each in living:
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)


def _hurry(worker: Any) -> None:
    """Keep no pace, and wait less for workers that are dead."""
    worker.ORDERS_PER_SECOND = None
    worker.Worker = partial(
        worker.Worker,
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
    )


def _be_careless(activities: Any) -> None:
    read = activities.NewContract.from_dict

    class Careless:
        @staticmethod
        def from_dict(order: dict[str, Any]) -> Any:
            if random.random() < _CARELESS:  # noqa: S311 - no secret
                raise ValueError(f"What about {order}?")
            return read(order)

    activities.NewContract = Careless


def _work(worker: Any) -> None:
    code = 1
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for each in (0, 1, 2):
            os.dup2(nowhere, each)
        random.seed()
        asyncio.run(worker.main())
        code = 0
    except BaseException:  # noqa: BLE001 - nothing may get past the fork
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    _serve()
