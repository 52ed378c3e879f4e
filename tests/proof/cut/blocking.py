"""One blocking call that is interrupted in one wait, and what is left."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from threading import Event

from proof.interrupting import interrupted
from proof.site import Site
from proof.stepping import Cut
from sesamy_async import Sesamy
from support.aside import Aside
from support.calling import blocked

from .calls import create
from .judging import Broken, judge, judge_other, settings_of
from .scenes import Scene


_PATIENCE = 60.0
_RACERS = 3


def interrupted_at(scene: Scene, site: Site, at: int, name: str) -> bool:
    """Interrupt the call of a scene at the n-th moment of its waits.

    Args:
        scene: What goes on.
        site: What it is sent to.
        at: Which moment, counted from 1.
        name: Makes ids that no other trial has.

    Returns:
        Whether there was such a moment.

    Raises:
        Broken: Something is lost, stuck or left, or was told falsely.
    """
    with Sesamy(**settings_of(scene, site)) as client:
        end = _played(scene, site, client, at, name)
        judge(scene, site, end, name)
        racers = [
            Aside(partial(_do_well, site, client, f"{name}-{number}"))
            for number in range(_RACERS)
        ]
        for racer in racers:
            _end(racer)
        _until(
            lambda: site.outer.open <= scene.cap + 1,
            "there are too many connections",
        )
    _until(lambda: site.outer.open == 0, "connections are left")
    return end.waited


def _played(
    scene: Scene, site: Site, client: Sesamy, at: int, name: str
) -> Cut:
    if scene.before:
        _do_well(site, client, f"{name}-before")
    scene.prepare(site.sandbox)
    ledger = site.sandbox.ledger
    before, ended = ledger.requests(), Event()
    partner = None

    def asked() -> bool:
        return ledger.requests() > before or ended.is_set()

    def follow() -> None:
        if scene.then:
            _until(asked, "nothing was asked")
        _do_well(site, client, f"{name}-partner")

    if scene.first or scene.then:
        partner = Aside(follow)
    if scene.first:
        _until(asked, "the other one does not ask")
    end = interrupted(partial(scene.call(name), client), at)
    ended.set()
    if partner is not None:
        _end(partner)
    site.sandbox.faults.clear()
    return end


def _do_well(site: Site, client: Sesamy, order: str) -> None:
    judge_other(site, blocked(create(order), client), order)


def _end(aside: Aside) -> None:
    try:
        aside.end(_PATIENCE)
    except TimeoutError as error:
        raise Broken("a call beside or after it is stuck") from error


def _until(condition: Callable[[], bool], otherwise: str) -> None:
    end = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise Broken(otherwise)
        time.sleep(0.001)
