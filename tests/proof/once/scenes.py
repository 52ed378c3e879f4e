"""Who takes part, and what may go wrong."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from .exploring import Explored, explored
from .states import Actor, Kind, Left


_ONBOARD, _CAREFUL, _AT_ONCE = Kind


@attrs.frozen
class Scene:
    """A small world that can be gone through completely.

    Attributes:
        kinds: What each actor calls.
        left: How often what may go wrong, and be tried again.
        strict: Whether the service refuses a second confirm.
        heedless: Whether the person forgets orders with a contract, too.
        orders: Whether each actor has an order of its own.
        data: Whether each actor has data of its own for the order.
    """

    kinds: tuple[Kind, ...]
    left: Left
    strict: bool = attrs.field(default=False, kw_only=True)
    heedless: bool = attrs.field(default=False, kw_only=True)
    orders: bool = attrs.field(default=False, kw_only=True)
    data: bool = attrs.field(default=False, kw_only=True)

    def explored(self, most: int) -> Explored:
        """Go through it, or through the states nearest to the beginning."""
        actors = tuple(
            Actor(
                number,
                kind,
                order=number if self.orders else 0,
                data=f"1:{number if self.data else 0}",
            )
            for number, kind in enumerate(self.kinds)
        )
        return explored(
            actors,
            self.left,
            strict=self.strict,
            heedless=self.heedless,
            most=most,
        )


SCENES: Mapping[str, Scene] = {
    "two onboards": Scene(
        (_ONBOARD, _ONBOARD), Left(crashes=1, losses=1, refusals=1, calls=1)
    ),
    "two onboards, no second confirm": Scene(
        (_ONBOARD, _ONBOARD),
        Left(crashes=1, losses=1, refusals=1, calls=1),
        strict=True,
    ),
    "three onboards": Scene((_ONBOARD,) * 3, Left(crashes=1, losses=1)),
    "two onboards with other data": Scene(
        (_ONBOARD, _ONBOARD),
        Left(crashes=1, losses=1, refusals=1, calls=2),
        data=True,
    ),
    "an onboard, an at-once create": Scene(
        (_ONBOARD, _AT_ONCE), Left(crashes=1, losses=2, refusals=1, calls=2)
    ),
    "two onboards, an at-once create": Scene(
        (_ONBOARD, _ONBOARD, _AT_ONCE),
        Left(crashes=1, losses=1, refusals=1, calls=1),
    ),
    "one of each kind": Scene(
        (_ONBOARD, _CAREFUL, _AT_ONCE),
        Left(crashes=1, losses=1, refusals=1, calls=1),
    ),
    "two careful onboards": Scene(
        (_CAREFUL, _CAREFUL), Left(crashes=1, losses=2, refusals=1, calls=1)
    ),
    "two at-once creates": Scene(
        (_AT_ONCE, _AT_ONCE), Left(crashes=2, losses=2, refusals=1, calls=2)
    ),
    "two orders, ids mixed up": Scene(
        (_ONBOARD, _ONBOARD),
        Left(crashes=1, losses=1, calls=1, mixed=1),
        orders=True,
    ),
    "two orders, ids mixed up, at once": Scene(
        (_ONBOARD, _AT_ONCE),
        Left(crashes=1, losses=1, calls=1, mixed=1),
        orders=True,
    ),
    "two onboards, a person": Scene(
        (_ONBOARD, _ONBOARD), Left(crashes=1, losses=1, settled=1)
    ),
    "a careful onboard, a person": Scene(
        (_CAREFUL,), Left(crashes=1, losses=2, refusals=1, calls=2, settled=2)
    ),
    "onboard, at-once create, a person": Scene(
        (_ONBOARD, _AT_ONCE),
        Left(crashes=1, losses=1, refusals=1, calls=2, settled=1),
    ),
    "the same, twice": Scene(
        (_ONBOARD, _AT_ONCE), Left(crashes=1, losses=1, calls=2, settled=2)
    ),
}
