"""All that is measured, in its order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from .pairing import joined
from .task import Task


Say = Callable[[str], object]

_WITH_ORJSON = ("sesamy-async", "httpx", "raw asyncio", "raw socket")
_AT_ONCE = (
    "sesamy-async",
    "httpx",
    "httpx on AsyncPoolTransport",
    "httpx2",
    "aiohttp",
    "pyreqwest",
    "pyqwest",
    "raw asyncio",
)
_THREADS = ("sesamy-async", "httpx", "httpx2", "pyreqwest", "pyqwest")
_FEW = ("sesamy-async", "httpx", "raw asyncio", "raw socket")
_CANCELLED = ("sesamy-async", "httpx", "httpx2", "aiohttp")


def measure(task: Task, codecs: list[str], say: Say) -> Any:
    """Run every scenario, each in fresh processes.

    Args:
        task: What all of them have in common.
        codecs: ``json``, and ``orjson`` if that is installed.
        say: Told what is going on.

    Returns:
        The raw results, by scenario.
    """
    plan = _Plan(task, codecs, say)
    before = {"before": plan.before()} if task.before else {}
    return before | {
        "async": plan.by_codec("one_async", "seconds"),
        "blocking": plan.by_codec("one_blocking", "seconds"),
        "threads": plan.by_codec("threads", "rates", _THREADS),
        "throughput": plan.throughput(),
        "startup": plan.once("startup", codecs[-1]),
        "cancellation": plan.once("cancellation", "json", _CANCELLED),
    }


class _Plan:
    def __init__(self, task: Task, codecs: list[str], say: Say) -> None:
        self._task = task
        self._scale = task.scale
        self._codecs = codecs
        self._say = say

    def by_codec(
        self, scenario: str, figure: str, names: tuple[str, ...] = ()
    ) -> Any:
        """Return a figure of each block, for each codec and contestant."""
        processes = self._scale.processes
        return {
            codec: joined(
                [
                    each[figure]
                    for each in self._all(scenario, codec, processes, names)
                ]
            )
            for codec in self._codecs
        }

    def before(self) -> Any:
        """Return seconds per call of the SDK of now and of before."""
        processes = self._scale.processes
        return joined([*self._all("before", "json", processes)])

    def throughput(self) -> Any:
        """Return calls per second, for each level and contestant."""
        rounds = [
            *self._all("throughput", "json", self._scale.rounds, _AT_ONCE)
        ]
        names = rounds[0]["errors"]
        return {
            "rates": {
                level: joined([each["rates"][level] for each in rounds])
                for level in rounds[0]["rates"]
            },
            "errors": {
                name: sum(each["errors"][name] for each in rounds)
                for name in names
            },
        }

    def once(
        self, scenario: str, codec: str, names: tuple[str, ...] = ()
    ) -> Any:
        """Return the result of a scenario that runs in one process."""
        [result] = self._all(scenario, codec, 1, names)
        return result

    def _all(
        self,
        scenario: str,
        codec: str,
        processes: int,
        names: tuple[str, ...] = (),
    ) -> Iterable[Any]:
        if codec == "orjson" and not names:
            names = _WITH_ORJSON
        if self._scale.few:
            names = tuple(each for each in names if each in _FEW)
        for number in range(processes):
            task = attrs.evolve(
                self._task,
                scenario=scenario,
                codec=codec,
                number=number,
                names=names,
            )
            self._say(f"{scenario}, {codec}, {number + 1} of {processes}")
            yield task.done()
