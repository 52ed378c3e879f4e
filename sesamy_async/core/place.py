"""A place in the pace: whose it is, and when its turn comes."""

from __future__ import annotations

from enum import IntEnum

import attrs


class Order(IntEnum):
    """Who goes first: the lower."""

    KEPT = 0
    """What completes another call, in the place that was kept for it."""

    COMPLETING = 1
    """What completes another call, and has no such place."""

    NEW = 2
    """All else."""


@attrs.define(eq=False, repr=False)
class Taken:
    """How many places of a bucket are taken.

    Attributes:
        waiting: By those who wait for their turn, for each `Order`.
        kept: For calls that are to complete those that have begun.
    """

    waiting: list[int] = attrs.field(factory=lambda: [0] * len(Order))
    kept: int = 0

    @property
    def unsent(self) -> int:
        """How many are taken for requests that are still to be sent."""
        return sum(self.waiting) + self.kept


@attrs.define(eq=False, repr=False)
class Place:
    """A place in a bucket, or two: the second one is for a later call.

    Only its bucket changes it.

    Attributes:
        order: Whom it goes before.
        size: One, or two.
        due: When its turn comes, on the runtime's clock; later, if others
            go before it meanwhile.
        taken: Where its bucket counts it.
        mark: Its turn in the count of the bucket.
        waits: Whether its turn has not come.
        keeps: Whether its second place is still kept.
    """

    order: Order
    size: int
    due: float
    taken: Taken
    mark: float = 0.0
    waits: bool = True
    keeps: bool = False


@attrs.define(eq=False, repr=False)
class Kept:
    """What a call hands on to the one that completes it.

    Attributes:
        place: The place whose second one is kept; None where no pace is.
    """

    place: Place | None = None

    @property
    def full(self) -> bool:
        """Whether there is a place for the completing call."""
        return self.place is not None and self.place.keeps
