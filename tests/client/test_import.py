"""What `import sesamy_async` loads, and what waits until it is asked for."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from typing import Any

import attrs
import pytest

import sesamy_async


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


def in_fresh_interpreter(program: str) -> Any:
    """Return what it prints as JSON."""
    printed = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        timeout=120,
        check=True,
    ).stdout
    return json.loads(printed)


def test_an_import_loads_only_what_any_client_needs() -> None:
    """What only some programs use is not loaded by the import."""
    loaded = in_fresh_interpreter(
        "import json, sys\nbefore = {*sys.modules}\nimport sesamy_async\n"
        "print(json.dumps([*{*sys.modules} - before]))"
    )

    assert set() == WAITING.intersection(loaded)


def test_every_public_name_can_be_had() -> None:
    """A star import in a fresh interpreter brings all names there are."""
    names = in_fresh_interpreter(
        "import json\nfrom sesamy_async import *\n"
        "print(json.dumps([*globals()]))"
    )

    assert set(sesamy_async.__all__) <= set(names)


def test_names_that_wait_are_shown() -> None:
    """`dir` shows all public names, loaded or not."""
    shown = in_fresh_interpreter(
        "import json, sesamy_async\nprint(json.dumps(dir(sesamy_async)))"
    )

    assert set(sesamy_async.__all__) <= set(shown)


def test_a_name_that_waited_is_kept() -> None:
    """What was asked for once is there like any other name."""
    kept = in_fresh_interpreter(
        "import json, sesamy_async\n"
        "first = sesamy_async.Sesamy\n"
        "print(json.dumps(vars(sesamy_async).get('Sesamy') is first))"
    )

    assert kept is True


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
