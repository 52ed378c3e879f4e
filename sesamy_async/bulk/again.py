"""Orders that are to be tried once more."""

from __future__ import annotations

import heapq
from itertools import count

from .claim import Claim


MOST_TRIES = 3
"""How often an order is tried in one run, while others go through."""

PAUSE = 10.0
"""Seconds until the second try; the third comes after twice as many."""


class Again:
    """Keeps them until their time has come, the earliest first."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Claim]] = []
        self._tries: dict[int, int] = {}
        self._numbers = count()

    def add(self, claim: Claim, now: float) -> bool:
        """Keep an order that failed.

        Returns:
            False where it has failed too often: a later run may try it.
        """
        row = claim.entry.row
        tries = self._tries.get(row, 0) + 1
        self._tries[row] = tries
        if tries >= MOST_TRIES:
            return False
        due = now + PAUSE * tries
        heapq.heappush(self._waiting, (due, next(self._numbers), claim))
        return True

    def keep(self, claim: Claim, now: float) -> None:
        """Keep an order that failed in an outage, which is no try."""
        self._tries.pop(claim.entry.row, None)
        heapq.heappush(self._waiting, (now, next(self._numbers), claim))

    def settled(self, claim: Claim) -> None:
        """Forget how often an order failed: it went through."""
        self._tries.pop(claim.entry.row, None)

    def due(self, now: float) -> Claim | None:
        """Take out the first one whose time has come."""
        if self._waiting and self._waiting[0][0] <= now:
            return heapq.heappop(self._waiting)[2]
        return None

    def wait(self, now: float) -> float | None:
        """Return the seconds until the first is due; None where none is."""
        return max(0.0, self._waiting[0][0] - now) if self._waiting else None
