"""Arguments that are nearly what they should be."""

from __future__ import annotations

from enum import Enum
from typing import Any

import httpx
import pytest
import respx

from sesamy_async import AsyncSesamy, InvalidRequestError
from support.calling import Operation, World
from support.leaks import told_by
from support.marks import every_world
from support.wire import API, ORDER


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


@pytest.mark.parametrize("given", ["no", 1, None])
async def test_create_that_is_repeatable_by_mistake(
    client: AsyncSesamy, given: Any
) -> None:
    """Only True lets a create be sent again: one that says no is refused."""
    with pytest.raises(InvalidRequestError, match="repeatable must be True"):
        await client.contracts.create("P", ORDER, repeatable=given)


@pytest.mark.parametrize("given", ["no", 1])
async def test_request_that_is_repeatable_by_mistake(
    client: AsyncSesamy, given: Any
) -> None:
    """Nor does anything else let another request."""
    with pytest.raises(InvalidRequestError, match="repeatable must be True"):
        await client.request("POST", "/x", repeatable=given)
