"""The tables, in Markdown: the same on the screen and in the docs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from .pairing import Spread, ratios


_ANSWERS = {True: "yes", False: "**no**", None: "not measured"}


def report(kept: dict[str, Any]) -> str:
    """Return all tables of a run.

    Args:
        kept: By `results.document`.
    """
    measured = kept["measured"]
    parts = [
        *_setting(kept),
        "### Goals\n",
        _goals(kept["goals"]),
        *_before(measured.get("before", {})),
        "### One at a time, async\n",
        _one_at_a_time(measured["async"]),
        "### One at a time, blocking\n",
        _one_at_a_time(measured["blocking"]),
        "### Many at once: calls per second\n",
        _throughput(measured["throughput"]["rates"]),
        f"### {kept['scale']['threads']} threads: calls per second\n",
        _threads(measured["threads"]),
        "### Start-up: milliseconds\n",
        _startup(measured["startup"]),
        "### After cancellations\n",
        _cancellation(measured["cancellation"]),
        "### Is the server fast enough?\n",
        _server(kept["server"]),
    ]
    return "\n".join(parts)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def number(value: float) -> str:
    """Write a figure with as many digits as mean something."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _setting(kept: dict[str, Any]) -> Iterator[str]:
    machine, scale = kept["machine"], kept["scale"]
    yield (
        f"Run of {kept['date']} ({scale['name']}, {kept['seconds']} s): "
        f"{machine['implementation']} {machine['python']}, "
        f"{machine['system']} {machine['architecture']}, "
        f"{machine['cores']} cores, loopback.\n"
    )
    names = (f"{name} {each}" for name, each in kept["versions"].items())
    yield f"Versions: {', '.join(names)}.\n"
    for note in kept["notes"]:
        yield f"Note: {note}\n"


def _goals(kept: list[dict[str, Any]]) -> str:
    rows = []
    for goal in kept:
        unit = f" {goal['unit']}" if goal["unit"] else ""
        now = goal["now"] and Spread(**goal["now"])
        peers = (f"{name} {number(x)}" for name, x in goal["peers"].items())
        rows.append(
            [
                goal["what"],
                f"{goal['sign']} {number(goal['bound'])}{unit}",
                *(_spread(now) if now else ["", "", ""]),
                _ANSWERS[goal["reached"]],
                ", ".join(peers),
            ]
        )
    head = ["what", "goal", "median", "middle half", "all", "reached"]
    return table([*head, "others, same run"], rows)


def _spread(spread: Spread) -> list[str]:
    if spread.count == 1:
        return [number(spread.median), "", ""]
    return [
        number(spread.median),
        f"{number(spread.q1)} to {number(spread.q3)}",
        f"{number(spread.low)} to {number(spread.high)}",
    ]


def _one_at_a_time(measured: dict[str, Any]) -> str:
    rows = []
    for codec, series in measured.items():
        for name, seconds in series.items():
            micros = Spread.of(seconds).median * 1e6
            ours = name.startswith("sesamy")
            if codec == "orjson" and not ours:
                continue
            label = f"{name}, {codec}" if ours else name
            ratio = Spread.of(ratios(seconds, series["httpx"]))
            rows.append(
                (ratio.median, [label, number(micros), *_spread(ratio)])
            )
    rows.sort(key=lambda row: row[0])
    head = ["client", "µs per call", "÷ httpx", "middle half", "all"]
    return table(head, [cells for _, cells in rows])


def _before(measured: dict[str, Any]) -> Iterator[str]:
    if not measured:
        return
    rows = []
    for kind in ("async", "blocking"):
        pair = now, before = [
            measured[f"{kind}, {when}"] for when in ("now", "before")
        ]
        ratio = Spread.of(ratios(now, before))
        micros = (number(Spread.of(each).median * 1e6) for each in pair)
        rows.append([kind, *micros, *_spread(ratio)])
    head = ["json", "µs per call", "before", "÷ before", "middle half", "all"]
    yield "### One at a time, before and now\n"
    yield table(head, rows)


def _throughput(rates: dict[str, Any]) -> str:
    levels = [*rates]
    names = [*rates[levels[0]]]
    rows = [
        [
            name,
            *(
                number(Spread.of(rates[level][name]).median)
                for level in levels
            ),
        ]
        for name in names
    ]
    return table(["client", *(f"{level} at once" for level in levels)], rows)


def _threads(measured: dict[str, Any]) -> str:
    rows = []
    for codec, series in measured.items():
        for name, rates in series.items():
            ours = name.startswith("sesamy")
            if codec == "orjson" and not ours:
                continue
            ratio = Spread.of(ratios(rates, series["httpx"]))
            median = number(Spread.of(rates).median)
            label = f"{name}, {codec}" if ours else name
            rows.append([label, median, *_spread(ratio)])
    head = ["client", "calls per second", "÷ httpx", "middle half", "all"]
    return table(head, rows)


def _startup(measured: dict[str, Any]) -> str:
    rows = [
        [f"import: {name}", *_spread(Spread.of(series))]
        for name, series in measured["imports"].items()
    ]
    for name, firsts in measured.get("firsts", {}).items():
        own = Spread.of([each["total"] - each["network"] for each in firsts])
        rows.append([f"first call: {name}", *_spread(own)])
    return table(["what", "median", "middle half", "all"], rows)


def _cancellation(measured: dict[str, Any]) -> str:
    rows = []
    for name, each in measured.items():
        reasons = (
            f"{why} ({count})" for why, count in each["reasons"].items()
        )
        sockets = each["sockets"]
        rows.append(
            [
                name,
                f"{each['cancelled']:,}",
                number(each["seconds"]),
                f"{each['failures']} of 100",
                ", ".join(reasons),
                "unknown" if sockets is None else str(sockets),
                str(each["tasks"]),
            ]
        )
    head = ["client", "cancelled", "seconds", "then failed", "error"]
    return table([*head, "sockets left", "tasks left"], rows)


def _server(kept: list[dict[str, Any]]) -> str:
    rows = [
        [
            check["where"],
            check["fastest"],
            check["floor"],
            number(check["times"]),
            _ANSWERS[check["fine"]],
        ]
        for check in kept
    ]
    head = ["where", "fastest client", "floor", "times as fast", "above 2"]
    return table(head, rows)
