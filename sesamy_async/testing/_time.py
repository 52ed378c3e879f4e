"""A time that passes at once, for all clients that are made in a block."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from contextlib import contextmanager

from sesamy_async._call import BlockingRuntime, Runtime, replaced

from ._clock import Clock, InLoop, InThread


class Time:
    """A clock that stands still while code runs, and moves if clients wait.

    When all tasks and threads that call Sesamy wait, the clock moves to the
    moment at which the first of them continues.  So they continue in the
    same order as in real time, and rates, deadlines and claims of stores
    have the same effect.

    If a call waits for something else, such as a database, a server or your
    own `asyncio.Event`, the clock waits for it as long as `patience` says.
    Then the clock moves without it, finally to its deadline.

    A time can be used by any number of threads and event loops.

    Args:
        start: Unix seconds; by default, the present time.
    """

    def __init__(self, start: float | None = None) -> None:
        self._start = time.time() if start is None else start
        self._clock = Clock()

    def __repr__(self) -> str:
        return f"Time(elapsed={self.elapsed:g})"

    @property
    def waits(self) -> list[float]:
        """The seconds of each wait of a client, in the order they began.

        Clients wait between two attempts, for the permitted rate, and for
        another call with the same order.  The list does not contain late
        responses and waits for a token or a connection.
        """
        return self._clock.waits

    @property
    def elapsed(self) -> float:
        """Seconds that have passed on this clock."""
        return self._clock.elapsed

    @property
    def patience(self) -> float:
        """Real seconds for which a call may wait for something else.

        The clock stands still during that time.  The default is 1.0.
        """
        return self._clock.patience

    @patience.setter
    def patience(self, seconds: float) -> None:
        self._clock.patience = seconds

    def time(self) -> float:
        """Return Unix seconds, as ``time.time()`` does."""
        return self._start + self.elapsed

    def move(self, seconds: float) -> None:
        """Let time pass, for example until a token has expired.

        Args:
            seconds: 0 or more.

        Raises:
            ValueError: It is negative, or not finite.
        """
        if not 0 <= seconds < math.inf:
            raise ValueError("seconds must be 0 or more, and finite.")
        self._clock.move(seconds)


@contextmanager
def use_runtime(time: Time | None = None) -> Generator[Time]:
    """Let the waits of clients pass at once, on a clock that they move.

    It affects everything that is created in the block, in any thread or
    event loop: `AsyncSesamy`, `Sesamy`, their copies and stores, imports,
    and a `Sandbox` with its transports.  What was created before keeps the
    real time, and so does all other code: ``time.time()`` and
    ``asyncio.sleep()`` are not changed.

    Args:
        time: The time to use; by default, a new one.
    """
    used = Time() if time is None else time
    clock = used._clock  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]

    def wrapped(real: Runtime) -> Runtime:
        kind = InThread if isinstance(real, BlockingRuntime) else InLoop
        return kind(real, clock, used.time)

    with replaced(wrapped):
        yield used
