"""Kill an import where you like: none is lost, none is doubled."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import attrs

from proof.claim import Claim, Row, Scale
from sesamy_async.bulk import Confirm
from support.kills.campaign import Campaign, Outcome
from support.kills.job import Job
from support.kills.moments import Moment
from support.kills.plan import Deck, killing, moments_of
from support.kills.served import Served, served
from support.kills.zygote import Zygote, zygote
from support.memory import memory


_KILLS = 6
"""How often an import is killed."""

_FAULTS = {
    "drop-before": 0.03,
    "drop-after": 0.03,
    "half": 0.03,
    "malformed": 0.02,
    "status:503": 0.03,
    "status:503+applied": 0.03,
    "delay:0.02": 0.05,
    "wait:0": 0.03,
    "status:401": 0.03,
}
_MODES = {
    "separately": (Confirm.SEPARATELY, True),
    "separately, no strays": (Confirm.SEPARATELY, False),
    "at-once": (Confirm.AT_ONCE, True),
    "no": (Confirm.NO, True),
}


@attrs.frozen(kw_only=True)
class _Place:
    """Where imports are killed.

    Attributes:
        folder: For their files.
        zygote: Runs them.
        sandbox: Where their orders go.
    """

    folder: Path
    zygote: Zygote
    sandbox: Served

    def campaign(self, name: str, job: Job) -> Campaign:
        """Return an import with a folder of its own."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        told = attrs.evolve(
            job, folder=str(folder), settings=self.sandbox.settings
        )
        return Campaign(name, told, self.zygote, self.sandbox)

    def life(self, job: Job) -> float:
        """Return how long a run takes if nobody kills it."""
        began = time.monotonic()
        self.campaign("life", job).carry_out([])
        return time.monotonic() - began


def _rows(scale: Scale) -> Iterator[Row]:
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(dir=memory()))
        )
        runner = stack.enter_context(zygote())
        for faults in ({}, _FAULTS):
            notes = folder / f"notes-{len(faults)}"
            sandbox = stack.enter_context(served(notes, scale.seed, faults))
            place = _Place(folder=folder, zygote=runner, sandbox=sandbox)
            for mode, (confirm, strays) in _MODES.items():
                what = f"{mode}, with faults" if faults else mode
                job = Job(confirm=confirm.value, strays=strays)
                yield _row(what, scale, place, job)


def _row(what: str, scale: Scale, place: _Place, job: Job) -> Row:
    life = place.life(job)
    outcomes: list[Outcome] = []
    left = scale.runs
    deck = Deck.of(Confirm(job.confirm), scale.chance(what))
    for number in count():
        chance = scale.chance(what, number)
        backend = chance.choice(["asyncio", "trio"])
        name = f"{scale.seed}.{number}"
        campaign = place.campaign(name, attrs.evolve(job, backend=backend))
        drawn = deck.draw(min(left, _KILLS))
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
        figure=_figure(outcomes, Confirm(job.confirm)),
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
    return "; ".join(parts)


CLAIM = Claim(
    name="kills",
    promise=(
        "An import whose process is killed by SIGKILL, at any moment or at "
        "a named one, and started again until it completes, loses no order "
        "and doubles none: with `separately`, each has exactly one confirmed "
        "contract and none is unknown; with `at-once`, none has two; and "
        "there are no more strays, or unknown orders, than creates that may "
        "have been under way at the kills or were left in doubt by faults. "
        "Real processes, sockets and files; each run here is a kill."
    ),
    rows=_rows,
    runs=375,
    short=25,
)
