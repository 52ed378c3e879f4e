"""client.request on the wire."""

from __future__ import annotations

import math
from typing import Any

import pytest
import respx

from sesamy_async import (
    AsyncSesamy,
    InvalidRequestError,
    SesamyError,
)


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
