"""Which httpx: the classic one, or its continuation."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

import pytest

from sesamy_async import AsyncSesamy, ConfigurationError, Connections, Sesamy
from sesamy_async._http import library_of, load_library
from sesamy_async._http import settings as module
from sesamy_async.sandbox import Sandbox
from support.calling import ORDER


@pytest.fixture
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Run on both loops where a test is async."""
    backend: str = request.param
    return backend


def test_unknown() -> None:
    """Another name is refused by the argument's name."""
    wrong: Any = "requests"
    with pytest.raises(ConfigurationError, match=r"transport\.library"):
        load_library(wrong)


def test_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that is missing says how to get it."""

    def missing(name: str) -> ModuleType:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(module, "import_module", missing)
    load_library.cache_clear()
    with pytest.raises(ConfigurationError, match=r"sesamy-async\[httpx2\]"):
        load_library("httpx2")


def test_httpx_is_whose_class_it_is() -> None:
    """A transport of either is known by its class, and nothing else is."""
    httpx2 = import_module("httpx2")
    mine = type("Mine", (httpx2.BaseTransport,), {})

    assert load_library("httpx2") is library_of(mine())
    assert None is library_of(object())


@pytest.fixture(params=["httpx", "httpx2"])
def name(request: pytest.FixtureRequest) -> Any:
    """Each httpx in turn."""
    return request.param


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"], indirect=True)
async def test_own_connections(served: Sandbox, name: Any) -> None:
    """Connections of our own work over either."""
    async with AsyncSesamy(transport=Connections(library=name)) as sesamy:
        for _ in range(2):
            await sesamy.contracts.onboard("SPRING-12", ORDER)

    assert 2 == len(served.ledger.confirmed("order-1"))


def test_own_connections_blocking(served: Sandbox, name: Any) -> None:
    """So do blocking ones."""
    with Sesamy(transport=Connections(library=name)) as sesamy:
        for _ in range(2):
            sesamy.contracts.onboard("SPRING-12", ORDER)

    assert 2 == len(served.ledger.confirmed("order-1"))


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"], indirect=True)
async def test_client_of_the_callers(served: Sandbox, name: Any) -> None:
    """A client of either may be given, and stays open."""
    async with import_module(name).AsyncClient() as theirs:
        async with AsyncSesamy(transport=theirs) as sesamy:
            await sesamy.contracts.onboard("SPRING-12", ORDER)

        assert not theirs.is_closed

    assert 1 == len(served.ledger.confirmed("order-1"))


def test_blocking_client_of_the_callers(served: Sandbox, name: Any) -> None:
    """So may a blocking one."""
    with import_module(name).Client() as theirs:
        with Sesamy(transport=theirs) as sesamy:
            sesamy.contracts.onboard("SPRING-12", ORDER)

        assert not theirs.is_closed

    assert 1 == len(served.ledger.confirmed("order-1"))
