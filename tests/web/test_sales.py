"""A sale may be posted any number of times, and ends whoever leaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
import starlette
from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient

from sesamy_async import Call, ConfigurationError, Proceed
from sesamy_async import Response as Answer
from sesamy_async.fastapi import install, lifespan, sales
from sesamy_async.idempotency import (
    MemoryStore,
    SQLiteStore,
    StoreUnavailable,
)
from sesamy_async.sandbox import Sandbox
from support.apps import SALE, SALES, changed, settings_for, shop, visited
from support.calling import AT_ONCE


ORDER_ID: str = json.loads(SALE)["externalOrderId"]
INVOICE = changed(paymentProvider="BILLOGRAM", paymentMethod="INVOICE")


async def test_one_contract() -> None:
    """The first answer is 201, the next ones are 200 with the same id."""
    sandbox = Sandbox()
    async with visited(shop(sandbox)) as visitor:
        answers = [await visitor.post(SALES, content=SALE) for _ in range(3)]
    [contract] = sandbox.ledger.confirmed(ORDER_ID)

    assert [201, 200, 200] == [each.status_code for each in answers]
    assert [
        {"contract_id": contract.id, "repeated": repeated}
        for repeated in (False, True, True)
    ] == [each.json() for each in answers]


async def test_at_once() -> None:
    """Posts at the same time get the same contract."""
    sandbox = Sandbox()
    ids: set[str] = set()
    async with visited(shop(sandbox)) as visitor:

        async def post() -> None:
            answer = await visitor.post(SALES, content=SALE)
            ids.add(answer.json()["contract_id"])

        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(post)

    assert ids == {each.id for each in sandbox.ledger.contracts(ORDER_ID)}


@pytest.mark.parametrize(
    ("faults", "on", "statuses", "outcome"),
    [
        (["status:422"], "create", [422, 201], "REFUSED"),
        (["status:404"], "create", [422, 201], "REFUSED"),
        (["status:403"], "create", [502, 201], "REFUSED"),
        (["wait:77"], "create", [503, 503], "REFUSED"),
        (["drop-after"] * 3, "create", [504, 201], "UNKNOWN"),
        (["malformed"] * 3, "create", [504, 201], "UNKNOWN"),
        (["drop-after"] * 3, "confirm", [504, 200], "UNKNOWN"),
        (["status:403"], "confirm", [504, 200], "UNKNOWN"),
        (["status:404"], "confirm", [202, 200], "UNKNOWN"),
    ],
)
async def test_failures(
    faults: list[str], on: str, statuses: list[int], outcome: str
) -> None:
    """What the status asks for ends in one confirmed contract."""
    sandbox = Sandbox()
    async with visited(shop(sandbox, retry=AT_ONCE)) as visitor:
        for fault in faults:
            sandbox.faults.add(fault, on=on)
        answers = [await visitor.post(SALES, content=SALE) for _ in statuses]
    first = answers[0]

    assert statuses == [each.status_code for each in answers]
    assert outcome == first.json()["outcome"]
    assert ORDER_ID == first.json()["external_order_id"]
    assert "application/problem+json" == first.headers["Content-Type"]
    assert (statuses[0] > 502) is ("Retry-After" in first.headers)
    assert ("77" in first.headers.values()) is (faults == ["wait:77"])
    assert len(sandbox.ledger.confirmed(ORDER_ID)) == (statuses[1] < 300)


async def test_an_invoice_in_doubt() -> None:
    """Its create is sent once; then a person has to look."""
    sandbox = Sandbox()
    async with visited(shop(sandbox)) as visitor:
        sandbox.faults.add("drop-after", on="create")
        answers = [
            await visitor.post(SALES, content=INVOICE) for _ in range(2)
        ]

    assert [202, 202] == [each.status_code for each in answers]
    assert "somebody has to check" in answers[1].json()["detail"]
    assert 1 == sandbox.ledger.requests("create")


async def test_other_data() -> None:
    """An id that is used again for another order is refused."""
    sandbox = Sandbox()
    async with visited(shop(sandbox)) as visitor:
        await visitor.post(SALES, content=SALE)
        answer = await visitor.post(SALES, content=changed(quantity=2))

    assert 422 == answer.status_code
    assert "Use a new id" in answer.json()["detail"]
    assert 1 == sandbox.ledger.total


async def test_an_impossible_promo_code() -> None:
    """It is refused by its name before anything is sent."""
    sandbox = Sandbox()
    async with visited(shop(sandbox)) as visitor:
        answers = [
            await visitor.post(f"/sales/{code}", content=SALE)
            for code in ("%00", "%20")
        ]

    assert [422, 422] == [each.status_code for each in answers]
    assert [
        ["promo_code: has invisible or damaged characters"],
        ["promo_code: must be an id; it is empty, '.' or '..'"],
    ] == [each.json()["problems"] for each in answers]
    assert 0 == sandbox.ledger.requests("create")


async def test_a_store_of_its_own(tmp_path: Path) -> None:
    """A store, or its URL, takes the place of the client's."""
    for store in (MemoryStore(), f"sqlite:{tmp_path}/orders.db"):
        sandbox = Sandbox()
        app = FastAPI(
            lifespan=lifespan(**settings_for(sandbox, idempotency=False))
        )
        install(app)
        app.include_router(sales(store, prefix="/shop"))
        for status in (201, 200):
            async with visited(app) as visitor:
                answer = await visitor.post("/shop/SPRING-12", content=SALE)

            assert status == answer.status_code
        assert 1 == sandbox.ledger.total


async def test_the_end_of_its_store(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A store that was made from a URL ends with the application."""
    closed: list[SQLiteStore] = []
    close = SQLiteStore.close

    def closing(store: SQLiteStore) -> None:
        closed.append(store)
        close(store)

    monkeypatch.setattr(SQLiteStore, "close", closing)
    app = FastAPI(
        lifespan=lifespan(**settings_for(Sandbox(), idempotency=False))
    )
    app.include_router(sales(f"sqlite:{tmp_path}/orders.db"))
    async with visited(app):
        assert [] == closed

    assert 1 == len(closed)


async def test_no_store() -> None:
    """Without one the application does not start."""
    app = shop(Sandbox(), idempotency=False)
    with pytest.raises(ConfigurationError, match="SESAMY_IDEMPOTENCY"):
        async with visited(app):
            pass


async def test_a_store_that_is_down() -> None:
    """The application starts, and a sale is not sent."""

    class Down(MemoryStore):
        def salt(self, *, within: float) -> bytes:
            del within
            raise StoreUnavailable("Down.", retryable=False)

    sandbox = Sandbox()
    async with visited(shop(sandbox, idempotency=Down())) as visitor:
        answer = await visitor.post(SALES, content=SALE)

    assert 503 == answer.status_code
    assert "NOT_SENT" == answer.json()["outcome"]
    assert 0 == sandbox.ledger.requests("create")


async def test_no_lifespan() -> None:
    """Without the client the application does not start either."""
    app = FastAPI()
    app.include_router(sales())
    with pytest.raises(ConfigurationError, match="lifespan="):
        async with visited(app):
            pass


def test_no_store_in_a_mounted_application(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """There it is known at the first request."""
    settings = settings_for(Sandbox(), idempotency=False)
    outermost = FastAPI(lifespan=lifespan(**settings))
    inner = FastAPI()
    install(inner)
    inner.include_router(sales())
    outermost.mount("/inner", inner)
    json_type = {"Content-Type": "application/json"}
    with TestClient(outermost) as visitor:
        path = f"/inner{SALES}"
        answer = visitor.post(path, content=SALE, headers=json_type)

    assert 502 == answer.status_code
    assert "SESAMY_IDEMPOTENCY" in caplog.text


def test_a_mounted_application_that_is_started_again() -> None:
    """Its store is used with the client of each start."""
    sandbox = Sandbox()
    settings = settings_for(sandbox, idempotency=False)
    outermost, inner = FastAPI(lifespan=lifespan(**settings)), FastAPI()
    inner.include_router(sales(MemoryStore()))
    outermost.mount("/inner", inner)
    json_type = {"Content-Type": "application/json"}
    for status in (201, 200):
        with TestClient(outermost) as visitor:
            path = f"/inner{SALES}"
            answer = visitor.post(path, content=SALE, headers=json_type)

        assert status == answer.status_code


# --- Those who leave.

_REACHED = 10.0  # Seconds.


async def reached(true: Callable[[], object]) -> None:
    """Wait until the sandbox has got that far."""
    with anyio.fail_after(_REACHED):
        while not true():  # noqa: ASYNC110 - another task sees to it
            await anyio.sleep(0.005)


async def post_and_leave(
    app: Any, shop_app: FastAPI, sandbox: Sandbox
) -> None:
    """Cancel a sale when its contract is made, and go on waiting for it."""
    sandbox.faults.add("delay:0.2", on="create")
    async with visited(app, lifespan_of=shop_app) as visitor:
        async with anyio.create_task_group() as group:
            group.start_soon(partial(visitor.post, SALES, content=SALE))
            await reached(lambda: sandbox.ledger.total)
            group.cancel_scope.cancel()
        await reached(lambda: sandbox.ledger.confirmed(ORDER_ID))


async def test_a_cancelled_request() -> None:
    """The contract is confirmed all the same."""
    sandbox = Sandbox()
    app = shop(sandbox)
    await post_and_leave(app, app, sandbox)

    assert 1 == sandbox.ledger.requests("create")


@pytest.mark.skipif(
    starlette.__version__.startswith("0."),
    reason="its middleware leaves a stream open",
)
async def test_a_cancelled_request_through_a_middleware() -> None:
    """It is the same where a middleware runs the handler in a group."""
    sandbox = Sandbox()
    app = shop(sandbox)

    @app.middleware("http")
    async def through(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        return await call_next(request)

    await post_and_leave(app, app, sandbox)

    assert 1 == sandbox.ledger.requests("create")


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_task_that_the_server_cancels() -> None:
    """As uvicorn does when its time to shut down is over."""
    sandbox = Sandbox()
    app = shop(sandbox)
    sandbox.faults.add("delay:0.2", on="create")
    async with visited(app) as visitor:
        task = asyncio.ensure_future(visitor.post(SALES, content=SALE))
        await reached(lambda: sandbox.ledger.total)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # The application ends now, and waits for the confirm.

    assert 1 == len(sandbox.ledger.confirmed(ORDER_ID))


async def test_the_failure_of_who_left(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is in the log, for nobody gets it as an answer."""
    sandbox = Sandbox()
    sandbox.faults.add("delay:0.2", on="create")
    sandbox.faults.add("status:403", on="confirm")
    async with visited(shop(sandbox)) as visitor:
        async with anyio.create_task_group() as group:
            group.start_soon(partial(visitor.post, SALES, content=SALE))
            await reached(lambda: sandbox.ledger.total)
            group.cancel_scope.cancel()
        await reached(lambda: "After its request was cancelled" in caplog.text)
        answer = await visitor.post(SALES, content=SALE)

    assert 200 == answer.status_code


async def test_a_service_that_stops() -> None:
    """What has no contract yet is not waited for; its caller is told."""
    sandbox = Sandbox()
    app = shop(sandbox, deadline=120.0, within=0.1)
    answers: list[int] = []
    async with anyio.create_task_group() as group, visited(app) as visitor:
        sandbox.faults.add("wait:60", on="create", times=2)

        async def post() -> None:
            answer = await visitor.post(SALES, content=SALE)
            answers.append(answer.status_code)

        group.start_soon(post)
        await reached(lambda: sandbox.ledger.requests("create"))

    assert [504] == answers


@pytest.mark.parametrize("on", ["create", "confirm"])
async def test_a_service_that_stops_keeps_its_store(
    on: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is completed at the end is written down before it is closed."""
    done: list[str] = []

    class Watched(SQLiteStore):
        def mark(self, *args: Any, **options: Any) -> Any:
            done.append("mark")
            return super().mark(*args, **options)

        def close(self) -> None:
            done.append("close")
            super().close()

    monkeypatch.setattr(
        "sesamy_async.idempotency.store_from_url",
        lambda _: Watched(tmp_path / "orders.db"),
    )
    sandbox = Sandbox()
    app = FastAPI(
        lifespan=lifespan(**settings_for(sandbox, idempotency=False))
    )
    app.include_router(sales("sqlite:its-own.db"))
    sandbox.faults.add("delay:0.2", on=on)
    async with anyio.create_task_group() as group, visited(app) as visitor:
        group.start_soon(partial(visitor.post, SALES, content=SALE))
        await reached(lambda: sandbox.ledger.requests(on))

    assert ["mark", "close"] == done
    assert 1 == len(sandbox.ledger.confirmed(ORDER_ID))


async def test_a_service_that_stops_says_what_was_not_begun() -> None:
    """Who waits for an answer is told the truth, whatever is around it."""
    begun: list[str | None] = []

    async def dawdle(call: Call, proceed: Proceed) -> Answer:
        begun.append(call.external_order_id)
        await anyio.sleep(0.3)
        response = await proceed(call)
        await anyio.sleep(0.3)
        return response

    statuses: dict[str, int] = {}
    sandbox = Sandbox()
    app = shop(sandbox, middleware=[dawdle])

    async def post(order: str) -> None:
        content = changed(externalOrderId=order)
        answer = await visitor.post(SALES, content=content)
        statuses[order] = answer.status_code

    async with anyio.create_task_group() as group, visited(app) as visitor:
        group.start_soon(post, "first")
        await reached(lambda: sandbox.ledger.confirmed("first"))
        group.start_soon(post, "second")
        await reached(lambda: "second" in begun)

    assert {"first": 201, "second": 503} == statuses
