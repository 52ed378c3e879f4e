"""Middleware of a caller's, and the mistakes that it may make."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import attrs

from sesamy_async import (
    AsyncSesamy,
    Call,
    ConnectionFailedError,
    Proceed,
    Response,
    SesamyError,
    StaticToken,
)


def around(*middleware: Any, **options: Any) -> AsyncSesamy:
    """Return a client with middleware of its own."""
    options = {
        "auth": StaticToken("t"),
        "middleware": middleware,
        **options,
    }
    return AsyncSesamy("acme", **options)


async def twice(call: Call, proceed: Proceed) -> Response:
    """Send one order two times."""
    await proceed(call)
    return await proceed(call)


async def insist(call: Call, proceed: Proceed) -> Response:
    """Send an order again that may have arrived."""
    try:
        return await proceed(call)
    except SesamyError:
        return await proceed(call)


async def fail_late(call: Call, proceed: Proceed) -> Response:
    """Make a mistake when all is done."""
    await proceed(call)
    raise KeyError


async def deny(call: Call, proceed: Proceed) -> Response:
    """Say so although something was sent."""
    with suppress(SesamyError):
        await proceed(call)
    raise ConnectionFailedError("No.", retryable=True)


async def replace(call: Call, proceed: Proceed) -> Response:
    """Put something else in the contract's place."""
    return attrs.evolve(await proceed(call), parsed={"id": "c1"})
