"""Clients in processes of many kinds: scripts, workers, REPLs, notebooks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import anyio
import pytest

from sesamy_async.sandbox import Sandbox, SandboxConfig
from support.calling import ORDER
from support.kernel import Cell, Kernel, started
from support.programs import led_to, run


WORKERS = 4
CALLS = 40
PATIENCE = 120


@pytest.fixture
def anyio_backend() -> str:
    """Talk to the kernel from asyncio; it has a loop of its own."""
    return "asyncio"


@pytest.fixture
def sandbox() -> Sandbox:
    """Return a sandbox without a rate limit."""
    return Sandbox(SandboxConfig(rate_limit=None))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return where a process leaves what it says."""
    return tmp_path / "log"


@pytest.fixture
def environ(sandbox: Sandbox, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Serve the sandbox; return the environment that leads there."""
    with led_to(sandbox, IPYTHONDIR=str(tmp_path)) as environ:
        yield environ


LEFT_OPEN = """
import anyio
from sesamy_async import AsyncSesamy
from support.calling import ORDER
async def main():
    global client
    client = AsyncSesamy()
    print(bool((await client.contracts.create("SPRING-12", ORDER)).id))
anyio.run(main, backend={backend!r})
"""


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_interpreter_ends_before_the_client(
    backend: str, environ: dict[str, str]
) -> None:
    """There is a warning that names it, and no traceback."""
    done = run(["-c", LEFT_OPEN.format(backend=backend)], environ)

    assert (0, "True\n") == (done.returncode, done.stdout)
    assert "ResourceWarning" in done.stderr
    assert "Sesamy(" in done.stderr
    assert "Traceback" not in done.stderr


@contextmanager
def gunicorn(environ: dict[str, str], log: Path) -> Iterator[str]:
    """Serve the preloaded application, and yield its URL."""
    command = [sys.executable, "-m", "gunicorn", "--preload"]
    command += ["--workers", str(WORKERS), "--bind", "127.0.0.1:0"]
    with (
        log.open("w") as sink,
        subprocess.Popen(  # noqa: S603 - our own words
            [*command, "support.preloaded_app:app"],
            env=environ,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stderr is not None
        try:
            for line in process.stderr:
                sink.write(line)
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    yield found[0]
                    break
        finally:
            process.terminate()
            sink.write(process.stderr.read())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_gunicorn_forks_an_open_client(
    sandbox: Sandbox, environ: dict[str, str], log: Path
) -> None:
    """Its workers share no connection, and each order gets its answer."""
    answers: list[dict[str, Any]] = []

    def call(url: str) -> dict[str, Any]:
        # Each with a connection of its own, and no certificates to load.
        with urlopen(url, timeout=PATIENCE) as response:  # noqa: S310 - ours
            answer: dict[str, Any] = json.load(response)
        return answer

    def workers() -> set[int]:
        return {answer["worker"] for answer in answers}

    with gunicorn(environ, log) as url, ThreadPoolExecutor(8) as pool:
        # The first worker may be done with many before the next is there.
        while len(workers()) < 2:
            answers += pool.map(call, [url] * CALLS)
    contracts = {answer["contract"] for answer in answers}

    assert len(answers) == len(contracts)
    assert len(answers) + 1 == sandbox.ledger.total
    assert len(workers()) <= WORKERS
    assert "Traceback" not in log.read_text()


# ipykernel 7.4 sees its stop button only when its loop comes round.
BEGIN = """
import asyncio
from sesamy_async import AsyncSesamy, Sesamy
from support.calling import ORDER
awaited, blocking = AsyncSesamy(), Sesamy()
async def tick():
    while True:
        await asyncio.sleep(0.05)
ticking = asyncio.create_task(tick())
"""
AWAITED = "(await awaited.contracts.create('SPRING-12', ORDER)).id"
BLOCKED = "blocking.contracts.create('SPRING-12', ORDER).id"
FORGET = "import gc; del awaited, blocking; gc.collect()"


async def test_a_cell_is_stopped(
    environ: dict[str, str], sandbox: Sandbox, log: Path
) -> None:
    """It tells the outcome, and the next cell's call does well.

    Both clients work in several cells, the blocking one in a running loop;
    the cell that forgets them shows a warning that names them.
    """

    async def stop(kernel: Kernel, before: int) -> None:
        while sandbox.ledger.requests("create") == before:  # noqa: ASYNC110 - a thread serves it
            await anyio.sleep(0.01)
        await kernel.stop()

    stopped: list[Cell] = []
    after: list[Cell] = []
    async with started(environ, log) as kernel:
        await kernel.run(BEGIN)
        for call in (AWAITED, BLOCKED):
            before = sandbox.ledger.requests("create")
            sandbox.faults.add("delay:30", times=1, on="create")
            async with anyio.create_task_group() as group:
                group.start_soon(stop, kernel, before)
                stopped.append(await kernel.run(call))
            after.append(await kernel.run(call))
        after.append(await kernel.run(FORGET))

    assert ["CancelledError", "KeyboardInterrupt"] == [
        cell.ended for cell in stopped
    ]
    assert all("Outcome: UNKNOWN." in cell.shown for cell in stopped)
    assert ["", "", ""] == [cell.ended for cell in after]
    assert "ResourceWarning: unclosed Sesamy(" in after[-1].shown
    assert "ResourceWarning: unclosed AsyncSesamy(" in after[-1].shown
    assert 2 == sandbox.ledger.requests("token")
    assert "Traceback" not in log.read_text()  # noqa: ASYNC240 - it is over


IPYTHON = ("-m", "IPython", "--simple-prompt", "--no-banner")
ON_ASYNCIO, ON_TRIO = "%autoawait asyncio\n", "%autoawait trio\n"
LINES = """
import anyio
from sesamy_async import AsyncSesamy, Sesamy
from support.calling import ORDER
awaited = AsyncSesamy()
blocking = Sesamy()
print((await awaited.contracts.create("SPRING-12", ORDER)).id)
print(blocking.contracts.create("SPRING-12", ORDER).id)
print((await awaited.contracts.create("SPRING-12", ORDER)).id)
async def inside(): return anyio.get_current_task() and blocking.contracts.create("SPRING-12", ORDER).id

print(await inside())
"""  # noqa: E501 - typed line by line
ENDS = """
blocking.close()
await awaited.aclose()
"""


@pytest.mark.parametrize(
    ("repl", "first", "ends"),
    [
        pytest.param(("-m", "asyncio"), "", "", id="python -m asyncio"),
        pytest.param(IPYTHON, ON_ASYNCIO, "", id="IPython on asyncio"),
        pytest.param(IPYTHON, ON_TRIO, "", id="IPython on trio"),
        pytest.param(IPYTHON, ON_TRIO, ENDS, id="closed"),
    ],
)
def test_several_lines_share_a_client(
    repl: tuple[str, ...],
    first: str,
    ends: str,
    environ: dict[str, str],
    sandbox: Sandbox,
) -> None:
    """Both work, also the blocking one inside of a running loop.

    If it ends before them, a warning names each; there is no traceback.
    """
    for _ in range(3):
        sandbox.reset()
        done = run(repl, environ, first + LINES + ends)
        warned = [
            f"ResourceWarning: unclosed {name}(" in done.stderr
            for name in ("Sesamy", "AsyncSesamy")
        ]
        # The thread of asyncio's REPL may outlive the interpreter on a busy
        # machine, and its variables with it.
        if all(warned) is not bool(ends):
            break
    made = sandbox.ledger.contracts(ORDER.external_order_id)

    ids = re.findall(r"\b[0-9a-f]{32}\b", done.stdout)
    assert [contract.id for contract in made] == ids
    assert 4 == len(made)
    assert 2 == sandbox.ledger.requests("token")
    assert [not ends] * 2 == warned
    assert "Traceback" not in done.stdout + done.stderr
