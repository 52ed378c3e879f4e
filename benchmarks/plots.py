"""Draw the results as SVG: the same bytes for the same results.

The colours follow the reader's choice of light or dark.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from textwrap import fill
from typing import Any

import attrs

from .pairing import Spread, ratios


PAPER = "#ffffff"
INK = "#24292f"
OURS = "#0b6e4f"
PEER = "#9aa5b1"
WARN = "#b35900"
_NAMES = {PAPER: "paper", INK: "ink", OURS: "ours", PEER: "peer", WARN: "warn"}
_DARK = {
    "paper": "#131416",
    "ink": "#cfd0d0",
    "ours": "#3fb68b",
    "peer": "#505a64",
    "warn": "#e08a3c",
}
_STYLE = {
    **dict.fromkeys(
        (
            "text.color",
            "axes.edgecolor",
            "axes.labelcolor",
            "xtick.color",
            "ytick.color",
        ),
        INK,
    ),
    **dict.fromkeys(
        ("figure.facecolor", "axes.facecolor", "savefig.facecolor"), PAPER
    ),
    "svg.hashsalt": "sesamy-async",
    "svg.fonttype": "none",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
}
# Requests of a create and a confirm, of 300 per minute.
_PERMITTED = 300 / 60 / 2
_NO_DATE = {"Date": None, "Creator": None}


@attrs.frozen
class Bar:
    """A bar of a chart.

    Attributes:
        label: Beside it.
        spread: Its length and its whiskers.
        ours: Whether it stands out.
    """

    label: str
    spread: Spread
    ours: bool


def draw(kept: dict[str, Any], folder: Path) -> list[Path]:
    """Write all plots.

    Args:
        kept: By `results.document`.
        folder: Where they go.

    Returns:
        The files.
    """
    measured = kept["measured"]
    return _draw(
        folder,
        {
            "one-at-a-time": (_one_at_a_time, measured),
            "many-at-once": (_many_at_once, measured),
            "start-up": (_startup, measured),
        },
    )


def draw_from_pages(
    docs: Path, places: dict[str, Any], folder: Path
) -> list[Path]:
    """Write the plots of what pages have in tables, and of the places.

    Args:
        docs: Where the pages are.
        places: What `benchmarks.places` keeps.
        folder: Where the plots go.

    Returns:
        The files.
    """
    pace = docs / "retries-deadlines-pace.md"
    proof = docs / "reliability.md"
    return _draw(
        folder,
        {
            "bursts": (_bursts, [*rows_below(pace, "### Bursts")]),
            "pace": (_pace, [*rows_below(proof, "### one-pace")]),
            "stores": (_stores, places["measured"]["throughput"]["rates"]),
        },
    )


def _draw(
    folder: Path, plots: Mapping[str, tuple[Callable[[Any, Any], Any], Any]]
) -> list[Path]:
    matplotlib: Any = import_module("matplotlib")
    matplotlib.use("svg")
    pyplot: Any = import_module("matplotlib.pyplot")
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    with matplotlib.rc_context(_STYLE):
        for name, (plot, figures) in plots.items():
            figure = plot(pyplot, figures)
            files.append(folder / f"{name}.svg")
            figure.savefig(files[-1], metadata=_NO_DATE)
            pyplot.close(figure)
            _finish(files[-1])
    return files


def rows_below(page: Path, heading: str) -> Iterator[dict[str, str]]:
    """Read the first table below a heading of a page.

    Args:
        page: With tables in Markdown.
        heading: A whole line.

    Yields:
        Each row, by the names of the columns.
    """
    text = page.read_text(encoding="utf-8")
    below = text[text.index(f"\n{heading}\n") :]
    lines = iter(below[below.index("\n|") :].strip().splitlines())
    names = _cells(next(lines))
    next(lines)
    for line in lines:
        if not line.startswith("|"):
            return
        yield dict(zip(names, _cells(line), strict=True))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def _one_at_a_time(pyplot: Any, measured: Any) -> Any:
    figure, axes = pyplot.subplots(1, 2, figsize=(9, 4.4))
    for axis, kind in zip(axes, ("async", "blocking"), strict=True):
        bars = []
        for codec, series in measured[kind].items():
            for name, seconds in series.items():
                ours = name.startswith("sesamy")
                if ours or codec == "json":
                    label = f"{name}, {codec}" if ours else name
                    ratio = Spread.of(ratios(seconds, series["httpx"]))
                    bars.append(Bar(label, ratio, ours))
        _bars(axis, sorted(bars, key=lambda bar: -bar.spread.median))
        axis.axvline(1.0, color=INK, linewidth=0.8, linestyle=":")
        axis.set_xlabel("time of a call ÷ bare httpx")
        axis.set_title(f"{kind}, one at a time")
    return figure


def _many_at_once(pyplot: Any, measured: Any) -> Any:
    figure, axis = pyplot.subplots(figsize=(7, 3.8))
    rates = measured["throughput"]["rates"]
    levels = [*rates]
    for name in rates[levels[0]]:
        spreads = [Spread.of(rates[level][name]) for level in levels]
        ours = name.startswith("sesamy")
        medians = [spread.median for spread in spreads]
        [line] = axis.plot(
            levels,
            medians,
            marker="o",
            color=OURS if ours else None,
            linewidth=2.5 if ours else 1.2,
            linestyle=":" if name.startswith("raw") else "-",
            label=name,
        )
        axis.fill_between(
            levels,
            [spread.q1 for spread in spreads],
            [spread.q3 for spread in spreads],
            color=line.get_color(),
            alpha=0.15,
            linewidth=0,
        )
    axis.set_yscale("symlog", linthresh=10)
    axis.set_ylim(bottom=0)
    axis.set_xlabel("calls at once")
    axis.set_ylabel("calls per second")
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure


def _startup(pyplot: Any, measured: Any) -> Any:
    figure, axes = pyplot.subplots(1, 2, figsize=(9, 2.6))
    startup = measured["startup"]
    bars = [
        Bar(name, Spread.of(series), name.startswith("sesamy"))
        for name, series in startup["imports"].items()
    ]
    _bars(axes[0], bars[::-1])
    axes[0].set_title("import")
    firsts = [
        Bar(
            name,
            Spread.of([each["total"] - each["network"] for each in series]),
            name.startswith("sesamy"),
        )
        for name, series in startup.get("firsts", {}).items()
    ]
    _bars(axes[1], firsts[::-1])
    axes[1].set_title("first call, without network")
    for axis in axes:
        axis.set_xlabel("milliseconds")
    return figure


def _bursts(pyplot: Any, rows: list[dict[str, str]]) -> Any:
    figure, axis = pyplot.subplots(figsize=(8, 2.9))
    labels = [
        f"{row['calls at once']} at once, {row['deadline']}"
        if row["calls at once"].replace(",", "").isdigit()
        else f"{row['calls at once']}, {row['deadline']}"
        for row in rows
    ]
    before = [0] * len(rows)
    for name, colour in {
        "confirmed": OURS,
        "created, not confirmed": WARN,
        "not sent": PEER,
    }.items():
        counts = [int(row[name].replace(",", "")) for row in rows]
        bars = axis.barh(
            labels[::-1],
            counts[::-1],
            left=before[::-1],
            color=colour,
            label=f"{name}: {sum(counts):,}",
        )
        axis.bar_label(
            bars,
            [f"{count}" if count else "" for count in counts[::-1]],
            label_type="center",
            color=INK if colour == PEER else PAPER,
        )
        before = [
            so_far + more for so_far, more in zip(before, counts, strict=True)
        ]
    axis.set_xlabel("orders")
    axis.set_title("onboard calls in a burst, with a deadline for each")
    axis.legend(loc="upper right", frameon=False)
    return figure


_OTHERS = "for comparison: "
SEEN_OF_A_PACE = re.compile(
    r"(?P<share>[\d.]+) of the permitted requests; "
    r"(?P<refused>[\d,]+) of (?P<all>[\d,]+) answers 429"
)


def _pace(pyplot: Any, rows: list[dict[str, str]]) -> Any:
    figure, axes = pyplot.subplots(1, 2, figsize=(8.4, 3.4), sharey=True)
    found = [
        (row["class"], seen)
        for row in rows[::-1]
        if (seen := SEEN_OF_A_PACE.search(row["seen"]))
    ]
    labels = [
        fill(
            label.removeprefix(_OTHERS)
            if label.startswith(_OTHERS)
            else f"{label}, one pace",
            40,
        )
        for label, _ in found
    ]
    colours = [
        PEER if label.startswith(_OTHERS) else OURS for label, _ in found
    ]
    shares = [float(seen["share"]) for _, seen in found]
    refused = [
        1000 * _count(seen["refused"]) / _count(seen["all"])
        for _, seen in found
    ]
    for axis, values, form, title in (
        (
            axes[0],
            shares,
            "{:.2f}",
            "part of the permitted\nrate that is used",
        ),
        (axes[1], refused, "{:.0f}", "of 1,000 requests,\nanswered 429"),
    ):
        bars = axis.barh(labels, values, color=colours)
        axis.bar_label(bars, map(form.format, values), padding=3)
        axis.set_title(title)
        axis.margins(x=0.15)
    return figure


def _count(number: str) -> int:
    return int(number.replace(",", ""))


def _stores(pyplot: Any, rates: dict[str, list[float]]) -> Any:
    figure, axis = pyplot.subplots(figsize=(7, 3.2))
    series: dict[str, dict[int, Spread]] = {}
    for key in sorted(rates, key=lambda key: int(key.partition(", ")[2])):
        store, _, processes = key.partition(", ")
        series.setdefault(store, {})[int(processes)] = Spread.of(rates[key])
    levels = [*next(iter(series.values()))]
    for place, (store, spreads) in enumerate(sorted(series.items())):
        medians = [spreads[level].median for level in levels]
        axis.bar(
            [at + (place - 1) * 0.27 for at in range(len(levels))],
            medians,
            width=0.25,
            color=(OURS, WARN, PEER)[place],
            label=store,
            yerr=[
                [spreads[each].median - spreads[each].q1 for each in levels],
                [spreads[each].q3 - spreads[each].median for each in levels],
            ],
            error_kw={"linewidth": 1.0, "capsize": 2.0, "ecolor": INK},
        )
    axis.axhline(
        _PERMITTED,
        color=INK,
        linestyle=":",
        label=f"what Sesamy\npermits: {_PERMITTED}",
    )
    axis.set_yscale("log")
    axis.set_ylim(1, 1000)
    axis.yaxis.set_major_formatter("{x:,.0f}")
    axis.set_xticks(
        range(len(levels)),
        [f"{n} process{'es' if n > 1 else ''}" for n in levels],
    )
    axis.set_ylabel("orders per second")
    axis.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure


def _bars(axis: Any, bars: list[Bar]) -> None:
    medians = [bar.spread.median for bar in bars]
    axis.barh(
        [bar.label for bar in bars],
        medians,
        color=[OURS if bar.ours else PEER for bar in bars],
        xerr=[
            [bar.spread.median - bar.spread.q1 for bar in bars],
            [bar.spread.q3 - bar.spread.median for bar in bars],
        ],
        error_kw={"linewidth": 1.0, "capsize": 2.0, "ecolor": INK},
    )
    axis.margins(x=0.05)


def _finish(path: Path) -> None:
    """Take trailing blanks out, and let the colours follow the reader."""
    lines = path.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line.rstrip() for line in lines)
    light = ";".join(f"--{name}:{code}" for code, name in _NAMES.items())
    dark = ";".join(f"--{name}:{code}" for name, code in _DARK.items())
    text = text.replace(
        '<style type="text/css">',
        f'<style type="text/css">:root{{{light}}} '
        f"@media (prefers-color-scheme: dark){{:root{{{dark}}}}} ",
        1,
    )
    # What knows no variables takes the first.
    for code, name in _NAMES.items():
        text = re.sub(
            f"(fill|stroke): {code}",
            rf"\1: {code}; \1: var(--{name})",
            text,
        )
    path.write_text(f"{text}\n", encoding="utf-8")
