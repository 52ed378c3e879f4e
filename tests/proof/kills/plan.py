"""Where the runs of an import are killed: drawn from chance."""

from __future__ import annotations

import random
from collections.abc import Iterable

import attrs

from sesamy_async.bulk import Confirm

from .job import Job
from .moments import Moment


_ANY = 4
_PASSAGES = 4
_COMMIT = 0.002


@attrs.define
class Deck:
    """Moments that are still to be tried, each as often as the others.

    Attributes:
        moments: All of them; None stands for a kill from outside.
        chance: Shuffles them.
    """

    moments: tuple[Moment | None, ...]
    chance: random.Random
    _left: list[Moment | None] = attrs.field(factory=list, init=False)

    @classmethod
    def of(cls, confirm: Confirm, chance: random.Random) -> Deck:
        """Return that of an import."""
        return cls((*moments_of(confirm), *([None] * _ANY)), chance)

    def draw(self, count: int) -> list[Moment | None]:
        """Take the next ones."""
        while len(self._left) < count:
            fresh = list(self.moments)
            self.chance.shuffle(fresh)
            self._left += fresh
        drawn, self._left = self._left[:count], self._left[count:]
        return drawn

    def put_back(self, moments: Iterable[Moment | None]) -> None:
        """Let those come next that nobody was killed at."""
        self._left[:0] = moments


def killing(
    job: Job, moment: Moment | None, chance: random.Random, life: float
) -> Job:
    """Return a run that is killed.

    Args:
        job: What each run is told.
        moment: Where it is killed; None for any moment.
        chance: At which passage, or when.
        life: Seconds that a run takes if nobody kills it.
    """
    if moment is None:
        return attrs.evolve(job, after=chance.random() * life)
    return attrs.evolve(
        job,
        moment=moment,
        passage=chance.randint(1, _PASSAGES),
        delay=chance.random() * _COMMIT,
    )


def moments_of(confirm: Confirm) -> tuple[Moment, ...]:
    """Return the moments that an import passes."""
    return tuple(
        each
        for each in Moment
        if confirm is Confirm.SEPARATELY or each is not Moment.CREATED
    )
