"""Imports that are killed again and again, as a class of a claim."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from itertools import count
from pathlib import Path

import attrs

from proof.claim import Row, Scale
from sesamy_async.bulk import Confirm

from .campaign import Campaign, Outcome
from .job import Job
from .moments import Moment
from .plan import Deck, killing, moments_of
from .plug import Plug
from .served import Served
from .zygote import Zygote


KILLS = 6
"""How often an import is killed."""

_LIVES = 3

MODES = {
    "separately": (Confirm.SEPARATELY, True),
    "separately, no strays": (Confirm.SEPARATELY, False),
    "at-once": (Confirm.AT_ONCE, True),
    "no": (Confirm.NO, True),
}
"""The ways to confirm, and whether strays are permitted."""


@attrs.frozen(kw_only=True)
class Place:
    """Where imports are killed.

    Attributes:
        folder: For their files.
        zygote: Runs them.
        sandbox: Where their orders go.
    """

    folder: Path
    zygote: Zygote
    sandbox: Served

    def campaign(
        self, name: str, job: Job, plug: Plug | None = None
    ) -> Campaign:
        """Return an import with a folder of its own."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        told = attrs.evolve(
            job, folder=str(folder), settings=self.sandbox.settings
        )
        return Campaign(name, told, self.zygote, self.sandbox, plug)

    def life(self, job: Job, runs: int) -> float:
        """Return how long a run takes if nobody kills it.

        The least of a few: where it is too long, most kills come too late.
        """
        lives: list[float] = []
        for number in range(runs):
            began = time.monotonic()
            self.campaign(f"life.{number}", job).carry_out([])
            lives.append(time.monotonic() - began)
        return min(lives)


def tried(
    what: str, scale: Scale, place: Place, job: Job, *, power: bool = False
) -> Row:
    """Kill imports until there were as many kills as the scale says.

    Args:
        what: The class, in words.
        scale: How hard to try.
        place: Where imports are killed.
        job: What each run is told.
        power: Whether each kill is a power cut.
    """
    life = place.life(job, 1 if scale.brief else _LIVES)
    outcomes: list[Outcome] = []
    left = scale.runs
    confirm = Confirm(job.confirm)
    deck = Deck.of(confirm, scale.chance(what))
    if power:
        # Elsewhere hardly anything is written and not flushed.
        most = [Moment.COMMITTED] * len(deck.moments)
        deck = attrs.evolve(deck, moments=(*deck.moments, *most))
    for number in count():
        chance = scale.chance(what, number)
        backend = chance.choice(["asyncio", "trio"])
        name = f"{scale.seed}.{number}"
        plug = Plug(scale.chance(what, number, "plug")) if power else None
        # Every other one; a power cut spoils a store, too.
        store = number % 2 == 1 and not power
        told = attrs.evolve(job, backend=backend, store=store)
        campaign = place.campaign(name, told, plug)
        drawn = deck.draw(min(left, KILLS))
        outcome = campaign.carry_out(
            [killing(campaign.job, each, chance, life) for each in drawn]
        )
        outcomes.append(outcome)
        missed = Counter(drawn) - outcome.kills
        deck.put_back(missed.elements())
        left -= outcome.kills.total()
        if left <= 0 or number == scale.runs:
            break
    return Row(
        what=what,
        runs=scale.runs - left,
        violations=tuple(
            each for outcome in outcomes for each in outcome.violations
        ),
        figure=_figure(outcomes, confirm),
    )


def _figure(outcomes: list[Outcome], confirm: Confirm) -> str:
    kills = sum((each.kills for each in outcomes), Counter[Moment | None]())
    named = [kills[each] for each in moments_of(confirm)]
    in_hand = [number for each in outcomes for number in each.in_hand]
    parts = [
        f"{len(outcomes)} imports",
        f"{kills[None]} kills at any moment",
        f"{min(named)} to {max(named)} at each of {len(named)} named ones",
        f"{sum(in_hand)} creates in hand, at most {max(in_hand)} at once",
        f"{sum(each.strays for each in outcomes)} strays",
        f"{sum(each.unknown for each in outcomes)} unknown",
    ]
    if torn := sum(each.torn for each in outcomes):
        parts.append(f"{torn} times changes were lost or torn")
    return "; ".join(parts)
