"""How long calls would wait in one queue for all processes."""

from __future__ import annotations

from collections.abc import Sequence

import attrs


@attrs.frozen
class Ask:
    """A call, when it was made.

    Attributes:
        at: The time.
        requests: How many requests it consists of.
    """

    at: float
    requests: int = 1


def fair_waits(
    asks: Sequence[Ask], rate: float, burst: float, *, answer: float = 0.0
) -> list[float]:
    """Return how long each call would wait, first come, first served.

    All calls stand in one queue, in the order in which they were made.  The
    service is a token bucket that is full at the first of them.  A call
    leaves the queue when all of its requests are permitted; its wait ends
    when the last of them is sent.

    Args:
        asks: The calls, in any order.
        rate: Requests per second that the service permits.
        burst: How many it permits at once after a rest.
        answer: Seconds until a request is answered; a call sends its next
            request then at the earliest.

    Returns:
        The waits in seconds, in the order of `asks`.
    """
    waits = [0.0] * len(asks)
    free, at = burst, min((each.at for each in asks), default=0.0)
    for index in sorted(range(len(asks)), key=lambda it: asks[it].at):
        ask = asks[index]
        earliest = ask.at
        for _ in range(ask.requests):
            now = max(earliest, at)
            free = min(burst, free + (now - at) * rate)
            at = now + max(0.0, 1.0 - free) / rate
            free = max(free, 1.0) - 1.0
            waits[index] = max(at, earliest) - ask.at
            earliest = at
        waits[index] += answer * (ask.requests - 1)
    return waits
