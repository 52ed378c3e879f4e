"""When a failed order is sent again, and when nothing is sent."""

from __future__ import annotations

from collections import Counter, deque

import attrs

from ._judge import Cause, Claim, Trouble


MOST_TRIES = 3
"""How often an order is tried in one run, if there is no outage."""


class RetryQueue:
    """Orders that failed, in the order in which they are sent again.

    It has no pauses: the client has retried each for as long as its deadline
    permits, and in an outage the circuit holds all orders back.
    """

    def __init__(self) -> None:
        self._waiting: deque[Claim] = deque()
        self._tries: Counter[int] = Counter()

    def add(self, claim: Claim, *, outage: bool = False) -> None:
        """Keep an order that failed, unless it was tried often enough.

        In an outage its tries don't count.
        """
        if outage:
            self.forget(claim)
        else:
            row = claim.entry.row
            self._tries[row] += 1
            if self._tries[row] == MOST_TRIES:
                return
        self._waiting.append(claim)

    def forget(self, claim: Claim) -> None:
        """Reset how often an order was tried."""
        self._tries.pop(claim.entry.row, None)

    def take(self) -> Claim | None:
        """Take out the first order; None if none is kept."""
        return self._waiting.popleft() if self._waiting else None


FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
LONGEST_COSTLY_PAUSE = 600.0

_ENOUGH = {Cause.UNREACHABLE: 5, Cause.OUTAGE: 5, Cause.REFUSED: 1}
_AT_FIRST = {Cause.UNREACHABLE: 0.0, Cause.OUTAGE: 30.0, Cause.REFUSED: 0.0}
_PROBED_AGAIN = 1.0


@attrs.define(eq=False, repr=False)
class Circuit:
    """A circuit breaker: an outage must not fail every order of a file.

    It opens when orders fail in a row for a reason that is not theirs.
    After a pause, a single order is the probe.  If nothing has worked in
    this run yet, somebody probably watches, and the run ends soon.

    If it is costly, because a person may have to look at an order that
    fails, it opens at the first one, and probes less often.
    """

    began: float
    patience: float
    costly: bool = False
    # Why nothing is sent now, and why nothing more will be sent.
    trouble: Trouble | None = attrs.field(default=None, init=False)
    over: Trouble | None = attrs.field(default=None, init=False)
    _good: float | None = attrs.field(default=None, init=False)
    _failures: int = attrs.field(default=0, init=False)
    _pause: float = attrs.field(default=FIRST_PAUSE, init=False)
    _until: float = attrs.field(default=0.0, init=False)
    _probing: bool = attrs.field(default=False, init=False)

    @property
    def failing(self) -> bool:
        """Whether no order was processed since the latest failure."""
        return self._failures > 0

    def wait(self, now: float) -> float:
        """Return for how many seconds nothing may be sent.

        If it is 0 while there is trouble, the caller is the probe: it must
        send an order, or call `pass_on`.
        """
        if self.trouble is None:
            return 0.0
        if now < self._until:
            return self._until - now
        if self._probing:
            return _PROBED_AGAIN
        self._probing = True
        return 0.0

    def pass_on(self) -> None:
        """Let another worker be the probe."""
        self._probing = False

    def worked(self, now: float) -> None:
        """Note that an order was processed."""
        self._good = now
        self._failures = 0
        self._pause = FIRST_PAUSE
        self.trouble = None

    def failed(self, now: float, trouble: Trouble) -> None:
        """Note that an order failed, and was not the reason."""
        self._failures += 1
        if self.trouble is not None and not self._probing:
            return  # It was under way when the circuit opened.
        if self._failures < (1 if self.costly else _ENOUGH[trouble.cause]):
            return
        self.trouble = trouble
        self.pass_on()
        self._until = now + self._pause
        longest = LONGEST_COSTLY_PAUSE if self.costly else LONGEST_PAUSE
        self._pause = min(2 * self._pause, longest)
        if self._good is None:
            last = self.began + min(_AT_FIRST[trouble.cause], self.patience)
        else:
            last = self._good + self.patience
        if now >= last:
            self.over = trouble
