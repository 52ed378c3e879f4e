"""The blocking client: generated, driven, the same in all but await."""

from __future__ import annotations

import asyncio
import gc
import inspect
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sesamy_async import (
    AsyncContracts,
    AsyncSesamy,
    ConfigurationError,
    Connections,
    Contracts,
    NotFoundError,
    Outcome,
    Sesamy,
    StaticToken,
)
from sesamy_async.sandbox import Sandbox, running
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


def test_onboard(sandbox: Sandbox) -> None:
    """An order becomes one confirmed contract, without an await."""
    with Sesamy(transport=sandbox.transport()) as sesamy:
        result = sesamy.contracts.onboard("SPRING-12", ORDER)
        created = sesamy.contracts.create("SPRING-12", ORDER, confirm=True)
        confirmed = sesamy.contracts.confirm("SPRING-12", created.id)

    assert (True, True) == (result.contract.is_active, created.is_active)
    assert created.id == confirmed.id


def test_errors(sandbox: Sandbox) -> None:
    """Errors are those of the async client."""
    with (
        Sesamy(transport=sandbox.transport()) as sesamy,
        pytest.raises(NotFoundError) as caught,
    ):
        sesamy.contracts.create("NONE", ORDER)

    assert Outcome.REFUSED is caught.value.outcome


def test_request(sandbox: Sandbox) -> None:
    """An endpoint without a method is reached too."""
    with Sesamy(transport=sandbox.transport()) as sesamy:
        copy = sesamy.with_options(headers={"X-A": "b"})
        response = copy.request(
            "POST",
            "/payments/vendor/acme/promos/code/SPRING-12",
            json=ORDER.to_dict(),
        )

    assert response.json()["id"]


def test_in_a_running_loop(sandbox: Sandbox) -> None:
    """It works where a loop is running already, as in Jupyter."""

    async def main() -> int:
        with Sesamy(transport=sandbox.transport()) as sesamy:
            return sesamy.contracts.onboard("SPRING-12", ORDER).strays

    assert 0 == asyncio.run(main())


def test_threads(sandbox: Sandbox) -> None:
    """Many threads share one client, its connections and one token."""
    with (
        running(sandbox) as url,
        Sesamy(
            base_url=url,
            token_url=f"{url}/oauth/token",
            transport=Connections(cap=4),
        ) as sesamy,
        ThreadPoolExecutor(16) as pool,
    ):
        results = list(
            pool.map(
                lambda _: sesamy.contracts.onboard("SPRING-12", ORDER),
                range(64),
            )
        )

    assert 64 == len({result.contract.id for result in results})
    assert 64 == len(sandbox.ledger.contracts("o-1"))


def test_unclosed(sandbox: Sandbox) -> None:
    """An unclosed client only warns, by its name."""
    with running(sandbox) as url:
        sesamy = Sesamy(base_url=url, token_url=f"{url}/oauth/token")
        sesamy.contracts.create("SPRING-12", ORDER)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            del sesamy
            gc.collect()
            words = [str(each.message) for each in told]
            # A warning holds what it warns of: let it and its sockets go.
            told.clear()
            gc.collect()

    assert any("unclosed Sesamy(vendor_id='acme'" in word for word in words)


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
