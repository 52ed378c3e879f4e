"""All that is measured, in its order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .machine import Cores
from .pairing import joined
from .scale import Scale
from .task import Task


Say = Callable[[str], object]

_WITH_ORJSON = ("sesamy-async", "httpx", "raw asyncio", "raw socket")
_AT_ONCE = ("sesamy-async", "httpx", "httpx2", "aiohttp", "raw asyncio")
_THREADS = ("sesamy-async", "httpx", "httpx2")
_CANCELLED = ("sesamy-async", "httpx", "httpx2", "aiohttp")


def measure(scale: Scale, cores: Cores, codecs: list[str], say: Say) -> Any:
    """Run every scenario, each in fresh processes.

    Args:
        scale: How much.
        cores: Where.
        codecs: ``json``, and ``orjson`` if that is installed.
        say: Told what is going on.

    Returns:
        The raw results, by scenario.
    """
    plan = _Plan(scale, cores, codecs, say)
    return {
        "async": plan.paired("one_async", scale.processes),
        "blocking": plan.paired("one_blocking", scale.processes),
        "threads": plan.threads(),
        "throughput": plan.throughput(),
        "startup": plan.once("startup", codecs[-1]),
        "cancellation": plan.once("cancellation", "json", _CANCELLED),
    }


class _Plan:
    def __init__(
        self, scale: Scale, cores: Cores, codecs: list[str], say: Say
    ) -> None:
        self._scale = scale
        self._cores = cores
        self._codecs = codecs
        self._say = say

    def paired(self, scenario: str, processes: int) -> Any:
        """Return seconds per call, for each codec and contestant."""
        return {
            codec: joined(
                [
                    each["seconds"]
                    for each in self._all(scenario, codec, processes)
                ]
            )
            for codec in self._codecs
        }

    def threads(self) -> Any:
        """Return calls per second, for each codec and contestant."""
        return {
            codec: joined(
                [
                    each["rates"]
                    for each in self._all(
                        "threads", codec, self._scale.processes, _THREADS
                    )
                ]
            )
            for codec in self._codecs
        }

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
        for number in range(processes):
            task = Task(
                scenario=scenario,
                codec=codec,
                scale=self._scale,
                cores=self._cores,
                number=number,
                names=names,
            )
            self._say(f"{scenario}, {codec}, {number + 1} of {processes}")
            yield task.done()
