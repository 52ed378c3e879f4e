"""Whether the server was ever the bottleneck.

Bytes that are only copied come back more than twice as fast as from the
fastest contestant: so the server could have served it twice as fast.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from .pairing import Matched, Spread, ratios


@attrs.frozen(kw_only=True)
class Check:
    """How much faster the floor is.

    Attributes:
        where: The scenario.
        floor: Who only copies bytes.
        fastest: Of the contestants.
        times: How much faster the floor is, in the median.
    """

    where: str
    floor: str
    fastest: str
    times: float

    @property
    def fine(self) -> bool:
        """Whether the server could have served twice as many."""
        return self.times > 2.0


def checks(measured: Any) -> list[Check]:
    """Return a check for each scenario that has a floor."""
    return [*_times(measured), *_rates(measured["throughput"]["rates"])]


def _times(measured: Any) -> Iterator[Check]:
    for kind in ("async", "blocking"):
        for codec, series in measured[kind].items():
            yield _check(f"{kind}, one at a time, {codec}", series)


def _rates(rates: dict[str, Matched]) -> Iterator[Check]:
    for level, series in rates.items():
        times = {
            name: [1 / max(rate, 0.001) for rate in each]
            for name, each in series.items()
        }
        yield _check(f"throughput, {level} at once", times)


def _check(where: str, times: Matched) -> Check:
    floor = next(name for name in times if name.startswith("raw"))
    medians = {name: Spread.of(each).median for name, each in times.items()}
    del medians[floor]
    fastest = min(medians, key=lambda name: medians[name])
    return Check(
        where=where,
        floor=floor,
        fastest=fastest,
        times=Spread.of(ratios(times[fastest], times[floor])).median,
    )
