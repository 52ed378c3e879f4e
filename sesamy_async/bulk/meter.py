"""How fast an import has been of late."""

from __future__ import annotations

from collections import deque


_WINDOW = 60.0


class Meter:
    """Counts calls, and knows their rate over the last minute."""

    def __init__(self, now: float) -> None:
        self._began = now
        self._seconds: deque[tuple[int, int]] = deque()
        self._recent = 0
        self.total: int = 0

    def add(self, now: float, calls: int) -> None:
        """Count calls that ended now."""
        self.total += calls
        self._recent += calls
        second = int(now)
        if self._seconds and self._seconds[-1][0] == second:
            calls += self._seconds.pop()[1]
        self._seconds.append((second, calls))

    def rate(self, now: float) -> float:
        """Return calls per second over the last minute, or since it began."""
        while self._seconds and self._seconds[0][0] < now - _WINDOW:
            self._recent -= self._seconds.popleft()[1]
        elapsed = min(_WINDOW, now - self._began)
        return self._recent / max(elapsed, 1.0)
