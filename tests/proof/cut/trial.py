"""One call that is cancelled at one await, and what is left of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import anyio
import trio

from proof.judge import judged
from proof.site import Site
from sesamy_async import AsyncSesamy, Outcome, SesamyError
from support.calling import AT_ONCE, Ending, awaited, complete
from support.notes import outcome_noted
from support.stepping import Cut, cut

from .calls import create
from .scenes import Scene


_PATIENCE = 10.0
_RACERS = 3
_STEPS = 10


class Broken(Exception):  # noqa: N818 - a finding, no mishap
    """The promise was broken; it says how."""


async def cancelled_at(scene: Scene, site: Site, at: int, name: str) -> bool:
    """Cancel the call of a scene at its n-th wait.

    Args:
        scene: What goes on.
        site: What it is sent to.
        at: Which wait, counted from 1.
        name: Makes ids that no other trial has.

    Returns:
        Whether there was such a wait.

    Raises:
        Broken: Something is lost, stuck or left, or was told falsely.
    """
    tasks = _tasks()
    with anyio.fail_after(_PATIENCE):
        async with AsyncSesamy(**_settings(scene, site)) as client:
            end = await _played(scene, site, client, at, name)
            _judge(scene, site, end, name)
            await _all_well(
                site, client, [f"{name}-{n}" for n in range(_RACERS)]
            )
            if site.outer.open > scene.cap + 1:
                raise Broken(f"{site.outer.open} connections")
        await _until(lambda: site.outer.open == 0, "connections are left")
    if _tasks() != tasks:
        raise Broken(f"{_tasks() - tasks} tasks are left")
    return end.waited


def _settings(scene: Scene, site: Site) -> dict[str, Any]:
    settings = site.settings(cap=scene.cap)
    environment = site.sandbox.environment(settings["base_url"])
    del settings["auth"]
    return complete(
        {
            **settings,
            "client_id": environment["SESAMY_CLIENT_ID"],
            "client_secret": environment["SESAMY_CLIENT_SECRET"],
            "token_url": environment["SESAMY_TOKEN_URL"],
            "timeout": 5.0,
            "deadline": 2.0,
            "retry": AT_ONCE,
        }
    )


async def _played(
    scene: Scene, site: Site, client: AsyncSesamy, at: int, name: str
) -> Cut:
    if scene.before:
        await _all_well(site, client, [f"{name}-before"])
    scene.prepare(site.sandbox)
    partners = []
    async with anyio.create_task_group() as group:
        if scene.first or scene.then:
            partners = [f"{name}-partner"]
            group.start_soon(_all_well, site, client, partners)
        if scene.first:
            # So long that it has the connection, or asks for the token.
            for _ in range(_STEPS):
                await anyio.lowlevel.checkpoint()
        end = await cut(scene.call(name)(client), at)
    site.sandbox.faults.clear()
    return end


def _judge(scene: Scene, site: Site, end: Cut, name: str) -> None:
    if end.error is None or isinstance(end.error, SesamyError):
        ending = Ending(value=end.value, error=end.error)
    else:
        told = outcome_noted(end.error)
        if not scene.told:
            told = Outcome.UNKNOWN
        ending = Ending(error=SesamyError("cancelled", outcome=told))
    if not scene.told and end.error is None:
        ending = Ending(value=end.value.contract)
    found = judged(ending, site.sandbox.ledger, name)
    if found is not None:
        raise Broken(found)


async def _all_well(
    site: Site, client: AsyncSesamy, orders: list[str]
) -> None:
    """Make several calls at once; all must do well."""

    async def one(order: str) -> None:
        ending = await awaited(create(order), client)
        found = judged(ending, site.sandbox.ledger, order)
        if ending.error is not None or found is not None:
            raise Broken(f"a call beside or after it: {ending.error or found}")

    async with anyio.create_task_group() as group:
        for order in orders:
            group.start_soon(one, order)


async def _until(condition: Callable[[], bool], otherwise: str) -> None:
    for _ in range(1000):
        if condition():
            return
        await anyio.sleep(0.002)
    raise Broken(otherwise)


def _tasks() -> int:
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:
        return trio.lowlevel.current_statistics().tasks_living
