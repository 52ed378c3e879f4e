"""client.request on the wire, and arguments that are nearly right."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Any

import httpx
import pytest
import respx

from sesamy_async import AsyncSesamy, InvalidRequestError, SesamyError
from support.calling import Operation
from support.leaks import told_by
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


def asked(method: Any, path: str = "/x", **more: Any) -> Operation:
    """Return a request with these arguments."""
    return lambda client: client.request(method, path, **more)


def calling(name: str, *first: Any) -> Callable[..., Operation]:
    """Return what makes operations of this name with further arguments."""
    return lambda *rest, **more: (
        lambda client: getattr(client.contracts, name)(*first, *rest, **more)
    )


made, onboarded = calling("create"), calling("onboard")
confirmed = calling("confirm", "P", "c1")


CANARY = "kim@canary.se"
WRONG_DATA: Any = ["x", {"a": 5}, {5: "a"}, {"a": "\ud800"}, [("a", CANARY)]]
WRONG = [
    (asked("get", json=CANARY, query={"q": CANARY}), "method"),
    (asked(["GET"]), "method"),
    (asked("GET", "https://evil/"), "path"),
    (asked("GET", query={"a": [CANARY]}), "query"),
    (asked("GET", query={1: 2}), "query"),
    (asked("GET", query="a=b"), "query"),
    (asked("POST", json=object()), "json"),
    (asked("POST", json=math.nan), "json"),
    *(
        (act(*arguments), named)
        for act in (made, onboarded)
        for *arguments, named in (
            ("", ORDER, "promo_code"),
            (5, ORDER, "promo_code"),
            ("P", {"email": CANARY}, "order must be a NewContract"),
            ("P", None, "order must be a NewContract"),
        )
    ),
    (made("P", ORDER, confirm="false"), "confirm"),
    (confirmed(order={"externalOrderId": "A"}), "order must be a NewContract"),
    *(
        (act(provider_payment_data=data), "provider_payment_data")
        for data in WRONG_DATA
        for act in (partial(onboarded, "P", ORDER), confirmed)
    ),
    # Only True lets something be sent again, and nothing what gives access.
    (made("P", ORDER, confirm=True, repeatable=True), "repeatable"),
    *(
        (act(repeatable=given), "repeatable must be True")
        for given in ("no", 1)
        for act in (partial(made, "P", ORDER), partial(asked, "POST"))
    ),
    (made("P", ORDER, repeatable=None), "repeatable must be True"),
]


@pytest.mark.parametrize(
    ("act", "named"),
    [
        pytest.param(act, named, id=f"{number}-{named}")
        for number, (act, named) in enumerate(WRONG)
    ],
)
async def test_refused_before_anything_is_sent(
    api: respx.Router, client: AsyncSesamy, act: Operation, named: str
) -> None:
    """A wrong argument is named, and not shown, before a token is fetched."""
    with pytest.raises(InvalidRequestError, match=named) as caught:
        await act(client)

    assert 0 == api.calls.call_count
    assert CANARY not in told_by(caught.value)


class Word(str, Enum):  # noqa: UP042 - as it was before StrEnum
    """An Enum whose str() is not its value."""

    GET = "GET"
    ID = "c1"


async def test_members_of_an_enum(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """The value of a member is sent, and named; a contract is known by it."""
    api.get("https://api.sesamy.com/x").respond(404)
    api.post(f"{API}/confirm/c1").mock(httpx.Response(204))
    with pytest.raises(SesamyError, match=r"^request GET: "):
        await client.request(Word.GET, "/x")

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
