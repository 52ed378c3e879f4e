"""Measure in a process of its own, so that nothing is left from before."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar


_P = ParamSpec("_P")
_T = TypeVar("_T")

_PATIENCE = 900.0
_TO_MB = 1024


def apart(
    measure: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
) -> _T:
    """Return what a function of a module measures in a fresh process."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply_async(measure, args, kwargs).get(_PATIENCE)


def peak() -> float:
    """Return the largest resident size of this process, in MB.

    Not `resource.getrusage`, which counts what the parent had, too.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    [line] = [
        line for line in status.splitlines() if line.startswith("VmHWM:")
    ]
    return int(line.split()[1]) / _TO_MB
