"""Programs in Python that run as processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sesamy_async.sandbox import Sandbox, running


_PATIENCE = 120


@contextmanager
def led_to(sandbox: Sandbox, **more: str) -> Iterator[dict[str, str]]:
    """Serve a sandbox, and yield the environment that leads there."""
    with running(sandbox) as url:
        yield {
            **os.environ,
            **sandbox.environment(url),
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "PYTHONWARNINGS": "default",
            **more,
        }


def run(
    arguments: Sequence[str], environ: Mapping[str, str], typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run Python to its end."""
    return subprocess.run(  # noqa: S603 - our own words
        [sys.executable, *arguments],
        env=environ,
        input=typed,
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
