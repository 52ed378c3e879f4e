"""Time and chance: the same in both worlds."""

from __future__ import annotations

import random
import time


class Clock:
    """What neither waits nor blocks."""

    __slots__ = ()

    def now(self) -> float:
        """Return seconds on a monotonic clock, the same in all loops."""
        return time.monotonic()

    def wall(self) -> float:
        """Return Unix seconds."""
        return time.time()

    def random(self) -> float:
        """Return a number, 0 <= x < 1."""
        return random.random()  # noqa: S311 - jitter is no secret
