"""The command line, run in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any


SESAMY = (sys.executable, "-m", "sesamy_async")


def ran(
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    command: tuple[str, ...] = SESAMY,
    **more: Any,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(  # noqa: S603 - our own words
        [*command, *arguments],
        env={**os.environ, **(environment or {})},
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more),
    )
