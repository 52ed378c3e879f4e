"""A create whose caller leaves while it is under way."""

from __future__ import annotations

import random
from typing import Any

import anyio

from proof.notes import outcome_noted
from proof.orders import creating
from proof.site import Site
from sesamy_async import AsyncSesamy, Outcome, SesamyError
from support.calling import Operation

from .struck import struck


def cancelled(order: str, site: Site) -> Operation:
    """Cancel a create soon after a fault has struck its connection.

    It ends in an error with the outcome that the cancellation told.
    """
    create = creating(order)
    later = random.Random(order).uniform(0, 0.003)  # noqa: S311 - no secret

    async def leave(client: AsyncSesamy) -> Any:
        told = Outcome.UNKNOWN

        async def cancel() -> None:
            await struck(site)
            await anyio.sleep(later)
            group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(cancel)
            try:
                return await create(client)
            except BaseException as error:
                told = outcome_noted(error)
                raise
        raise SesamyError("cancelled", outcome=told)

    return leave
