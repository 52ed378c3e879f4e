"""When to pause, and when to give up: no I/O, no clock of its own."""

from __future__ import annotations

import attrs

from .verdict import Cause, Trouble


FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
LONGEST_COSTLY_PAUSE = 600.0

_ENOUGH = {Cause.UNREACHABLE: 5, Cause.OUTAGE: 5, Cause.REFUSED: 1}
_AT_FIRST = {Cause.UNREACHABLE: 0.0, Cause.OUTAGE: 30.0, Cause.REFUSED: 0.0}
_PROBED_AGAIN = 1.0


@attrs.define
class Circuit:
    """Keeps an outage from burning through the file.

    It opens when orders fail one after the other for a reason that is not
    theirs; then nothing is sent for a while, after which a single order
    probes whether all is well again.  Where nothing has worked in this
    run yet, somebody is watching, and it gives up at once or soon.

    Attributes:
        began: When the run began.
        patience: Seconds an outage may last once anything has worked.
        costly: Whether an order that fails may need a person to look; then
            it opens at the first one, and probes less often.
        trouble: Why nothing is sent now, if that is so.
        over: Why nothing more will be sent, if that is so.
    """

    began: float
    patience: float
    costly: bool = False
    trouble: Trouble | None = attrs.field(default=None, init=False)
    over: Trouble | None = attrs.field(default=None, init=False)
    _good: float | None = attrs.field(default=None, init=False)
    _failures: int = attrs.field(default=0, init=False)
    _pause: float = attrs.field(default=FIRST_PAUSE, init=False)
    _until: float = attrs.field(default=0.0, init=False)
    _probing: bool = attrs.field(default=False, init=False)

    def wait(self, now: float) -> float:
        """Return for how many seconds nothing may be sent.

        Where that is 0 while there is trouble, the caller has become the
        probe: it must send an order, or `pass_on`.
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
        """Let another be the probe."""
        self._probing = False

    def worked(self, now: float) -> None:
        """Take note that Sesamy answered as it does when all is well."""
        self._good = now
        self._failures = 0
        self._pause = FIRST_PAUSE
        self.trouble = None

    def failed(self, now: float, trouble: Trouble) -> None:
        """Take note that an order failed for a reason that is not its own."""
        self._failures += 1
        if self.trouble is not None and not self._probing:
            return  # One of those that were under way when it opened.
        if self._failures < (1 if self.costly else _ENOUGH[trouble.cause]):
            return
        self.trouble = trouble
        self.pass_on()
        self._until = now + self._pause
        longest = LONGEST_COSTLY_PAUSE if self.costly else LONGEST_PAUSE
        self._pause = min(2 * self._pause, longest)
        if self._good is None:
            last = self.began + _AT_FIRST[trouble.cause]
        else:
            last = self._good + self.patience
        if now >= last:
            self.over = trouble
