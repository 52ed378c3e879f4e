"""Copies with other options, and closing."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import ssl
import warnings
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import respx

from sesamy_async import (
    AsyncSesamy,
    ConfigurationError,
    Connections,
    RateLimit,
    RetryPolicy,
    Sesamy,
    StaticToken,
)
from sesamy_async.sandbox import Sandbox
from support.calling import Operation, create
from support.wire import API, ORDER


async def test_options_share(api: respx.Router, client: AsyncSesamy) -> None:
    """A copy shares the token; its headers and vendor are its own."""
    route = api.post(url__regex=".*/vendor/other/.*").respond(json={"id": "c"})
    api.post(f"{API}?confirm=false").respond(json={"id": "c"})
    other = client.with_options(
        vendor_id="other",
        headers={"X-Trace": "1"},
        timeout=5,
        deadline=math.inf,
        retry=RetryPolicy(attempts=1),
    ).with_options(headers={"X-More": "2"})
    await client.contracts.create("SPRING-12", ORDER)
    await other.contracts.create("SPRING-12", ORDER)
    headers = route.calls.last.request.headers

    assert 1 == api["token"].call_count
    assert ("1", "2") == (headers["x-trace"], headers["x-more"])


async def test_closing_a_copy(api: respx.Router, client: AsyncSesamy) -> None:
    """A copy that is closed leaves its client open."""
    api.post(f"{API}?confirm=false").respond(json={"id": "c"})
    async with client.with_options(timeout=5) as other:
        await other.contracts.create("SPRING-12", ORDER)

    assert "c" == (await client.contracts.create("SPRING-12", ORDER)).id


@pytest.mark.parametrize("act", [create, lambda client: client.ready()])
@pytest.mark.parametrize("copied", [False, True])
async def test_closed(
    client: AsyncSesamy, act: Operation, copied: bool
) -> None:
    """A closed client refuses calls, and so do its copies."""
    blocking = Sesamy("acme", auth=StaticToken("t"))
    each, other = client, blocking
    if copied:
        each, other = client.with_options(), blocking.with_options()
    await client.aclose()
    await client.aclose()
    blocking.close()
    with pytest.raises(ConfigurationError, match="closed"):
        await act(each)
    with pytest.raises(ConfigurationError, match="closed"):
        act(other)


def test_a_copy_whose_client_nobody_holds(served: Sandbox) -> None:
    """It warns at its end, for nothing else will close the connections."""
    del served
    other = Sesamy().with_options(timeout=5)
    gc.collect()
    with other:
        other.contracts.create("SPRING-12", ORDER)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        del other
        words = [str(each.message) for each in told]
        # The warning kept the client alive, and with it its socket.
        told.clear()
        gc.collect()
        words += [str(each.message) for each in told]

    assert any("unclosed Sesamy(vendor_id='acme'" in word for word in words)
    assert any("socket" in word for word in words)


CLIENT = Sesamy("acme", auth=StaticToken("t"))
ASYNC_CLIENT = AsyncSesamy("acme", auth=StaticToken("t"))


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
@pytest.mark.parametrize(
    "thing",
    [
        CLIENT,
        CLIENT.contracts,
        ASYNC_CLIENT,
        ASYNC_CLIENT.contracts,
        ASYNC_CLIENT.with_options(timeout=5),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_a_client_is_not_pickled(
    thing: object, copied: Callable[[object], object]
) -> None:
    """It says to make one in each process, and how to get a copy."""
    with pytest.raises(TypeError) as caught:
        copied(thing)

    assert str(caught.value).startswith(f"{type(thing).__name__} can't be ")
    assert "Make a client in each process" in str(caught.value)
    assert "with_options()" in str(caught.value)


def test_a_method_is_not_pickled() -> None:
    """What is handed to a process pool is refused for the same reason."""
    with pytest.raises(TypeError, match="Make a client in each process"):
        pickle.dumps(CLIENT.contracts.onboard)


@pytest.mark.parametrize(
    "value",
    [
        Connections(cap=3, proxy="http://proxy.test:3128"),
        RetryPolicy(attempts=2),
        RateLimit(requests=3),
    ],
    ids=lambda value: type(value).__name__,
)
def test_settings_can_be_pickled(value: object) -> None:
    """So a process can make a client of the same settings."""
    again = pickle.loads(pickle.dumps(value))  # noqa: S301 - ours

    assert value == again == copy.copy(value) == copy.deepcopy(value)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"proxy": "http://me:CANARY@proxy.test"}, "proxy"),
        ({"ssl_context": ssl.create_default_context()}, "ssl_context"),
        ({"through": httpx.BaseTransport()}, "through"),
    ],
    ids=["proxy", "ssl_context", "through"],
)
def test_what_connections_hold(given: Any, name: str) -> None:
    """What can't be pickled, or is secret, is named; copies are the same."""
    value = Connections(**given)
    with pytest.raises(
        TypeError, match=f"with {name}.* not pickled"
    ) as caught:
        pickle.dumps(value)

    assert "CANARY" not in str(caught.value)
    assert value is copy.copy(value) is copy.deepcopy(value)
