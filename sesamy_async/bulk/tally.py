"""How many rows are in which state, while an import runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from .confirm import Confirm
from .journal.entry import Change
from .state import State


class Tally:
    """Keeps count, so that nobody has to ask the journal all the time.

    Args:
        counts: As the journal has them.
        strays: As the journal has them.
        confirm: When contracts are confirmed.
    """

    def __init__(
        self, counts: Mapping[State, int], strays: int, confirm: Confirm
    ) -> None:
        self._counts = Counter(dict(counts))
        self.goal: State = confirm.goal
        self.strays: int = strays

    def move(self, before: State, change: Change) -> None:
        """Count a row that changes its state."""
        self._counts[before] -= 1
        self._counts[change.state] += 1
        self.strays += change.strays

    @property
    def rows(self) -> int:
        """All rows."""
        return self._counts.total()

    @property
    def done(self) -> int:
        """Orders that are where they shall be."""
        return self._counts[self.goal]

    @property
    def rejected(self) -> int:
        """Rows that can't be sent, or were refused."""
        return self._counts[State.REJECTED]

    @property
    def unknown(self) -> int:
        """Orders that a person has to look at."""
        return self._counts[State.UNKNOWN]

    @property
    def unprocessed(self) -> int:
        """Rows that are not finished."""
        return self.rows - self.done - self.rejected - self.unknown
