"""A create that waits for the only connection, which another one has."""

from __future__ import annotations

import threading
from typing import Any

import anyio

from proof.orders import creating, patient
from proof.site import Site
from sesamy_async import AsyncSesamy
from support.calling import Ending, Operation, awaited, blocked, hasty

from .struck import struck, struck_blocking


_WAIT = 0.05


def behind_another(order: str, site: Site) -> Operation:
    """Make a create that gives up before the one before it does."""
    first = patient(creating(f"{order}-before"))
    second = hasty(_WAIT, creating(order))

    async def in_tasks(client: AsyncSesamy) -> Any:
        async with anyio.create_task_group() as group:
            group.start_soon(awaited, first, client)
            await struck(site)
            ending = await awaited(second, client)
            site.drop()
        return _result(ending)

    def in_threads(client: Any) -> Any:
        if isinstance(client, AsyncSesamy):
            return in_tasks(client)
        thread = threading.Thread(target=blocked, args=(first, client))
        thread.start()
        struck_blocking(site)
        ending = blocked(second, client)
        site.drop()
        thread.join()
        return _result(ending)

    return in_threads


def _result(ending: Ending) -> Any:
    if ending.error is not None:
        raise ending.error
    return ending.value
