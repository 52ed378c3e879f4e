"""Where it runs: cores, Python, and the versions of all that takes part."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

import attrs


PACKAGES = (
    "sesamy-async",
    "anyio",
    "attrs",
    "cattrs",
    "httpx",
    "httpcore",
    "h11",
    "httpx2",
    "httpcore2",
    "orjson",
    "aiohttp",
    "pyqwest",
    "pyreqwest",
    "requests",
    "urllib3",
    "openai",
    "pydantic",
    "stripe",
    "matplotlib",
)


@attrs.frozen
class Cores:
    """Which core does what; None where that can't be chosen.

    Attributes:
        client: Measures.
        server: Answers.
    """

    client: int | None
    server: int | None

    @classmethod
    def choose(cls) -> Cores:
        """Give client and server a core each, where there are two."""
        cores = available()
        if len(cores) < 2:
            return cls(None, None)
        return cls(cores[0], cores[-1])


def available() -> list[int]:
    """Return the cores that this process may use, where that is known."""
    ask = getattr(os, "sched_getaffinity", None)
    return sorted(ask(0)) if ask else []


def pin(core: int | None, process: int = 0) -> None:
    """Keep a process (this one) on one core, with all that it starts."""
    ask = getattr(os, "sched_setaffinity", None)
    if core is not None and ask:
        ask(process, {core})


def machine() -> dict[str, str | int]:
    """Describe the machine; nothing that identifies it."""
    return {
        "cores": len(available()) or os.cpu_count() or 1,
        "system": platform.system(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
    }


def versions(packages: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Return the versions of those that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
