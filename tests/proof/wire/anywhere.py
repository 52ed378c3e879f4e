"""Causes that know nothing of what they strike, and so may have any end."""

from __future__ import annotations

from collections.abc import Callable

from proof.orders import creating
from sesamy_async import Outcome
from support.calling import World
from support.proxy import Act, ByteFault, Side

from .cause import PATIENCE, SUCCESS, Cause, Moment
from .leaving import cancelled


_ANY = frozenset({SUCCESS, *Outcome})
_MUCH = "x" * 3_000_000


def _on_the_wire(*acts: Act) -> Callable[[Moment], None]:
    def begin(moment: Moment) -> None:
        side = moment.chance.choice(list(Side))
        fault = ByteFault(
            side=side,
            at=moment.chance.randrange(moment.sizes.wire[side]),
            act=moment.chance.choice(acts),
        )
        moment.site.arm_outer(fault)

    return begin


def _unread(moment: Moment) -> None:
    moment.site.arm_inner(
        ByteFault(
            side=Side.REQUEST,
            at=moment.chance.randrange(100_000),
            act=Act.HANG,
        )
    )


CAUSES = (
    Cause(
        what="broken off at any byte on the wire",
        expected=_ANY,
        begin=_on_the_wire(Act.RESET, Act.CLOSE, Act.TRUNCATE, Act.DRIP),
        warm=True,
    ),
    Cause(
        what="stalls at any byte on the wire",
        expected=_ANY,
        begin=_on_the_wire(Act.STALL),
        warm=True,
        timeout=PATIENCE,
    ),
    Cause(
        what="cancelled at any byte on the wire",
        expected=_ANY,
        begin=_on_the_wire(Act.STALL),
        worlds=(World.ASYNCIO, World.TRIO),
        warm=True,
        operation=cancelled,
    ),
    Cause(
        what="body can't be written",
        expected=frozenset({Outcome.UNKNOWN}),
        begin=_unread,
        warm=True,
        timeout=PATIENCE,
        operation=lambda order, _: creating(order, vendor_data={"x": _MUCH}),
    ),
)
