"""Start-up: imports, and the first call after them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs

from benchmarks.goals import BEFORE, OURS
from benchmarks.pairing import Matched, orders
from benchmarks.payload import ROOT
from benchmarks.scenarios.certificate import certify
from benchmarks.serving import serving
from benchmarks.task import Task, environment


IMPORTS = {
    OURS: ("sesamy_async",),  # `_import_time` loads its client, too.
    "its parts": ("httpx", "attrs", "cattrs.preconf.json", "anyio"),
    "stripe": ("stripe",),
    "openai": ("openai",),
}
FIRSTS = {
    "sesamy-async, async": ("ours_async", "sesamy_async"),
    "sesamy-async, blocking": ("ours", "sesamy_async"),
    "httpx, async": ("httpx_async", "httpx"),
    "httpx, blocking": ("httpx", "httpx"),
    "openai, async": ("openai_async", "openai"),
}
_PATIENCE = 30.0


@attrs.frozen
class First:
    """A first call.

    Attributes:
        total: Milliseconds from the import to the answer.
        network: Milliseconds of that which any client needs for network.
    """

    total: float
    network: float


def run(task: Task) -> dict[str, Any]:
    """Return milliseconds of imports and of first calls."""
    result: dict[str, Any] = {"imports": _imports(task)}
    if find_spec("trustme"):
        result["firsts"] = {
            name: [attrs.asdict(each) for each in firsts]
            for name, firsts in _firsts(task).items()
        }
    return result


def _imports(task: Task) -> Matched:
    names = [name for name, (one, *_) in IMPORTS.items() if find_spec(one)]
    names += [BEFORE] if task.before else []
    series: Matched = {name: [] for name in names}
    for name in names:
        if not task.scale.few:
            _import_time(name, task)  # Compiled, and read from the disk.
    for order in orders(names, task.scale.imports, task.seed):
        for name in order:
            series[name].append(_import_time(name, task))
    return series


def _import_time(name: str, task: Task) -> float:
    before = name == BEFORE
    importing = (
        "from sesamy_async import AsyncSesamy"
        if before or name == OURS
        else f"import {', '.join(IMPORTS[name])}"
    )
    program = (
        "from time import perf_counter as now\n"
        "start = now()\n"
        f"{importing}\n"
        "print((now() - start) * 1000)\n"
    )
    folder = task.before if before else str(ROOT)
    [took] = _numbers(["-c", program], {}, folder)
    return took


def _firsts(task: Task) -> dict[str, list[First]]:
    names = [name for name, (_, one) in FIRSTS.items() if find_spec(one)]
    series: dict[str, list[First]] = {name: [] for name in names}
    with TemporaryDirectory() as folder:
        server, trusted = certify(Path(folder))
        with serving(task.cores.server, certificate=str(server)) as target:
            given = {"SSL_CERT_FILE": str(trusted)}
            for order in orders(names, task.scale.firsts, task.seed):
                for name in order:
                    first = _first(name, target.base_url, given)
                    series[name].append(first)
    return series


def _first(name: str, url: str, given: dict[str, str]) -> First:
    who, _ = FIRSTS[name]
    order = str(ROOT / "examples" / "order.json")
    command = ["-m", "benchmarks.probes.first_call", who, url, order]
    return First(*_numbers(command, given))


def _numbers(
    command: list[str], given: dict[str, str], folder: str = str(ROOT)
) -> Iterator[float]:
    printed = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, *command],
        cwd=folder,
        env={**environment(), **given},
        stdout=subprocess.PIPE,
        text=True,
        timeout=_PATIENCE,
        check=True,
    ).stdout
    return map(float, printed.split())
