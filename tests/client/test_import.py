"""What an import loads, and what a first call finds ready: all it needs."""

from __future__ import annotations

import json
import os
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread
import attrs
import pytest

import sesamy_async
from sesamy_async._call import load_backends
from sesamy_async.sandbox import Sandbox, running
from support import first_call
from support.programs import run
from support.proxy import ConnectProxy
from support.tls import server_context, trusted


WAITING = {
    "asyncio",
    "cyclopts",
    "difflib",
    "fastapi",
    "h11",
    "httpx",
    "sesamy_async._blocking",
    "sesamy_async.auth._renewal",
    "sesamy_async.bulk",
    "sesamy_async._cli",
    "sesamy_async.fastapi",
    "sesamy_async.problems",
    "sesamy_async.sandbox",
    "sesamy_async.webhooks",
    "sesamy_async._http.anyio_stream",
    "sesamy_async._http.httpx_transports",
    "sesamy_async._models.schema",
    "sqlite3",
    "trio",
}


def test_the_package_alone_loads_nothing() -> None:
    """Who imports the package, and uses nothing of it, waits for nothing."""
    program = """
import json, sys
before = {*sys.modules}
import sesamy_async
print(json.dumps([*{*sys.modules} - before]))
"""
    loaded = json.loads(run(["-c", program], os.environ).stdout)

    assert {"sesamy_async", "sesamy_async._lazy"} == {
        name
        for name in loaded
        if name.partition(".")[0] not in sys.stdlib_module_names
    }


@pytest.mark.parametrize("name", ["auth", "errors", "idempotency"])
def test_modules_are_there(name: str) -> None:
    """They are attributes of the package before anybody imports them."""
    program = f"""
import sesamy_async
print("{name}" in dir(sesamy_async), sesamy_async.{name}.__name__)
"""
    done = run(["-c", program], os.environ)

    assert f"True sesamy_async.{name}\n" == done.stdout


EACH = """
import asyncio, os, sqlite3, ssl, sys, traceback
import anyio, attrs, cattrs.preconf.json, h11, httpx
import sesamy_async
def load(name):
    try:
        exec(f"from sesamy_async import {name}")
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(0)
print([name for name in sys.modules if name.startswith("sesamy_async.")])
sys.stdout.flush()
for name in sys.argv[1:]:
    child = os.fork()
    if not child:
        load(name)
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_any_name_can_be_the_first() -> None:
    """No module needs that another one of ours was loaded before it."""
    homes = {
        getattr(getattr(sesamy_async, name), "__module__", name): name
        for name in sesamy_async.__all__
    }
    done = run(["-c", EACH, *homes.values()], os.environ)

    assert ("['sesamy_async._lazy']\n", "") == (done.stdout, done.stderr)


TOGETHER = """
import sys
from threading import Barrier, Thread
import sesamy_async
sys.setswitchinterval(1e-6)
together = Barrier(len(sesamy_async.__all__), timeout=30)
def load(name):
    together.wait()
    getattr(sesamy_async, name)
threads = [
    Thread(target=load, args=(name,)) for name in sesamy_async.__all__
]
for each in threads: each.start()
for each in threads: each.join(30)
print(all(name in vars(sesamy_async) for name in sesamy_async.__all__))
"""


def test_threads_can_ask_for_names_at_once() -> None:
    """Each thread gets its name, whatever the others load."""
    done = run(["-c", TOGETHER], os.environ)

    assert ("True\n", "") == (done.stdout, done.stderr)


def test_a_client_loads_only_what_any_client_needs() -> None:
    """What only some programs use waits; all public names are there."""
    program = """
import json, sys
before = {*sys.modules}
import sesamy_async
sesamy_async.AsyncSesamy
loaded = [*{*sys.modules} - before]
shown = dir(sesamy_async)
first = sesamy_async.Sesamy
kept = vars(sesamy_async).get("Sesamy") is first
from sesamy_async import *
print(json.dumps([loaded, shown, kept, [*globals()]]))
"""
    loaded, shown, kept, starred = json.loads(
        run(["-c", program], os.environ).stdout
    )

    assert set() == WAITING.intersection(loaded)
    assert set(sesamy_async.__all__) <= set(shown)
    assert kept is True
    assert set(sesamy_async.__all__) <= set(starred)


ON_TRIO = """
import anyio, sys
from sesamy_async import AsyncSesamy
async def main():
    AsyncSesamy("acme", client_id="c", client_secret="s")
anyio.run(main, backend="trio")
print("anyio._backends._asyncio" in sys.modules)
"""
BLOCKING = """
import sys
from sesamy_async import Sesamy
Sesamy("acme", client_id="c", client_secret="s")
print([name for name in sys.modules if "anyio._backends._" in name])
"""


@pytest.mark.parametrize(
    ("program", "expected"),
    [(ON_TRIO, "False\n"), (BLOCKING, "[]\n")],
    ids=["on trio", "blocking"],
)
def test_a_client_loads_no_other_loop(program: str, expected: str) -> None:
    """Made on trio it loads nothing for asyncio; a blocking one, no loop."""
    done = run(["-c", program], os.environ)

    assert (0, expected) == (done.returncode, done.stdout)


@pytest.mark.parametrize("name", ["Contracts", "FileTokenStore", "Sesamy"])
def test_classes_that_wait_can_be_pickled(name: str) -> None:
    """A pickle finds the same class again."""
    kind = getattr(sesamy_async, name)

    assert kind is pickle.loads(pickle.dumps(kind))  # noqa: S301 - ours


@pytest.mark.parametrize("package", ["sesamy_async", "sesamy_async.auth"])
def test_other_names_are_refused_as_anywhere(package: str) -> None:
    """A name that isn't there is an AttributeError that says so."""
    with pytest.raises(AttributeError) as caught:
        _ = sys.modules[package].Client

    assert f"module '{package}' has no attribute 'Client'" == str(caught.value)
    assert "Client" == caught.value.name


def test_a_first_call_evaluates_no_annotation() -> None:
    """Models hold the types of their fields, not the words for them."""
    kinds = (sesamy_async.NewContract, sesamy_async.Contract)
    classes = [getattr(sesamy_async, name) for name in sesamy_async.__all__]
    words = [
        f"{kind.__name__}.{field.name}"
        for kind in filter(attrs.has, classes)
        if kind.__module__ in {each.__module__ for each in kinds}
        for field in attrs.fields(kind)
        if isinstance(field.type, str)
    ]

    assert [] == words


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


@pytest.mark.parametrize("loaded", [True, False])
def test_without_trio(loaded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asyncio's part of anyio is loaded always, trio's where trio is."""
    asked: list[str] = []
    patched = "sesamy_async._call.anyio_runtime.import_module"
    monkeypatch.setattr(patched, asked.append)
    if not loaded:
        monkeypatch.delitem(sys.modules, "trio", raising=False)
    load_backends()

    assert ["asyncio", "trio"][: 1 + loaded] == [
        name.rpartition("_")[2] for name in asked
    ]
