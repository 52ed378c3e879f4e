"""The benchmarks of imports run: not how fast."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


ROOT = Path(__file__).parents[1]


def test_a_short_run_measures_everything() -> None:
    """Throughput, pace and memory each have a line, and no order fails."""
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("COVERAGE_")
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bulk", "--short"],
        cwd=ROOT,
        env=environ,
        check=True,
        timeout=55,
        capture_output=True,
        text=True,
    )
    lines = done.stdout.splitlines()

    assert "| failed orders | 0 | 0 | yes |" in lines
    assert 13 == sum(line.startswith("| ") for line in lines)
