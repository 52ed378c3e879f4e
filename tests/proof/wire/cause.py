"""What goes wrong with a create, and what may come of it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import attrs

from proof.orders import creating
from proof.site import OWN, Site, Way
from sesamy_async import Outcome
from support.calling import WORLDS, Operation, World

from .sizes import Sizes


SUCCESS = None
NOT_SENT = frozenset({Outcome.NOT_SENT})
ATTEMPTS = 3
# Seconds that a client waits where it has to.  Where a machine was too busy
# to get as far in that time, it is tried again with more.
PATIENCE = (0.2, 2.0, 10.0)
# The same where an attempt that is well may follow one that hangs.
PATIENCE_TWICE = (0.6, 3.0, 10.0)


@attrs.frozen
class Moment:
    """What a cause is to strike.

    Attributes:
        site: Where.
        sizes: How long a create is there.
        chance: Picks the byte.
        times: How many attempts of a call it is to strike.
    """

    site: Site
    sizes: Sizes
    chance: random.Random
    times: int = 1


@attrs.frozen(kw_only=True)
class Cause:
    """A class of the failure table.

    Attributes:
        what: In words.
        expected: The outcomes it may have; `SUCCESS` for none.
        begin: Makes it go wrong.
        end: Lets all be well again.
        ways: Where it can happen.
        worlds: In which clients.
        times: How many attempts it may strike; one of these is drawn.
        warm: Whether it can strike a connection that was used before.
        timeouts: Of the client, in seconds, one after the other.
        settings: What else the client is told.
        operation: Makes a create of an order id.
        recovers: Whether the same client can send it after the end.
    """

    what: str
    expected: frozenset[Outcome | None]
    begin: Callable[[Moment], object]
    end: Callable[[Site], object] = Site.calm
    ways: tuple[Way, ...] = OWN
    worlds: tuple[World, ...] = WORLDS
    times: tuple[int, ...] = (1,)
    warm: bool = False
    timeouts: tuple[float, ...] = (20.0,)
    settings: Callable[[Site], dict[str, Any]] = lambda _: {}
    operation: Callable[[str, Site], Operation] = lambda order, _: creating(
        order
    )
    recovers: bool = True

    def allowed(self, times: int) -> frozenset[Outcome | None]:
        """Return the outcomes of a call of which it strikes so much."""
        sent_again = self.expected == NOT_SENT and times < ATTEMPTS
        return frozenset({SUCCESS}) if sent_again else self.expected
