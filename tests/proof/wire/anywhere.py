"""Causes that know nothing of what they strike, and so may have any end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from proof.orders import creating
from proof.site import Way
from sesamy_async import Outcome
from support.calling import World
from support.proxy import Act, ByteFault, Side

from .cause import PATIENCE, SUCCESS, Cause, Moment
from .leaving import cancelled


_ANY = frozenset({SUCCESS, *Outcome})
_BREAKS = (Act.RESET, Act.CLOSE, Act.TRUNCATE)
_MUCH = "x" * 3_000_000


def _on_the_wire(*acts: Act) -> Callable[[Moment], None]:
    return lambda moment: moment.site.arm_outer(
        _drawn(moment, moment.sizes.wire, acts)
    )


def _in_tls_to_the_proxy(*acts: Act) -> Callable[[Moment], None]:
    return lambda moment: moment.site.arm_hop(
        _drawn(moment, moment.sizes.hop, acts)
    )


def _drawn(
    moment: Moment, size: dict[Side, int], acts: Sequence[Act]
) -> ByteFault:
    side = moment.chance.choice(list(Side))
    return ByteFault(
        side=side,
        at=moment.chance.randrange(size[side]),
        act=moment.chance.choice(acts),
    )


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
        ways=tuple(Way),
        expected=_ANY,
        begin=_on_the_wire(*_BREAKS, Act.DRIP),
        warm=True,
    ),
    Cause(
        what="stalls at any byte on the wire",
        ways=tuple(Way),
        expected=_ANY,
        begin=_on_the_wire(Act.STALL),
        warm=True,
        timeouts=PATIENCE,
    ),
    Cause(
        what="cancelled at any byte on the wire",
        ways=tuple(Way),
        expected=_ANY,
        begin=_on_the_wire(Act.STALL),
        worlds=(World.ASYNCIO, World.TRIO),
        warm=True,
        operation=cancelled,
    ),
    Cause(
        what="broken off at any byte inside of TLS to the proxy",
        expected=_ANY,
        begin=_in_tls_to_the_proxy(*_BREAKS, Act.DRIP),
        ways=(Way.TLS_CONNECT,),
        warm=True,
    ),
    Cause(
        what="stalls at any byte inside of TLS to the proxy",
        expected=_ANY,
        begin=_in_tls_to_the_proxy(Act.STALL),
        ways=(Way.TLS_CONNECT,),
        warm=True,
        timeouts=PATIENCE,
    ),
    Cause(
        what="cancelled at any byte inside of TLS to the proxy",
        expected=_ANY,
        begin=_in_tls_to_the_proxy(Act.STALL),
        ways=(Way.TLS_CONNECT,),
        worlds=(World.ASYNCIO, World.TRIO),
        warm=True,
        operation=cancelled,
    ),
    Cause(
        what="body can't be written",
        expected=frozenset({Outcome.UNKNOWN}),
        begin=_unread,
        warm=True,
        timeouts=PATIENCE,
        operation=lambda order, _: creating(order, vendor_data={"x": _MUCH}),
    ),
)
