"""The token of a client, over HTTP."""

from __future__ import annotations

import httpx
import pytest
import respx

from sesamy_async import (
    AsyncSesamy,
    AuthenticationError,
    Outcome,
    UnauthorizedError,
)
from support.wire import API, ORDER


async def test_401_renews_once(api: respx.Router, client: AsyncSesamy) -> None:
    """After a 401 there is one new token and one more attempt."""
    route = api.post(f"{API}?confirm=false").respond(401)
    with pytest.raises(UnauthorizedError):
        await client.contracts.create("SPRING-12", ORDER)

    assert (2, 2) == (route.call_count, api["token"].call_count)


async def test_wrong_secret(api: respx.Router, client: AsyncSesamy) -> None:
    """A refusal names the settings to check, and the order is not sent."""
    api["token"].respond(403, json={"message": "Invalid client credentials"})
    with pytest.raises(AuthenticationError, match="SESAMY_CLIENT") as caught:
        await client.contracts.create("SPRING-12", ORDER)

    # One call for each encoding.
    assert (403, "o-1", 2) == (
        caught.value.status_code,
        caught.value.external_order_id,
        api.calls.call_count,
    )


async def test_throttled_token(api: respx.Router, client: AsyncSesamy) -> None:
    """A busy token endpoint is called again after its Retry-After."""
    api["token"].mock(
        side_effect=[
            httpx.Response(429, headers={"Retry-After": "0"}),
            httpx.Response(200, json={"access_token": "t2"}),
        ]
    )
    route = api.post(f"{API}?confirm=false").respond(json={"id": "c1"})
    await client.contracts.create("SPRING-12", ORDER)

    assert 1 == route.call_count


async def test_wait_of_the_token_endpoint(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """If its Retry-After is too long, the error has it."""
    api["token"].respond(429, headers={"Retry-After": "900"})
    with pytest.raises(AuthenticationError) as caught:
        await client.contracts.create("SPRING-12", ORDER)

    assert (900.0, Outcome.NOT_SENT, 1) == (
        caught.value.retry_after,
        caught.value.outcome,
        api["token"].call_count,
    )
