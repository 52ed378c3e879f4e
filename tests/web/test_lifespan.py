"""One client lives as long as the application, also a mounted one."""

from __future__ import annotations

import gc
import importlib
import logging
import weakref
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from fastapi import FastAPI, Request, WebSocket
from fastapi.testclient import TestClient

import sesamy_async.fastapi
from sesamy_async import (
    AsyncSesamy,
    ConfigurationError,
    SesamyError,
)
from sesamy_async.fastapi import (
    Client,
    install,
    lifespan,
    readiness,
    sales,
)
from sesamy_async.fastapi._client import Tasks
from sesamy_async.sandbox import Sandbox
from support.apps import SALE, SALES, settings_for, shop, visited


@asynccontextmanager
async def with_database(app: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
    """Keep a database, which knows whether there is a client already."""
    yield {"database": "db", "ready": app.state.sesamy is not None}


async def bare(app: FastAPI) -> AsyncIterator[None]:
    """Do something at the start, as an old-fashioned lifespan does."""
    app.state.bare = True
    yield


def app_with(*theirs: Any, **settings: Any) -> FastAPI:
    """Return an application that tells of its client and of its state."""
    app = FastAPI(lifespan=lifespan(*theirs, **settings))
    install(app)

    @app.get("/which")
    async def which(request: Request, sesamy: Client) -> dict[str, Any]:
        return {
            "client": repr(sesamy),
            "kept": sesamy is request.state.sesamy,
            "database": getattr(request.state, "database", None),
            "ready": getattr(request.state, "ready", None),
        }

    return app


def test_one_client() -> None:
    """A handler gets the client that is in the state."""
    with TestClient(app_with(**settings_for(Sandbox()))) as visitor:
        answer = visitor.get("/which").json()

    assert answer["client"].startswith("AsyncSesamy(vendor_id=")
    assert answer["kept"]


def test_a_lifespan_of_theirs() -> None:
    """It runs within, may use the client, and its state is kept."""
    settings = settings_for(Sandbox())
    with TestClient(app_with(with_database, **settings)) as visitor:
        answer = visitor.get("/which").json()

    assert ("db", True) == (answer["database"], answer["ready"])


def test_a_lifespan_of_theirs_without_state() -> None:
    """It may be a bare generator, as FastAPI takes it."""
    app = app_with(bare, **settings_for(Sandbox()))
    with TestClient(app) as visitor:
        assert visitor.get("/which").json()["kept"]

    assert app.state.bare


def test_within_a_lifespan_of_theirs() -> None:
    """It can also be entered in theirs."""
    ours = lifespan(**settings_for(Sandbox()))

    @asynccontextmanager
    async def outer(app: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        async with ours(app) as state:
            yield {**state, "database": "outer"}

    app = app_with()
    app.router.lifespan_context = outer
    with TestClient(app) as visitor:
        assert "outer" == visitor.get("/which").json()["database"]


def test_mounted() -> None:
    """A mounted application uses the client of the outermost one."""
    outermost = FastAPI(lifespan=lifespan(**settings_for(Sandbox())))
    inner = app_with()
    inner.include_router(sales())
    outermost.mount("/inner", inner)
    with TestClient(outermost) as visitor:
        which = visitor.get("/inner/which")
        json = {"Content-Type": "application/json"}
        sold = visitor.post(f"/inner{SALES}", content=SALE, headers=json)

    assert which.json()["kept"]
    assert 201 == sold.status_code


def test_a_web_socket() -> None:
    """It gets the client, too."""
    app = app_with(**settings_for(Sandbox()))

    @app.websocket("/socket")
    async def socket(socket: WebSocket, sesamy: Client) -> None:
        await socket.accept()
        await socket.send_text(sesamy.vendor_id)
        await socket.close()

    with (
        TestClient(app) as visitor,
        visitor.websocket_connect("/socket") as talk,
    ):
        assert talk.receive_text()


async def test_a_server_that_hands_over_no_state() -> None:
    """Then the client is found in the state of the application."""
    async with visited(shop(Sandbox())) as visitor:
        answer = await visitor.post(SALES, content=SALE)

    assert 201 == answer.status_code


def test_without_a_lifespan(caplog: pytest.LogCaptureFixture) -> None:
    """A handler that wants the client says what is missing."""
    app = FastAPI()
    install(app)
    app.include_router(readiness())
    answer = TestClient(app).get("/ready")

    assert 502 == answer.status_code
    assert "lifespan=sesamy_async.fastapi.lifespan(...)" in caplog.text


def test_it_ends_with_the_application() -> None:
    """The client is closed, and no longer in the state."""
    app = app_with(**settings_for(Sandbox()))
    with TestClient(app):
        client: AsyncSesamy = app.state.sesamy

    assert not hasattr(app.state, "sesamy")
    with pytest.raises(SesamyError, match="closed"):
        anyio.run(client.ready)


def test_it_can_start_again() -> None:
    """Each start of an application makes a client."""
    app = shop(Sandbox(), idempotency="memory:")
    json = {"Content-Type": "application/json"}
    for _ in range(2):
        with TestClient(app) as visitor:
            sold = visitor.post(SALES, content=SALE, headers=json)

            assert 201 == sold.status_code


@pytest.mark.parametrize(
    ("faults", "level", "words"),
    [
        (["status:403"] * 2, logging.ERROR, "starts anyway: ready: "),
        (["status:503"], logging.WARNING, "starts anyway: ready: "),
    ],
)
async def test_a_start_without_sesamy(
    faults: list[str],
    level: int,
    words: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The application starts, and the log tells what to do."""
    sandbox = Sandbox()
    for fault in faults:
        sandbox.faults.add(fault, on="token")
    async with visited(shop(sandbox)) as visitor:
        answer = await visitor.post(SALES, content=SALE)
    [record] = [each for each in caplog.records if words in each.getMessage()]

    assert 201 == answer.status_code
    assert level == record.levelno


async def test_a_start_waits_for_no_first_order() -> None:
    """There is a token before the first request."""
    sandbox = Sandbox()
    async with visited(shop(sandbox)):
        assert 1 == sandbox.ledger.requests("token")


async def test_a_wrong_setting() -> None:
    """It is known at the start, as itself and not in a group."""
    app = FastAPI(lifespan=lifespan(**settings_for(Sandbox(), timeout=-1)))
    with pytest.raises(ConfigurationError, match="timeout"):
        async with visited(app):
            pass


def test_a_setting_without_its_name() -> None:
    """It is not taken for a lifespan."""
    given: Any = "acme"
    with pytest.raises(ConfigurationError, match="vendor_id="):
        lifespan(given)


async def test_a_failure_of_theirs() -> None:
    """An error at the start of theirs stays what it is."""

    @asynccontextmanager
    async def broken(app: FastAPI) -> AsyncIterator[None]:
        if app.title:
            raise OSError("no database")
        yield

    with pytest.raises(OSError, match="no database"):
        async with visited(app_with(broken, **settings_for(Sandbox()))):
            pass


async def test_a_cancelled_application() -> None:
    """A cancellation ends it."""
    entered = False
    with anyio.CancelScope() as scope:
        async with visited(shop(Sandbox())):
            entered = True
            scope.cancel()
            await anyio.sleep_forever()

    assert entered
    assert scope.cancelled_caught


@pytest.mark.parametrize(
    ("faults", "status"),
    # The first half of each strikes at the start.
    [([], 204), (["status:503"] * 2, 503), (["status:403"] * 4, 502)],
)
async def test_readiness(faults: list[str], status: int) -> None:
    """It tells whether an order could be sent, and sends none."""
    sandbox = Sandbox()
    app = shop(sandbox)
    app.include_router(readiness("/health/ready"))
    for fault in faults:
        sandbox.faults.add(fault, on="token")
    async with visited(app) as visitor:
        answers = [await visitor.get("/health/ready") for _ in range(2)]

    assert [status, 204] == [each.status_code for each in answers]
    assert "content-type" not in answers[1].headers
    assert 0 == sandbox.ledger.total


def test_the_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without FastAPI, the import says what to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ImportError, match=r"'sesamy-async\[fastapi\]'"):
        importlib.reload(sesamy_async.fastapi)


async def test_an_error_of_a_task_is_forgotten() -> None:
    """No garbage that holds an order is left for the collector."""

    async def fail() -> None:
        raise SesamyError("No.")

    async def error_of_a_task(tasks: Tasks) -> weakref.ref[SesamyError]:
        try:
            await tasks.finish(fail)
        except SesamyError as error:
            return weakref.ref(error)
        raise AssertionError

    gc.disable()
    try:
        async with anyio.create_task_group() as group:
            seen = await error_of_a_task(Tasks(group))
            await anyio.wait_all_tasks_blocked()

            assert seen() is None
    finally:
        gc.enable()
