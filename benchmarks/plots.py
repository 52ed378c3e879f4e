"""Draw the results as SVG: the same bytes for the same results."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs

from .pairing import Spread, ratios


OURS = "#0b6e4f"
PEER = "#9aa5b1"
_STYLE = {
    "svg.hashsalt": "sesamy-async",
    "svg.fonttype": "none",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
}
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
    matplotlib: Any = import_module("matplotlib")
    matplotlib.use("svg")
    pyplot: Any = import_module("matplotlib.pyplot")
    folder.mkdir(parents=True, exist_ok=True)
    plots: dict[str, Callable[[Any, Any], Any]] = {
        "one-at-a-time": _one_at_a_time,
        "many-at-once": _many_at_once,
        "start-up": _startup,
    }
    files = []
    with matplotlib.rc_context(_STYLE):
        for name, plot in plots.items():
            figure = plot(pyplot, kept["measured"])
            files.append(folder / f"{name}.svg")
            figure.savefig(files[-1], metadata=_NO_DATE)
            pyplot.close(figure)
            _without_trailing_blanks(files[-1])
    return files


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
        axis.axvline(1.0, color="black", linewidth=0.8, linestyle=":")
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
        error_kw={"linewidth": 1.0, "capsize": 2.0},
    )
    axis.margins(x=0.05)


def _without_trailing_blanks(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line.rstrip() for line in lines)
    path.write_text(f"{text}\n", encoding="utf-8")
