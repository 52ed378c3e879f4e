"""What `import sesamy_async` loads, and what waits until it is asked for."""

from __future__ import annotations

import json
import os
import pickle
import sys

import attrs
import pytest

import sesamy_async
from support.programs import run


WAITING = {
    "asyncio",
    "cyclopts",
    "difflib",
    "sesamy_async._blocking",
    "sesamy_async.auth._renewal",
    "sesamy_async.bulk",
    "sesamy_async._cli",
    "sesamy_async.sandbox",
    "sesamy_async._http.asyncio_stream",
    "sesamy_async._http.trio_stream",
    "sqlite3",
    "trio",
}


def test_an_import_loads_only_what_any_client_needs() -> None:
    """What only some programs use waits; all public names are there."""
    program = """
import json, sys
before = {*sys.modules}
import sesamy_async
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
