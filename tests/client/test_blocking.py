"""The blocking client: generated, driven, the same in all but await."""

from __future__ import annotations

import asyncio
import gc
import inspect
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from sesamy_async import (
    AsyncContracts,
    AsyncSesamy,
    ConfigurationError,
    Contracts,
    Sesamy,
    StaticToken,
)
from sesamy_async.sandbox import Sandbox
from support.leaks import told_by
from support.wire import ORDER


ROOT = Path(__file__).parents[2]


def test_generated() -> None:
    """The committed file is what the script makes of the async client."""
    done = subprocess.run(  # noqa: S603 - our own script
        [
            sys.executable,
            str(ROOT / "scripts" / "generate_blocking.py"),
            "--check",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize(
    ("ours", "theirs"), [(Sesamy, AsyncSesamy), (Contracts, AsyncContracts)]
)
def test_same_interface(ours: type, theirs: type) -> None:
    """Every public method is there, with the same arguments."""
    renamed = {"aclose": "close"}
    names = [name for name in vars(theirs) if not name.startswith("_")]

    assert names
    for name in names:
        method = getattr(theirs, name)
        twin = getattr(ours, renamed.get(name, name))
        if callable(method):
            assert (
                inspect.signature(method).parameters.keys()
                == inspect.signature(twin).parameters.keys()
            )
            assert not inspect.iscoroutinefunction(twin)
            assert method.__doc__ == twin.__doc__


def test_in_a_running_loop(sandbox: Sandbox) -> None:
    """It works where a loop is running already, as in Jupyter."""

    async def main() -> int:
        with Sesamy(transport=sandbox.transport()) as sesamy:
            return sesamy.contracts.onboard("SPRING-12", ORDER).strays

    assert 0 == asyncio.run(main())


def test_never_used() -> None:
    """A client that never connected needs no closing."""
    sesamy = Sesamy("acme", auth=StaticToken("t"))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        del sesamy
        gc.collect()

    assert not any("unclosed Sesamy" in str(each.message) for each in told)


@pytest.mark.parametrize("kind", [Sesamy, AsyncSesamy])
def test_no_secret_in_tracebacks_of_the_constructor(kind: Any) -> None:
    """A wrong setting beside the secret does not show the secret."""

    def construct() -> None:
        kind("..", client_id="c", client_secret="CAN" + "ARY")

    with pytest.raises(ConfigurationError) as caught:
        construct()
    told = told_by(caught.value)

    assert "__init__: " in told
    assert "CANARY" not in told
