"""A place in the pace: whose it is, and when its turn comes."""

from __future__ import annotations

from enum import IntEnum

import attrs

from .record import Record


class Order(IntEnum):
    """Who goes first: the lower."""

    KEPT = 0
    """What completes another call, in the place that was kept for it."""

    COMPLETING = 1
    """What completes another call, and has no such place."""

    NEW = 2
    """All else."""


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
        record: Of the call, if it is known.
        mark: Its turn in the count of the bucket.
        waits: Whether its turn has not come.
        full: Whether its bucket was full before its turn.
        keeps: Whether its second place is still kept.
    """

    order: Order
    size: int
    due: float
    taken: Taken
    record: Record | None = None
    mark: float = 0.0
    waits: bool = True
    full: bool = False
    keeps: bool = False

    @property
    def began(self) -> float | None:
        """When its request was really sent, if it was and that is known."""
        return None if self.record is None else self.record.began


@attrs.define(eq=False, repr=False)
class Taken:
    """How many places of a bucket are taken.

    Attributes:
        waiting: By those who wait for their turn, for each `Order`.
        kept: For calls that are to complete those that have begun.
        sent: By requests that have no answer yet.
    """

    waiting: list[int] = attrs.field(factory=lambda: [0] * len(Order))
    kept: int = 0
    sent: set[Place] = attrs.field(factory=set[Place])

    @property
    def unsent(self) -> int:
        """How many are taken for requests that are still to be sent."""
        return sum(self.waiting) + self.kept


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
