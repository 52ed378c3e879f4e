"""client.request on the wire, and arguments that are nearly right."""

from __future__ import annotations

import math
from enum import Enum
from typing import Any

import httpx
import pytest
import respx

from sesamy_async import (
    AsyncSesamy,
    InvalidRequestError,
    SesamyError,
)
from support.calling import Operation, World
from support.leaks import told_by
from support.marks import every_world
from support.wire import API, ORDER


async def test_request(api: respx.Router, client: AsyncSesamy) -> None:
    """An endpoint without a method is reached through the same pipeline."""
    route = api.post("https://api.sesamy.com/a%20b?limit=5&all=true").respond(
        json={"x": 1}
    )
    response = await client.request(
        "POST", "/a b", json={"å": 1}, query={"limit": 5, "all": True}
    )

    assert {"x": 1} == response.json()
    assert '{"å":1}'.encode() == route.calls.last.request.content
    assert "Bearer t1" == route.calls.last.request.headers["authorization"]


@pytest.mark.parametrize(
    ("method", "repeatable", "calls"),
    [
        ("GET", None, 4),
        ("GET", False, 1),
        ("POST", None, 1),
        ("POST", True, 4),
        ("DELETE", None, 1),
    ],
)
async def test_request_again(
    api: respx.Router,
    client: AsyncSesamy,
    method: str,
    repeatable: bool | None,
    calls: int,
) -> None:
    """Only what is harmless to repeat is sent again when in doubt."""
    route = api.route(path="/x").respond(503)
    with pytest.raises(SesamyError):
        await client.request(method, "/x", repeatable=repeatable)

    assert calls == route.call_count


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"method": "get", "path": "/"}, "method"),
        ({"method": "GET", "path": "https://evil/"}, "path"),
        ({"method": "GET", "path": "/", "query": {"a": []}}, "query"),
        ({"method": "GET", "path": "/", "query": {1: 2}}, "query"),
        ({"method": "GET", "path": "/", "query": "a=b"}, "query"),
        ({"method": ["GET"], "path": "/"}, "method"),
        ({"method": "POST", "path": "/", "json": object()}, "json"),
        ({"method": "POST", "path": "/", "json": math.nan}, "json"),
    ],
)
async def test_request_refused(
    api: respx.Router,
    client: AsyncSesamy,
    arguments: dict[str, Any],
    named: str,
) -> None:
    """A request that can't be sent is refused by its argument's name."""
    with pytest.raises(InvalidRequestError, match=named):
        await client.request(**arguments)

    assert 0 == api.calls.call_count


CANARY = "kim@canary.se"


class Word(str, Enum):  # noqa: UP042 - as it was before StrEnum
    """An Enum whose str() is not its value."""

    GET = "GET"
    ID = "c1"


async def test_method_of_an_enum(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """The value of a member is sent, and named."""
    api.get("https://api.sesamy.com/x").respond(404)
    with pytest.raises(Exception, match=r"^request GET: "):
        await client.request(Word.GET, "/x")


async def test_contract_id_of_an_enum(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """A contract is known by the value of a member."""
    api.post(f"{API}/confirm/c1").mock(httpx.Response(204))

    assert "c1" == (await client.contracts.confirm("SPRING-12", Word.ID)).id


async def test_one_content_type(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """A content type of the caller's replaces ours, in any case."""
    route = api.post(f"{API}?confirm=false").respond(json={"id": "c1"})
    copy = client.with_options(headers={"content-type": "application/x+json"})
    await copy.contracts.create("SPRING-12", ORDER)
    headers = route.calls.last.request.headers

    assert ["application/x+json"] == headers.get_list("content-type")


def create(client: Any) -> Any:
    """Give an order as a dict."""
    return client.contracts.create("P", {"email": CANARY})


def onboard(client: Any) -> Any:
    """Give one to the other method that takes it."""
    return client.contracts.onboard("P", {"email": CANARY})


def ask(client: Any) -> Any:
    """Give a query that can't be one."""
    return client.request("GET", "/x", query={"q": [CANARY]})


def mistake(client: Any) -> Any:
    """Give a body and a query with what is no method."""
    return client.request("GO", "/x", json=CANARY, query={"q": CANARY})


@every_world
@pytest.mark.parametrize("operation", [create, onboard, ask, mistake])
def test_refused_and_not_shown(world: World, operation: Operation) -> None:
    """What is refused stands in no traceback's locals of ours."""
    error = world.one(operation).error

    assert isinstance(error, InvalidRequestError)
    assert CANARY not in told_by(error)


@pytest.mark.parametrize(
    ("act", "given"),
    [
        *(
            (lambda c, g: c.contracts.create("P", ORDER, repeatable=g), g)
            for g in ("no", 1, None)
        ),
        *(
            (lambda c, g: c.request("POST", "/x", repeatable=g), g)
            for g in ("no", 1)
        ),
    ],
    ids=lambda value: str(value) if not callable(value) else "",
)
async def test_repeatable_by_mistake(
    client: AsyncSesamy, act: Any, given: Any
) -> None:
    """Only True lets something be sent again: one that says no is refused."""
    with pytest.raises(InvalidRequestError, match="repeatable must be True"):
        await act(client, given)
