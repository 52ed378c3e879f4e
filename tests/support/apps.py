"""FastAPI applications over a sandbox, and requests to them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI

from sesamy_async.fastapi import install, lifespan, sales
from sesamy_async.idempotency import MemoryStore
from sesamy_async.sandbox import Sandbox

from .canaries import ORDER


SALES = "/sales/SPRING-12"
SALE = ORDER.to_json()


def settings_for(sandbox: Sandbox, **more: Any) -> dict[str, Any]:
    """Return the settings of a client of a shop in a test."""
    return {
        **sandbox.client_settings(),
        "idempotency": MemoryStore(),
        "deadline": 20.0,
        **more,
    }


def shop(sandbox: Sandbox, **more: Any) -> FastAPI:
    """Return an application that takes sales."""
    app = FastAPI(lifespan=lifespan(**settings_for(sandbox, **more)))
    install(app)
    app.include_router(sales())
    return app


@asynccontextmanager
async def visited(
    app: Any, *, lifespan_of: Any = None, **more: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """Let an application run, and yield what sends it JSON.

    Args:
        app: The ASGI application.
        lifespan_of: The FastAPI application, where `app` is around it.
        more: For the transport.
    """
    running = app if lifespan_of is None else lifespan_of
    async with (
        running.router.lifespan_context(running),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app, **more),
            base_url="http://shop",
            headers={"Content-Type": "application/json"},
        ) as client,
    ):
        yield client


def changed(**changes: Any) -> str:
    """Return the sale with other values."""
    return json.dumps({**json.loads(SALE), **changes})


async def received(
    app: Any, path: str, parts: Iterator[bytes], *, leaves: bool = False
) -> int:
    """Return the status that an application answers to a body in parts.

    Args:
        app: The application, whose lifespan runs.
        path: Where to post to.
        parts: The body.
        leaves: Whether the client disconnects after them.
    """
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        part = next(parts, None)
        if part is None and leaves:
            return {"type": "http.disconnect"}
        return {
            "type": "http.request",
            "body": part or b"",
            "more_body": part is not None,
        }

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    await app(scope, receive, send)
    return statuses[0]
