"""How long exchanges take: what has to be left of a deadline for them."""

from __future__ import annotations

from .call import Call


_UNKNOWN = 0.25


class Latency:
    """A smoothed time of exchanges, in the manner of RFC 6298.

    It needs no lock: what threads write at the same time is one tuple.
    """

    def __init__(self) -> None:
        self._known: tuple[float, float] | None = None

    def note(self, seconds: float) -> None:
        """Learn from an exchange that was answered."""
        if self._known is None:
            self._known = seconds, seconds / 2
            return
        mean, deviation = self._known
        off = seconds - mean
        self._known = mean + off / 8, deviation + (abs(off) - deviation) / 4

    @property
    def estimate(self) -> float:
        """Seconds in which nearly every exchange is answered."""
        if self._known is None:
            return _UNKNOWN
        mean, deviation = self._known
        return mean + 4 * deviation

    def latest(self, call: Call, begun: float) -> float:
        """Return until when a call can wait and still be ended in time.

        What completes another call may wait until its deadline: to try is
        better than not to.  All else may wait for half of its time at
        least, however slow the exchanges are: else nothing would be sent
        that shows that they have become faster.

        Args:
            call: The call.
            begun: When it began to wait.
        """
        if call.completes:
            return call.deadline
        exchanges = 1 if call.kept is None else 2
        left = (call.deadline - begun) / 2
        return call.deadline - min(exchanges * self.estimate, left)
