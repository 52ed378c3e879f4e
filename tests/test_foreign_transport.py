"""Transports of the caller's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sesamy_async import (
    AsyncSesamy,
    Outcome,
    Sesamy,
    StaticToken,
    UnreadableResponseError,
)
from sesamy_async.sandbox import Sandbox, running
from support.wire import ORDER


class Dripping(httpx.SyncByteStream):
    """Yields a little now and then."""

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(100):
            time.sleep(0.01)
            yield b" "


class Slow(httpx.BaseTransport):
    """Answers with a body that drips."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        del request
        return httpx.Response(200, stream=Dripping())


def test_dripping_body() -> None:
    """Between the chunks of any transport the deadline is looked at."""
    start = time.monotonic()
    with (
        Sesamy(
            "acme", auth=StaticToken("t"), transport=Slow(), deadline=0.05
        ) as sesamy,
        pytest.raises(UnreadableResponseError) as caught,
    ):
        sesamy.contracts.create("P", ORDER)

    assert Outcome.APPLIED is caught.value.outcome
    assert time.monotonic() - start < 0.5


async def test_without_a_body_or_a_timeout() -> None:
    """A request without a body leaves at once; no timeout is no timeout."""
    settings: dict[str, Any] = {
        "auth": StaticToken("t"),
        "timeout": None,
        "deadline": None,
    }
    with running(Sandbox()) as url:
        async with AsyncSesamy("acme", base_url=url, **settings) as client:
            response = await client.request("GET", "/_sandbox/ledger")

    assert 200 == response.status_code
