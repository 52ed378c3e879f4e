"""``python -m benchmarks``: measure, print the tables, keep the results."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Self

import attrs

from . import page, plots, results
from .before import checkout
from .machine import Cores
from .payload import ROOT
from .plan import measure
from .report import report
from .scale import FULL, SHORT
from .serving import compiled
from .task import Task


_PEERS = (
    "aiohttp",
    "httpx2",
    "matplotlib",
    "openai",
    "orjson",
    "pyqwest",
    "pyreqwest",
    "requests",
    "stripe",
    "trustme",
)


@attrs.frozen
class Places:
    """Where what is made goes; None where it goes nowhere.

    Attributes:
        results: The JSON.
        plots: A folder.
        page: A page with markers.
    """

    results: Path | None
    plots: Path | None
    page: Path | None

    @classmethod
    def of_the_project(cls) -> Self:
        """Return where a full run goes."""
        docs = ROOT / "docs"
        return cls(
            ROOT / "benchmarks" / "results" / "latest.json",
            docs / "plots",
            docs / "performance.md",
        )

    @classmethod
    def in_folder(cls, folder: Path | None) -> Self:
        """Return where other runs go."""
        if folder is None:
            return cls(None, None, None)
        return cls(folder / "results.json", folder, None)


def main() -> None:
    """Run what the command line asks for."""
    given = _arguments()
    places = Places.of_the_project()
    if given.render:
        assert places.results is not None
        _publish(results.read(places.results), places)
        return
    if given.short or given.into:
        places = Places.in_folder(given.into)
    scale = SHORT if given.short else FULL
    start = perf_counter()
    notes = [f"{name} is not installed." for name in _missing()]
    codecs = ["json", "orjson"] if find_spec("orjson") else ["json"]
    with TemporaryDirectory() as folder:
        program = compiled(Path(folder))
        language = "C" if program else "Python: no compiler was found"
        notes += [f"The server is written in {language}."]
        before = ""
        if given.before:
            before, commit = checkout(given.before, Path(folder) / "before")
            notes += [f'"Before" is commit {commit}.']
        task = Task(
            scale=scale,
            cores=Cores.choose(),
            program=program,
            before=before,
        )
        measured = measure(task, codecs, _say)
    kept = results.document(scale, measured, perf_counter() - start, notes)
    if places.results is not None:
        results.write(places.results, kept)
    _publish(kept, places)


def _publish(kept: dict[str, Any], places: Places) -> None:
    tables = report(kept)
    print(tables)
    if places.page is not None:
        page.update(places.page, tables)
    if places.plots is not None and find_spec("matplotlib"):
        plots.draw(kept, places.plots)
        if places.page is not None:  # Those of the other pages, too.
            other = results.read(ROOT / "benchmarks/results/places.json")
            plots.draw_from_pages(places.page.parent, other, places.plots)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m benchmarks")
    parser.add_argument(
        "--short", action="store_true", help="see that it runs, in seconds"
    )
    parser.add_argument(
        "--into", type=Path, help="a folder for results and plots"
    )
    parser.add_argument(
        "--before", metavar="COMMIT", help="compare with an older commit"
    )
    parser.add_argument(
        "--render", action="store_true", help="page and plots anew, no run"
    )
    return parser.parse_args()


def _missing() -> list[str]:
    return [name for name in _PEERS if find_spec(name) is None]


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
