"""One call that is cancelled at one await, and what is left of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import anyio
import trio

from proof.site import Site
from proof.stepping import Cut, cut
from sesamy_async import AsyncSesamy
from support.calling import awaited

from .calls import create
from .judging import DEADLINE, Broken, judge, judge_other, settings_of
from .scenes import Scene


_PATIENCE = 60.0
_RACERS = 3
_STEPS = 10


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
        async with AsyncSesamy(**settings_of(scene, site)) as client:
            end = await _played(scene, site, client, at, name)
            judge(scene, site, end, name)
            await _all_well(
                site, client, [f"{name}-{n}" for n in range(_RACERS)]
            )
            await _until(
                lambda: site.outer.open <= scene.cap + 1,
                "there are too many connections",
            )
        await _until(lambda: site.outer.open == 0, "connections are left")
    if _tasks() != tasks:
        raise Broken(f"{_tasks() - tasks} tasks are left")
    return end.waited


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


async def _all_well(
    site: Site, client: AsyncSesamy, orders: list[str]
) -> None:
    """Make several calls at once; all must do well."""

    async def one(order: str) -> None:
        ending = await awaited(create(order), client)
        judge_other(site, ending, order)

    async with anyio.create_task_group() as group:
        for order in orders:
            group.start_soon(one, order)


async def _until(condition: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise Broken(otherwise)
        await anyio.sleep(0.002)


def _tasks() -> int:
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:
        return trio.lowlevel.current_statistics().tasks_living
