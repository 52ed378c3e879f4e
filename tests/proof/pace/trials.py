"""Run processes that share the rate of one service."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import attrs

from sesamy_async import RateLimit

from .forge import PaceForge
from .job import Job, Keeping, Kind, Worker
from .judge import Trial
from .service import service


_names = count()
_GETTING_READY = 1.0
_DELAY = "delay:{}"

Event = tuple[float, Callable[[], object]]
"""What happens, and when: seconds from the start."""


@attrs.frozen(kw_only=True)
class Bench:
    """What trials use.

    Attributes:
        redis: The URL of the server for the shared pace.
        forged: The process that forks.
        limit: What the processes are told of the rate.
    """

    redis: str
    forged: PaceForge
    limit: RateLimit

    def run(
        self,
        workers: Sequence[Worker],
        *,
        lasts: float,
        keeping: Keeping = Keeping.SHARED,
        permitted: RateLimit | None = None,
        answer: float = 0.0,
        events: Sequence[Event] = (),
        **more: Any,
    ) -> Trial:
        """Run processes, each trial at a new service with a new pace.

        Args:
            workers: The processes.
            lasts: Seconds in which they begin calls.
            keeping: How they keep the rate.
            permitted: What the service permits, if not what they are told.
            answer: Seconds until the service answers.
            events: What happens meanwhile.
            **more: Of the `Job`.
        """
        limit = permitted or self.limit
        faults = {_DELAY.format(answer): 1.0} if answer else {}
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            served = stack.enter_context(
                service(
                    Path(folder, "notes"),
                    limit.rate,
                    round(limit.burst),
                    faults,
                )
            )
            job = Job(
                redis=self.redis,
                pace=f"pace-{next(_names)}",
                keeping=keeping,
                limit=self.limit,
                settings=served.settings,
                workers=(*workers,),
                start=time.monotonic() + _GETTING_READY,
                lasts=lasts,
                **more,
            )
            timers = [
                threading.Timer(job.start + at - time.monotonic(), do)
                for at, do in events
            ]
            for each in timers:
                each.start()
            ends = self.forged.run(job)
            for each in timers:
                each.join()
            return Trial(
                limit=limit,
                start=job.start,
                lasts=lasts,
                answer=answer,
                requests=served.requests(),
                ends=(*ends,),
                contracts=served.ledger()["orders"],
            )


_WORLDS = ("asyncio", "blocking")
_KINDS = (Kind.ONBOARD, Kind.CREATE)


def mixed(
    processes: int, at_once: int, pause: float, changed: Mapping[int, Any]
) -> list[Worker]:
    """Return busy processes and as many that are mostly idle.

    Args:
        processes: How many there are together.
        at_once: How many calls the busy ones make at a time, together.
        pause: Seconds between the calls of an idle one, at least.
        changed: By the number of a process: what is different of it.
    """
    busy = processes // 2
    workers: list[Worker] = []
    for number in range(processes):
        more: dict[str, Any] = {"at_once": at_once // busy}
        if number >= busy:
            # Not all at the same time.
            more = {"pause": pause * (1 + 0.1 * (number - busy))}
        worker = Worker(
            name=f"p{number}",
            world=_WORLDS[number % 2],
            kind=_KINDS[number // 2 % 2 ^ number % 2],
            **more,
        )
        workers.append(attrs.evolve(worker, **changed.get(number, {})))
    return workers
