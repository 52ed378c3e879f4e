"""One create under one cause, judged by the ledger."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import Any

import attrs

from proof.claim import Row, Scale, tried
from proof.judge import judged
from proof.orders import any_id, creating, patient
from proof.site import Site, Way, serving
from sesamy_async import Outcome, RetryPolicy
from support.calling import Ending, Steps

from .cause import ATTEMPTS, Cause, Moment
from .sizes import Sizes


_RETRY = RetryPolicy(attempts=ATTEMPTS, base=0.0, budget=None)


def named(way: Way, cause: Cause) -> str:
    """Name the class of a cause on a way."""
    return f"{way}: {cause.what}"


def rows_of(way: Way, causes: Iterable[Cause], scale: Scale) -> list[Row]:
    """Try each of these causes, all of which there are on this way."""
    with serving(way, scale.seed) as site:
        sizes = Sizes.of(site)
        return [_row(cause, site, sizes, scale) for cause in causes]


def _row(cause: Cause, site: Site, sizes: Sizes, scale: Scale) -> Row:
    seen: Counter[str] = Counter()
    trial = partial(_once, cause, site, sizes, seen)
    row = tried(named(site.way, cause), scale, trial)
    ledger = site.sandbox.ledger
    # What a server did later, when nobody asked any more, counts as well.
    doubled = tuple(
        f"{order}: {ledger.count(order)} contracts"
        for order in ledger.orders
        if ledger.count(order) > 1
    )
    figure = ", ".join(f"{name} {n}" for name, n in sorted(seen.items()))
    return attrs.evolve(
        row, violations=row.violations + doubled, figure=figure
    )


@attrs.frozen
class _Tried:
    """What came of one create.

    Attributes:
        outcome: In words.
        found: What broke the promise, or None.
        late: Whether that may be for want of time only: the outcome is
            none that may come of it, but it is true.
    """

    outcome: str
    found: str | None = None
    late: bool = False


def _once(
    cause: Cause,
    site: Site,
    sizes: Sizes,
    seen: Counter[str],
    chance: random.Random,
) -> str | None:
    world = chance.choice(cause.worlds)
    drawn = chance.getstate()
    tries: list[_Tried] = []
    for timeout in cause.timeouts:
        settings: dict[str, Any] = {
            **site.settings(),
            "timeout": timeout,
            "deadline": 60.0,
            "retry": _RETRY,
            **cause.settings(site),
        }
        settings["transport"] = site.transport(world, settings["transport"])
        chance.setstate(drawn)
        steps = _steps(cause, site, sizes, chance, len(tries))
        tries.append(world.steered(steps, **settings))
        site.drop()
        if not tries[-1].late:
            break
    seen[tries[-1].outcome] += 1
    found = tries[-1].found
    return None if found is None else f"{world}: {found}"


def _steps(
    cause: Cause,
    site: Site,
    sizes: Sizes,
    chance: random.Random,
    number: int,
) -> Steps[_Tried]:
    if cause.warm and chance.random() < 0.5:
        warming = yield patient(creating(_id(chance, number)))
        if warming.error is not None:
            return _Tried("", f"without any fault: {warming.error}")
    order = _id(chance, number)
    times = chance.choice(cause.times)
    create = cause.operation(order, site)
    cause.begin(Moment(site, sizes, chance, times))
    try:
        first = yield create
    finally:
        cause.end(site)
    outcome = str(first.outcome or "success")
    contradiction = judged(first, site.sandbox.ledger, order)
    if first.outcome not in cause.allowed(times):
        ended = f"{order}: ended {first.outcome}, {first.error}"
        return _Tried(outcome, ended, late=contradiction is None)
    if contradiction or first.outcome is not Outcome.NOT_SENT:
        return _Tried(outcome, contradiction)
    if not cause.recovers:
        return _Tried(outcome)
    second = yield patient(creating(order))
    return _Tried(outcome, _recovered(second, site, order))


def _id(chance: random.Random, number: int) -> str:
    """Return an id that differs in each try of the same chance."""
    drawn = any_id(chance)
    if not number:
        return drawn
    return any_id(random.Random(f"{drawn}/{number}"))  # noqa: S311 - repeatable


def _recovered(second: Ending, site: Site, order: str) -> str | None:
    if second.error is not None:
        return f"{order}: was NOT_SENT, then {second.error}"
    return judged(second, site.sandbox.ledger, order)
