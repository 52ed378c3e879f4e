"""Notebooks and REPLs: calls in cells, of loops that come and go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from sesamy_async.sandbox import Sandbox, SandboxConfig
from support.calling import ORDER
from support.kernel import Cell, Kernel, started
from support.programs import led_to, run


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


@pytest.fixture
def anyio_backend() -> str:
    """Talk to the kernel from asyncio; it has a loop of its own."""
    return "asyncio"


@pytest.fixture
def sandbox() -> Sandbox:
    """Return a sandbox."""
    return Sandbox(SandboxConfig(rate_limit=None))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return where the process of the kernel leaves its words."""
    return tmp_path / "log"


@pytest.fixture
def environ(sandbox: Sandbox, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Serve it, and return the environment of a process that has no past."""
    with led_to(sandbox, IPYTHONDIR=str(tmp_path)) as environ:
        yield environ


async def test_cells_share_clients(
    environ: dict[str, str], sandbox: Sandbox, log: Path
) -> None:
    """Both work in several cells, the blocking one in the running loop.

    The kernel that ends before them leaves no traceback.
    """
    cells = (AWAITED, BLOCKED, AWAITED, BLOCKED)
    async with started(environ, log) as kernel:
        await kernel.run(BEGIN)
        loop = await kernel.run("asyncio.get_running_loop().is_running()")
        shown = [(await kernel.run(cell)).shown.strip("'\n") for cell in cells]
    made = sandbox.ledger.contracts(ORDER.external_order_id)

    assert "True" == loop.shown.strip()
    assert [contract.id for contract in made] == shown
    assert 4 == len(made)
    assert 2 == sandbox.ledger.requests("token")
    assert "Traceback" not in log.read_text()  # noqa: ASYNC240 - it is over


async def test_a_cell_is_stopped(
    environ: dict[str, str], sandbox: Sandbox, log: Path
) -> None:
    """It tells the outcome, and the next cell's call does well.

    The cell that forgets the clients shows a warning that names them.
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


def ids(text: str) -> list[str]:
    """Return the ids of contracts in a text."""
    return re.findall(r"\b[0-9a-f]{32}\b", text)


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
    done = run(repl, environ, first + LINES + ends)
    made = sandbox.ledger.contracts(ORDER.external_order_id)
    warned = [
        f"ResourceWarning: unclosed {name}(" in done.stderr
        for name in ("Sesamy", "AsyncSesamy")
    ]

    assert [contract.id for contract in made] == ids(done.stdout)
    assert 4 == len(made)
    assert 2 == sandbox.ledger.requests("token")
    assert [not ends] * 2 == warned
    assert "Traceback" not in done.stdout + done.stderr
