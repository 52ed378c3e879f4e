"""Copies with other options, and closing."""

from __future__ import annotations

import gc
import math
import warnings

import pytest
import respx

from sesamy_async import (
    AsyncSesamy,
    ConfigurationError,
    RetryPolicy,
    Sesamy,
)
from sesamy_async.sandbox import Sandbox
from support.wire import API, ORDER


async def test_options_share(api: respx.Router, client: AsyncSesamy) -> None:
    """A copy shares the token; its headers and vendor are its own."""
    route = api.post(url__regex=".*/vendor/other/.*").respond(json={"id": "c"})
    api.post(f"{API}?confirm=false").respond(json={"id": "c"})
    copy = client.with_options(
        vendor_id="other",
        headers={"X-Trace": "1"},
        timeout=5,
        deadline=math.inf,
        retry=RetryPolicy(attempts=1),
    ).with_options(headers={"X-More": "2"})
    await client.contracts.create("SPRING-12", ORDER)
    await copy.contracts.create("SPRING-12", ORDER)
    headers = route.calls.last.request.headers

    assert 1 == api["token"].call_count
    assert ("1", "2") == (headers["x-trace"], headers["x-more"])


async def test_closing_a_copy(api: respx.Router, client: AsyncSesamy) -> None:
    """A copy that is closed leaves its client open."""
    api.post(f"{API}?confirm=false").respond(json={"id": "c"})
    async with client.with_options(timeout=5) as copy:
        await copy.contracts.create("SPRING-12", ORDER)

    assert "c" == (await client.contracts.create("SPRING-12", ORDER)).id


async def test_closed(client: AsyncSesamy) -> None:
    """A closed client refuses calls, and so do its copies."""
    copy = client.with_options(timeout=5)
    await client.aclose()
    await client.aclose()
    for each in (client, copy):
        with pytest.raises(ConfigurationError, match="closed"):
            await each.contracts.create("P", ORDER)


def test_a_copy_whose_client_nobody_holds(served: Sandbox) -> None:
    """It warns at its end, for nothing else will close the connections."""
    del served
    copy = Sesamy().with_options(timeout=5)
    gc.collect()
    with copy:
        copy.contracts.create("SPRING-12", ORDER)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        del copy
        words = [str(each.message) for each in told]
        # The warning kept the client alive, and with it its socket.
        told.clear()
        gc.collect()
        words += [str(each.message) for each in told]

    assert any(word.startswith("unclosed Sesamy(") for word in words)
    assert any("socket" in word for word in words)
