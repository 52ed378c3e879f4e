"""Both clients, typed line by line where a loop runs already."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sesamy_async.sandbox import Sandbox, SandboxConfig
from support.calling import ORDER
from support.programs import led_to, run


IPYTHON = ("-m", "IPython", "--simple-prompt", "--no-banner")
REPLS = [
    pytest.param(("-m", "asyncio"), "", id="python -m asyncio"),
    pytest.param(IPYTHON, "%autoawait asyncio\n", id="IPython on asyncio"),
    pytest.param(IPYTHON, "%autoawait trio\n", id="IPython on trio"),
]
CALLS = """
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


@pytest.fixture
def sandbox() -> Sandbox:
    """Return a sandbox."""
    return Sandbox(SandboxConfig(rate_limit=None))


@pytest.fixture
def environ(sandbox: Sandbox, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Serve it, and return the environment of a REPL that has no past."""
    with led_to(sandbox, IPYTHONDIR=str(tmp_path)) as environ:
        yield environ


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
    done = run(repl, environ, first + CALLS + ENDS)
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
    done = run(repl, environ, first + CALLS)

    assert 4 == len(ids(done.stdout))
    assert "ResourceWarning: unclosed Sesamy(" in done.stderr
    assert "ResourceWarning: unclosed AsyncSesamy(" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
