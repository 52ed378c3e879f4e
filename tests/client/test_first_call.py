"""What a first call finds ready: imports, certificates, no locks."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest

from sesamy_async._call import anyio_runtime as on_anyio
from sesamy_async.sandbox import Sandbox, running
from support import first_call
from support.programs import run
from support.proxy import ConnectProxy
from support.tls import server_context, trusted


FAULTS = (
    "status:401",
    "status:422",
    "status:503",
    "wait:1",
    "html",
    "malformed",
    "half",
    "drop-after",
)
WORLDS = ("asyncio", "trio", "blocking")


@contextmanager
def served(scheme: str, folder: Path) -> Iterator[tuple[Sandbox, Any]]:
    """Serve a sandbox whose creates fail; yield it, and what leads there."""
    sandbox = Sandbox()
    secure = scheme == "https"
    with running(
        sandbox, ssl_context=server_context() if secure else None
    ) as url:
        environ = {
            **os.environ,
            **sandbox.environment(url),
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "SSL_CERT_FILE": str(trusted(folder)),
        }
        yield sandbox, environ


def told(environ: Any, *arguments: str) -> Any:
    """Return what the program prints."""
    done = run(["-m", "support.first_call", *arguments], environ)

    assert 0 == done.returncode, done.stderr

    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("scheme", "library"), [("http", "httpx2"), ("https", "httpx")]
)
@pytest.mark.parametrize("world", WORLDS)
def test_no_call_imports(
    world: str, scheme: str, library: str, tmp_path: Path
) -> None:
    """All is imported when the client is made, also what failures need."""
    with served(scheme, tmp_path) as (sandbox, environ):
        for fault in FAULTS:
            sandbox.faults.add(fault, on="create")
        connections = json.dumps({"library": library})
        names = told(environ, "imports", world, connections)

    assert [] == names
    assert len(FAULTS) < first_call.CALLS
    assert () == sandbox.faults.pending


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("world", WORLDS)
async def test_no_call_imports_for_a_proxy(world: str, tmp_path: Path) -> None:
    """Neither does a call through a proxy."""
    with served("https", tmp_path) as (sandbox, environ):
        port = int(environ["SESAMY_BASE_URL"].rpartition(":")[2])
        async with ConnectProxy(port) as proxy:
            url = f"http://127.0.0.1:{proxy.port}"
            ask = partial(
                told, environ, "imports", world, json.dumps({"proxy": url})
            )
            names = await anyio.to_thread.run_sync(ask)

        assert proxy.head.startswith(b"CONNECT ")

    assert [] == names
    assert 0 < sandbox.ledger.total


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("world", WORLDS)
def test_forks_in_a_first_call(
    world: str, scheme: str, tmp_path: Path
) -> None:
    """A child that is forked meanwhile ends its own call in time."""
    with served(scheme, tmp_path) as (_, environ):
        ends = told(environ, "forks", world)

    assert {0} == {*ends}


@pytest.mark.parametrize("loaded", [True, False])
def test_without_trio(loaded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asyncio's part of anyio is loaded always, trio's where trio is."""
    asked: list[str] = []
    monkeypatch.setattr(on_anyio, "import_module", asked.append)
    if not loaded:
        monkeypatch.delitem(sys.modules, "trio", raising=False)
    on_anyio.load_backends()

    assert ["asyncio", "trio"][: 1 + loaded] == [
        name.rpartition("_")[2] for name in asked
    ]
