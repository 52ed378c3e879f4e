"""Reasons that are the same but for a number or a name."""

from __future__ import annotations

import re
from collections import Counter

import attrs


_PARTICULAR = re.compile(
    r"(?<=\brow )\d+"  # another row
    r"|(?<=\bline )\d+|(?<=\bcolumn )\d+"  # a place in a line
    r"|'[^']*'"  # what is quoted
    r"|\b[0-9a-fA-F][0-9a-fA-F-]{14,}[0-9a-fA-F]\b"  # an id
)
_MOST = 200
OTHERS = "other reasons"
"""Stands for all that are too many to be told apart."""


def pattern_of(reason: str) -> str:
    """Return what a reason has in common with others of its kind."""
    return _PARTICULAR.sub("…", reason)


@attrs.frozen
class Reasons:
    """How many orders each reason has, in memory that does not grow."""

    _counts: Counter[str] = attrs.field(factory=Counter[str])

    def add(self, reason: str) -> None:
        """Count one more."""
        pattern = pattern_of(reason)
        full = len(self._counts) >= _MOST
        if full and pattern not in self._counts:
            pattern = OTHERS
        self._counts[pattern] += 1

    def common(self) -> tuple[tuple[str, int], ...]:
        """Return each with its count, the most frequent first."""
        return tuple(self._counts.most_common())
