"""An order is read without Pydantic, capped, and shown in the documents."""

from __future__ import annotations

import logging
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Request
from fastapi.testclient import TestClient

from sesamy_async import NewContract, SesamyError
from sesamy_async.fastapi import (
    LARGEST_ORDER,
    Client,
    Order,
    install,
    lifespan,
)
from sesamy_async.sandbox import Sandbox
from support.apps import (
    SALE,
    SALES,
    changed,
    received,
    settings_for,
    shop,
    visited,
)
from support.canaries import CANARIES, found_in


async def test_a_wrong_order() -> None:
    """It is refused by its fields, without their values."""
    async with visited(shop(Sandbox())) as visitor:
        answer = await visitor.post(
            SALES, content=changed(quantity=CANARIES["email"], number=1)
        )

    assert 422 == answer.status_code
    assert [
        "quantity: must be a whole number such as 1",
        "number: unknown field",
    ] == answer.json()["problems"]
    assert set() == found_in(answer.text)


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/vnd.shop+json",
    ],
)
async def test_a_content_type(kind: str) -> None:
    """JSON by any of its names is read."""
    async with visited(shop(Sandbox())) as visitor:
        answer = await visitor.post(
            SALES, content=SALE, headers={"Content-Type": kind}
        )

    assert 201 == answer.status_code


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/plain; application/json",
    ],
)
async def test_what_another_site_can_post(kind: str) -> None:
    """It is refused: a browser sends it without asking this service."""
    sandbox = Sandbox()
    async with visited(shop(sandbox)) as visitor:
        answer = await visitor.post(
            SALES, content=SALE, headers={"Content-Type": kind}
        )

    assert 415 == answer.status_code
    assert "application/json" in answer.json()["detail"]
    assert 0 == sandbox.ledger.total


async def test_no_content_type() -> None:
    """It is refused, too: a page of another site can leave it out."""
    async with visited(shop(Sandbox())) as visitor:
        del visitor.headers["Content-Type"]
        answer = await visitor.post(SALES, content=SALE)

    assert 415 == answer.status_code


async def test_the_size() -> None:
    """A body that is too large is not read to its end."""
    parts = iter([b" " * (LARGEST_ORDER // 2)] * 9)
    most = iter([SALE.encode().ljust(LARGEST_ORDER)])
    app = shop(Sandbox())
    async with visited(app):
        statuses = [await received(app, SALES, each) for each in (parts, most)]

    assert [413, 201] == statuses
    assert 6 == len([*parts])


async def test_a_client_that_leaves_while_it_sends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is no error of the service's."""
    caplog.set_level(logging.INFO)
    app = shop(Sandbox())
    async with visited(app):
        half = iter([SALE.encode()[:50]])
        status = await received(app, SALES, half, leaves=True)

    assert 400 == status
    assert "Traceback" not in caplog.text


async def test_a_body_that_was_read_already() -> None:
    """A dependency that checks a signature may read it first."""
    read: list[bytes] = []

    async def signed(request: Request) -> None:
        read.append(await request.body())

    app = FastAPI()
    install(app)

    @app.post("/mine", dependencies=[Depends(signed)])
    async def mine(order: Order) -> str:
        return order.external_order_id

    async with visited(app) as visitor:
        answer = await visitor.post("/mine", content=SALE)

    assert "order-1" == answer.json()
    assert [SALE.encode()] == read


async def test_an_error_in_a_dependency() -> None:
    """It is answered as one in a handler."""

    async def broken() -> None:
        raise SesamyError("Broken.", retryable=True)

    app = FastAPI()
    install(app)

    @app.get("/", dependencies=[Depends(broken)])
    async def never() -> None:
        raise AssertionError

    async with visited(app) as visitor:
        answer = await visitor.get("/")

    assert (503, "5") == (answer.status_code, answer.headers["Retry-After"])


@pytest.mark.parametrize(
    ("path", "fault", "level", "status"),
    [
        ("/customers/kim@example.se", "status:403", logging.ERROR, 502),
        ("/customers/kim@example.se", "drop-after", logging.ERROR, 202),
        ("/customers/kim@example.se", "status:422", logging.INFO, 422),
        ("/customers/kim@example.se", "status:404", logging.WARNING, 422),
        ("/customers/kim@example.se", "wait:99", logging.WARNING, 503),
    ],
)
async def test_what_is_logged(
    path: str,
    fault: str,
    level: int,
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One line with the route, not the path, louder where a person acts."""
    caplog.set_level(logging.DEBUG, logger="sesamy_async")
    sandbox = Sandbox()
    settings = settings_for(sandbox, idempotency=False)
    app = FastAPI(lifespan=lifespan(**settings))
    install(app)

    @app.post("/customers/{email}")
    async def sell(email: str, order: Order, sesamy: Client) -> str:
        del email
        return (await sesamy.contracts.create("SPRING-12", order)).id

    async with visited(app) as visitor:
        sandbox.faults.add(fault, on="create")
        await visitor.post(path, content=SALE)
    [record] = [
        each
        for each in caplog.records
        if each.getMessage().startswith("/customers/{email}: responded with ")
    ]

    values = vars(record)
    [operation] = [
        each
        for each in caplog.records
        if each.getMessage().startswith("contracts.create ")
    ]

    assert (status == 503) is values["retryable"]
    assert values["retryable"] is vars(operation)["retryable"]
    assert level == record.levelno
    assert ("/customers/{email}", status, "order-1", "contracts.create") == (
        values["route"],
        values["status"],
        values["external_order_id"],
        values["operation"],
    )
    assert f"responded with {status}: contracts.create" in record.getMessage()
    assert "kim@" not in caplog.text


# --- The OpenAPI document.


def described(*routers: APIRouter) -> dict[str, Any]:
    """Return the document of an application."""
    app = FastAPI()
    install(app)
    for router in routers:
        app.include_router(router, prefix="/outer")
    again = app.openapi()

    assert again == app.openapi()
    document: dict[str, Any] = TestClient(app).get("/openapi.json").json()
    return document


async def known(order: Order) -> NewContract:
    """Look the customer up, say."""
    return order


def nested() -> tuple[APIRouter, APIRouter]:
    """Return a router with routes of theirs that is in another one."""
    inner, outer = APIRouter(prefix="/inner"), APIRouter()

    @inner.post("/direct")
    async def direct(
        order: Order, other: Annotated[str, Header()], page: int = 1
    ) -> None: ...

    @inner.put("/through")
    async def through(
        order: Annotated[NewContract, Depends(known)],
    ) -> None: ...

    @inner.post("/without")
    async def without(other: Annotated[str, Header()]) -> None: ...

    outer.include_router(inner)
    return inner, outer


def test_any_route_with_an_order_is_described() -> None:
    """It has the body of an order, and no parameter that is not theirs."""
    _, outer = nested()
    paths = described(outer)["paths"]
    direct = paths["/outer/inner/direct"]["post"]
    through = paths["/outer/inner/through"]["put"]
    body = {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/NewContract"}
            }
        },
    }

    assert body == direct["requestBody"] == through["requestBody"]
    assert ["page", "other"] == [each["name"] for each in direct["parameters"]]
    assert [] == through["parameters"]


def test_the_answers_are_described() -> None:
    """Each status of a problem is there, beside those of FastAPI."""
    _, outer = nested()
    document = described(outer)
    direct = document["paths"]["/outer/inner/direct"]["post"]["responses"]
    problem = {"$ref": "#/components/schemas/SesamyProblem"}

    problems = {"202", "422", "502", "503", "504"}

    assert problems | {"200", "413", "415"} == {*direct}
    for status in ("202", "422", "502", "503", "504"):
        content = direct[status]["content"]

        assert problem == content["application/problem+json"]["schema"]
    schemas = document["components"]["schemas"]

    assert ["externalOrderId"] == schemas["NewContract"]["required"]
    assert "retryable" in schemas["SesamyProblem"]["required"]


def test_other_routes_are_described_as_before() -> None:
    """A route without an order has no body, and a document may be empty."""
    _, outer = nested()
    without = described(outer)["paths"]["/outer/inner/without"]["post"]

    assert "requestBody" not in without
    assert {"200", "422"} == {*without["responses"]}
    assert {} == described().get("components", {})


def test_a_document_of_theirs() -> None:
    """What they make of the document is kept; it may hold other things."""
    app = FastAPI()
    document = {"paths": {"/x": {"summary": "Theirs", "get": {}}}}
    app.openapi = lambda: document  # type: ignore[method-assign]
    install(app)

    assert {"paths": {"/x": {"summary": "Theirs", "get": {}}}} == app.openapi()
