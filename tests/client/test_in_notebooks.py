"""Notebooks and REPLs: calls in cells, of loops that come and go."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import anyio
import pytest

from sesamy_async.sandbox import Sandbox, SandboxConfig
from support.calling import ORDER
from support.kernel import Cell, Kernel, started
from support.programs import led_to, run


BEGIN = """
from sesamy_async import AsyncSesamy, Sesamy
from support.calling import ORDER
awaited, blocking = AsyncSesamy(), Sesamy()
"""
# ipykernel 7.4 sees its stop button only when its loop comes round.
TICK = """
import asyncio
async def tick():
    while True:
        await asyncio.sleep(0.05)
ticking = asyncio.create_task(tick())
"""
AWAITED = "(await awaited.contracts.create('SPRING-12', ORDER)).id"
BLOCKED = "blocking.contracts.create('SPRING-12', ORDER).id"
CALLS = [
    pytest.param(AWAITED, "CancelledError", id="awaited"),
    pytest.param(BLOCKED, "KeyboardInterrupt", id="blocking"),
]


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


@pytest.fixture
async def kernel(environ: dict[str, str], log: Path) -> AsyncIterator[Kernel]:
    """Start a kernel that has both clients."""
    async with started(environ, log) as kernel:
        await kernel.run(BEGIN)
        yield kernel


async def test_cells_share_clients(kernel: Kernel, sandbox: Sandbox) -> None:
    """Both work in several cells, the blocking one in the running loop."""
    shown = [
        (await kernel.run(cell)).shown.strip("'\n")
        for cell in (
            "import asyncio; asyncio.get_running_loop().is_running()",
            AWAITED,
            BLOCKED,
            AWAITED,
            BLOCKED,
        )
    ]
    made = sandbox.ledger.contracts(ORDER.external_order_id)

    assert ["True", *(contract.id for contract in made)] == shown
    assert 4 == len(made)
    assert 2 == sandbox.ledger.requests("token")


@pytest.mark.parametrize(("call", "ended"), CALLS)
async def test_a_cell_is_stopped(
    call: str, ended: str, kernel: Kernel, sandbox: Sandbox
) -> None:
    """It tells the outcome, and the next cell's call does well."""
    await kernel.run(TICK)
    sandbox.faults.add("delay:30", times=1, on="create")

    async def stop() -> None:
        while not sandbox.ledger.requests("create"):  # noqa: ASYNC110 - a thread serves it
            await anyio.sleep(0.01)
        await kernel.stop()

    async with anyio.create_task_group() as group:
        group.start_soon(stop)
        cell = await kernel.run(call)
    after = await kernel.run(call)

    assert ended == cell.ended
    assert "Outcome: UNKNOWN." in cell.shown
    assert "" == after.ended


async def test_a_client_is_dropped(kernel: Kernel) -> None:
    """The cell that forgets it shows a warning that names it."""
    await kernel.run(AWAITED)
    await kernel.run(BLOCKED)
    cell = await kernel.run("import gc; del awaited, blocking; gc.collect()")

    assert "ResourceWarning: unclosed Sesamy(" in cell.shown
    assert "ResourceWarning: unclosed AsyncSesamy(" in cell.shown
    assert "" == cell.ended


def test_the_kernel_ends_before_the_clients(
    environ: dict[str, str], log: Path
) -> None:
    """No traceback is left by it."""

    async def main() -> list[Cell]:
        async with started(environ, log) as kernel:
            await kernel.run(BEGIN)
            return [await kernel.run(call) for call in (AWAITED, BLOCKED)]

    cells = anyio.run(main)

    assert ["", ""] == [cell.ended for cell in cells]
    assert "Traceback" not in log.read_text()


IPYTHON = ("-m", "IPython", "--simple-prompt", "--no-banner")
REPLS = [
    pytest.param(("-m", "asyncio"), "", id="python -m asyncio"),
    pytest.param(IPYTHON, "%autoawait asyncio\n", id="IPython on asyncio"),
    pytest.param(IPYTHON, "%autoawait trio\n", id="IPython on trio"),
]
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


@pytest.mark.parametrize(("repl", "first"), REPLS)
def test_several_lines_share_a_client(
    repl: tuple[str, ...],
    first: str,
    environ: dict[str, str],
    sandbox: Sandbox,
) -> None:
    """Both work, also the blocking one inside of a running loop."""
    done = run(repl, environ, first + LINES + ENDS)
    made = sandbox.ledger.contracts(ORDER.external_order_id)

    assert [contract.id for contract in made] == ids(done.stdout)
    assert 4 == len(made)
    assert 2 == sandbox.ledger.requests("token")
    assert "Traceback" not in done.stdout + done.stderr
    assert "Sesamy(" not in done.stderr


@pytest.mark.parametrize(("repl", "first"), REPLS)
def test_it_ends_before_the_clients(
    repl: tuple[str, ...], first: str, environ: dict[str, str]
) -> None:
    """There is a warning that names each, and no traceback."""
    done = run(repl, environ, first + LINES)

    assert 4 == len(ids(done.stdout))
    assert "ResourceWarning: unclosed Sesamy(" in done.stderr
    assert "ResourceWarning: unclosed AsyncSesamy(" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
