"""What processes take: memory, and time of processors."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


_TICKS = os.sysconf("SC_CLK_TCK")


def family(first: int, proc: Path = Path("/proc")) -> list[int]:
    """Return a process and all that it has started, directly or not."""
    parents: dict[int, int] = {}
    for path in proc.glob("[0-9]*"):
        with suppress(OSError):
            parents[int(path.name)] = int(_fields(path)[1])
    found = [first]
    for each in found:
        found += [one for one, parent in parents.items() if parent == each]
    return found


def used(pids: Iterable[int], proc: Path = Path("/proc")) -> float:
    """Return the seconds of processors, with those of ended children."""
    ticks = 0
    for pid in pids:
        with suppress(OSError):
            ticks += sum(map(int, _fields(proc / str(pid))[11:15]))
    return ticks / _TICKS


def resident(pids: Iterable[int], proc: Path = Path("/proc")) -> float:
    """Return the MB of memory, shared pages counted for each process."""
    return sum(_kept(proc / str(pid) / "status", "VmRSS:") for pid in pids)


def proportional(pids: Iterable[int], proc: Path = Path("/proc")) -> float:
    """Return the MB of memory, shared pages divided among their users."""
    return sum(_kept(proc / str(pid) / "smaps_rollup", "Pss:") for pid in pids)


def _fields(process: Path) -> list[str]:
    """Return the fields of a process from its state on."""
    # Its name, in parentheses, may have spaces in it.
    return (process / "stat").read_text("utf-8").rpartition(")")[2].split()


def _kept(path: Path, name: str) -> float:
    # One that has ended keeps nothing.
    with suppress(OSError):
        for line in path.read_text("utf-8").splitlines():
            if line.startswith(name):
                return int(line.split()[1]) / 1_024
    return 0.0
