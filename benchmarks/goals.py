"""What has to be reached, and whether it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from .pairing import Series, Spread, ratios


OURS = "sesamy-async"
BARE = "httpx"
BEFORE = "sesamy-async, before"


@attrs.frozen(kw_only=True)
class Goal:
    """A line of the table.

    Attributes:
        what: Is compared with what.
        sign: ``≤`` or ``≥``.
        bound: Of the median.
        unit: Of the figures; none for ratios.
        now: What was measured, if it was.
        peers: The medians of others in the same run.
    """

    what: str
    sign: str
    bound: float
    unit: str = ""
    now: Spread | None
    peers: dict[str, float] = attrs.field(factory=dict[str, float])

    @property
    def reached(self) -> bool | None:
        """Whether the median is on the right side; None: not measured."""
        if self.now is None:
            return None
        if self.sign == "≤":
            return self.now.median <= self.bound
        return self.now.median >= self.bound


def goals(measured: Any, cancellations: int) -> list[Goal]:
    """Return the table of the project's goals.

    Args:
        measured: By `plan.measure`.
        cancellations: How many there had to be.
    """
    return [
        *_before(measured.get("before", {})),
        *_one_at_a_time(measured),
        *_many_at_once(measured["throughput"]["rates"]),
        _threads(measured["threads"]),
        *_startup(measured["startup"]),
        _cancelled(measured["cancellation"], cancellations),
    ]


def _before(measured: Any) -> Iterator[Goal]:
    for kind, bound in (("async", 0.78), ("blocking", 0.88)):
        if measured:
            now, before = (measured[f"{kind}, {w}"] for w in ("now", "before"))
            yield Goal(
                what=f"{kind}, one at a time, json ÷ before",
                sign="≤",
                bound=bound,
                now=_ratio(now, before),
            )


def _one_at_a_time(measured: Any) -> Iterator[Goal]:
    for kind, client, bounds in (
        ("async", "httpx.AsyncClient", {"json": 0.50, "orjson": 0.50}),
        ("blocking", "httpx.Client", {"json": 0.65, "orjson": 0.60}),
    ):
        for codec, bound in bounds.items():
            series = measured[kind].get(codec, {})
            yield Goal(
                what=f"{kind}, one at a time, {codec} ÷ bare {client}",
                sign="≤",
                bound=bound,
                now=_ratio(series.get(OURS), series.get(BARE)),
                peers=_peers(series, BARE),
            )


def _many_at_once(rates: Any) -> Iterator[Goal]:
    ten, hundred, many = (rates.get(level, {}) for level in _LEVELS)
    yield Goal(
        what="throughput, 100 at once ÷ bare httpx with limits = 100",
        sign="≥",
        bound=30,
        now=_ratio(hundred.get(OURS), hundred.get(BARE)),
        peers=_peers(hundred, BARE),
    )
    for level, above in (("100", hundred), ("500", many)):
        yield Goal(
            what=f"throughput, {level} at once ÷ ours at 10",
            sign="≥",
            bound=0.85,
            now=_ratio(above.get(OURS), ten.get(OURS)),
            peers={
                name: spread.median
                for name in above
                if name != OURS
                and (spread := _ratio(above[name], ten.get(name)))
            },
        )


_LEVELS = ("10", "100", "500")


def _threads(measured: Any) -> Goal:
    series = measured.get("json", {})
    return Goal(
        what="8 threads sharing a Sesamy, json ÷ sharing an httpx.Client",
        sign="≥",
        bound=1.4,
        now=_ratio(series.get(OURS), series.get(BARE)),
        peers=_peers(series, BARE),
    )


def _startup(measured: Any) -> Iterator[Goal]:
    firsts = {
        name: Spread.of([each["total"] - each["network"] for each in series])
        for name, series in measured.get("firsts", {}).items()
    }
    for kind in ("async", "blocking"):
        yield Goal(
            what=f"first call after import without network, {kind}",
            sign="≤",
            bound=45,
            unit="ms",
            now=firsts.get(f"{OURS}, {kind}"),
            peers={
                name.removesuffix(f", {kind}"): spread.median
                for name, spread in firsts.items()
                if name.endswith(kind) and not name.startswith(OURS)
            },
        )
    imports = measured["imports"]
    yield Goal(
        what="import sesamy_async ÷ httpx, attrs, cattrs.preconf.json, anyio",
        sign="≤",
        bound=1.10,
        now=_ratio(imports.get(OURS), imports.get("its parts")),
        peers=_peers(imports, "its parts"),
    )
    if BEFORE in imports:
        yield Goal(
            what="import sesamy_async ÷ before",
            sign="≤",
            bound=1.0,
            now=_ratio(imports.get(OURS), imports.get(BEFORE)),
        )


def _cancelled(measured: Any, wanted: int) -> Goal:
    lost = {name: _lost(each, wanted) for name, each in measured.items()}
    ours = lost.pop(OURS, None)
    return Goal(
        what=f"{wanted:,} cancellations on a cap of 5, then 100 calls: "
        "failures, leaked sockets and tasks",
        sign="≤",
        bound=0,
        now=None if ours is None else Spread.of([ours]),
        peers=lost,
    )


def _lost(aftermath: Any, wanted: int) -> float:
    """Count all that went wrong; who never got so far lost everything."""
    if aftermath["cancelled"] < wanted:
        return float(wanted)
    leaks = max(0, aftermath["sockets"] or 0) + max(0, aftermath["tasks"])
    return float(aftermath["failures"] + leaks)


def _ratio(
    above: Sequence[float] | None, below: Sequence[float] | None
) -> Spread | None:
    if not above or not below:
        return None
    found = ratios(above, below)
    return Spread.of(found) if found else None


def _peers(
    series: dict[str, Series],
    below: str,
) -> dict[str, float]:
    return {
        name: spread.median
        for name in series
        if name not in {OURS, BARE, BEFORE, "its parts"}
        and not name.startswith("raw")
        and (spread := _ratio(series[name], series.get(below)))
    }
