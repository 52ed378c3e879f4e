"""The benchmarks of imports run: not how fast."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


ROOT = Path(__file__).parents[2]


def short_run(module: str) -> list[str]:
    """Return what a short run of a benchmark prints."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("COVERAGE_")
    }
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-m", module, "--short"],
        cwd=ROOT,
        env=environ,
        check=True,
        timeout=200,
        capture_output=True,
        text=True,
    )
    return done.stdout.splitlines()


def test_a_short_run_measures_everything() -> None:
    """Throughput, pace and memory each have a line, and no order fails."""
    lines = short_run("benchmarks.bulk")

    assert "| failed orders | 0 | 0 | yes |" in lines
    assert 13 == sum(line.startswith("| ") for line in lines)


def test_a_short_run_checks_files() -> None:
    """Both formats are checked, with mistakes and without; and a report."""
    lines = short_run("benchmarks.bulk.check_speed")
    found = [line.split(" | ")[:3] for line in lines[2:]]

    assert [
        [f"| {ending}", rows, wrong]
        for ending in ("csv", "jsonl")
        for rows, wrong in (
            ("100", "0"),
            ("100", "10"),
            ("1,000", "0"),
            ("1,000", "100"),
        )
    ] + [["| csv, a report", rows, "0"] for rows in ("100", "1,000")] == found
