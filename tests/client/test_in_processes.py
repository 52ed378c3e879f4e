"""How a client gets on with the processes that it lives in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from sesamy_async.sandbox import Sandbox, SandboxConfig
from support.programs import led_to, run


WORKERS = 4
CALLS = 40
PATIENCE = 120

BLOCKING = """
from sesamy_async import Sesamy
from support.calling import ORDER
client = Sesamy()
print(bool(client.contracts.create("SPRING-12", ORDER).id))
"""
ASYNC = """
import anyio
from sesamy_async import AsyncSesamy
from support.calling import ORDER
async def main():
    global client
    client = AsyncSesamy()
    print(bool((await client.contracts.create("SPRING-12", ORDER)).id))
anyio.run(main, backend={backend!r})
"""


@pytest.fixture
def sandbox() -> Sandbox:
    """Return a sandbox."""
    return Sandbox(SandboxConfig(rate_limit=None))


@pytest.fixture
def environ(sandbox: Sandbox) -> Iterator[dict[str, str]]:
    """Serve it, and return the environment that leads there."""
    with led_to(sandbox) as environ:
        yield environ


@pytest.mark.parametrize(
    "program",
    [
        BLOCKING,
        ASYNC.format(backend="asyncio"),
        ASYNC.format(backend="trio"),
    ],
    ids=["blocking", "asyncio", "trio"],
)
def test_the_interpreter_ends_before_the_client(
    program: str, environ: dict[str, str]
) -> None:
    """There is a warning that names it, and no traceback."""
    done = run(["-c", program], environ)

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
    sandbox: Sandbox, environ: dict[str, str], tmp_path: Path
) -> None:
    """Its workers share no connection, and each order gets its answer."""
    log = tmp_path / "log"
    answers: list[dict[str, Any]] = []

    def call(url: str) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(url, timeout=PATIENCE).json()
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
