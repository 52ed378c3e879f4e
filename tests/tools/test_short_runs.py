"""Each benchmark runs, and measures what it says.

This takes a minute of processor time and tries nothing of the package, so
that `.ci/run` asks for it: ``SHORT_RUNS=1 pytest tests/tools``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from benchmarks import results


pytestmark = pytest.mark.skipif(
    "SHORT_RUNS" not in os.environ, reason="SHORT_RUNS is not set"
)

ROOT = Path(__file__).parents[2]
ALWAYS_THERE = {"sesamy-async", "httpx", "raw asyncio"}
HAS_COMMITS = (ROOT / ".git").exists() and which("git") is not None
BEFORE = ["--before", "HEAD"] if HAS_COMMITS else []


def short_run(module: str, *more: object) -> list[str]:
    """Return what a short run of a benchmark prints."""
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-m", module, "--short", *map(str, more)],
        cwd=ROOT,
        check=True,
        timeout=200,
        capture_output=True,
        text=True,
    )
    return done.stdout.splitlines()


def test_a_short_run(tmp_path: Path) -> None:
    """It measures all, and judges it.

    One test, for a run takes long, and workers share no fixtures.
    """
    short_run("benchmarks", *BEFORE, "--into", tmp_path)
    kept = results.read(tmp_path / "results.json")

    _measures_all_that_is_there(kept["measured"])
    _judges_each_goal(kept["goals"])
    _loses_nothing_to_cancellations(kept["measured"]["cancellation"])
    _tells_nothing_of_where_it_was_made(kept)


def test_a_short_run_with_a_store() -> None:
    """What a store costs is measured for both clients, and at once."""
    [*_, head, _, commit, asyncio, _, at_once, blocking, _] = short_run(
        "benchmarks.once"
    )

    assert head.startswith("| what")
    assert commit.startswith("| a durable commit")
    assert "asyncio" in asyncio
    assert "50 at once, SQLite" in at_once
    assert "blocking" in blocking


def test_a_short_run_of_stores() -> None:
    """Each store is measured, and several processes at once."""
    lines = short_run("benchmarks.places")

    for store in ("SQLite", "Postgres", "Redis"):
        assert 3 == sum(line.startswith(f"| {store} |") for line in lines)
    assert any("processes" in line for line in lines)


def test_a_short_run_with_telemetry() -> None:
    """Both clients are measured, with no provider and with the SDK's."""
    rows = [
        line.split(" | ")[:2]
        for line in short_run("benchmarks.telemetry")
        if line.startswith(("| asyncio", "| blocking"))
    ]

    assert [
        [f"| {client}", what]
        for client in ("asyncio", "blocking")
        for what in (
            "without",
            "no provider (API only)",
            "SDK, 1 % of the calls traced",
            "SDK, all calls traced",
        )
    ] == rows


def test_a_short_run_of_imports() -> None:
    """Throughput, pace and memory each have a line, and no order fails."""
    lines = short_run("benchmarks.bulk")

    assert "| failed orders | 0 | 0 | yes |" in lines
    assert 13 == sum(line.startswith("| ") for line in lines)


def test_a_short_run_checks_files() -> None:
    """Both formats are checked, with mistakes and without."""
    lines = short_run("benchmarks.bulk.check_speed")
    found = [line.split(" | ")[:3] for line in lines[2:]]

    assert [
        [f"| {ending}", rows, wrong]
        for ending in ("csv", "jsonl")
        for rows, wrong in (("1,000", "0"), ("1,000", "100"))
    ] == found


def _measures_all_that_is_there(measured: Any) -> None:
    """Each scenario has the figures of those that are always installed."""
    rates = measured["throughput"]["rates"]

    assert set(measured["async"]["json"]) >= ALWAYS_THERE
    assert {"10", "100", "500"} == set(rates)
    assert all(set(each) >= ALWAYS_THERE for each in rates.values())
    assert {"sesamy-async", "its parts"} <= set(measured["startup"]["imports"])
    assert {"sesamy-async", "httpx"} <= set(measured["cancellation"])
    assert {
        f"{kind}, {when}"
        for kind in ("async", "blocking")
        for when in ("now", "before")
        if HAS_COMMITS
    } == set(measured.get("before", {}))


def _judges_each_goal(judged: Any) -> None:
    """No goal of ours is left without a figure and a verdict."""
    measured = [goal for goal in judged if goal["now"] is not None]

    # On a busy machine a peer may answer nothing to compare with.
    assert len(measured) >= len(judged) - 3
    assert {True, False} >= {goal["reached"] for goal in measured}
    assert all(
        goal["now"]["low"] <= goal["now"]["median"] <= goal["now"]["high"]
        for goal in measured
    )


def _loses_nothing_to_cancellations(found: Any) -> None:
    """No call fails after them, and no socket or task is left."""
    ours = found["sesamy-async"]

    assert 0 == ours["failures"]
    assert 0 == (ours["sockets"] or 0)
    assert 0 == ours["tasks"]


def _tells_nothing_of_where_it_was_made(kept: Any) -> None:
    """Neither a path nor the name of the machine is kept."""
    text = str(kept)

    assert str(ROOT) not in text
    assert str(Path.home()) not in text
    assert {"cores", "system", "architecture", "python", "implementation"} == (
        set(kept["machine"])
    )
