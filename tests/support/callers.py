"""Calls through an httpx client or transport of the user's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anyio
import httpx

from sesamy_async import AsyncSesamy, Sesamy

from .calling import Ending, Operation, World, awaited, blocked, complete
from .tls import client_context


def client_for(world: World, **more: Any) -> Any:
    """Return an httpx client of the user's."""
    more.setdefault("verify", client_context())  # By itself it makes one.
    if world is World.BLOCKING:
        return httpx.Client(**more)
    return httpx.AsyncClient(**more)


def through(
    world: World,
    make: Callable[[], Any],
    operations: Sequence[Operation],
    **settings: Any,
) -> tuple[list[Ending], bool]:
    """Make calls through something of the user's."""
    settings = complete(settings)
    if world is World.BLOCKING:
        given = make()
        with Sesamy(**settings, transport=given) as client:
            endings = [blocked(each, client) for each in operations]
        is_open = not getattr(given, "is_closed", False)
        given.close()
        return endings, is_open

    async def main() -> tuple[list[Ending], bool]:
        given = make()
        async with AsyncSesamy(**settings, transport=given) as client:
            endings = [await awaited(each, client) for each in operations]
        is_open = not getattr(given, "is_closed", False)
        await given.aclose()
        return endings, is_open

    return anyio.run(main, backend=str(world))
