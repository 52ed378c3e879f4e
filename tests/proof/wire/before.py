"""Causes before HTTP: where nothing of the create has left."""

from __future__ import annotations

from collections.abc import Callable

from proof.site import TUNNELS, Site, Way
from sesamy_async import Connections
from support.calling import ONCE, spoiled
from support.faults import SECRET, message
from support.proxy import ESTABLISHED, Act, ByteFault, Side

from . import names
from .cause import (
    ATTEMPTS,
    NOT_SENT,
    PATIENCE,
    PATIENCE_TWICE,
    Cause,
    Moment,
)
from .queue import behind_another


_BREAKS = (Act.RESET, Act.CLOSE, Act.TRUNCATE)
_ALL = (ATTEMPTS,)
_ANY = (1, ATTEMPTS)
_SECURE = (Way.HTTPS, *TUNNELS)
_STATUSES = (302, 403, 407, 500, 502)
# The first flights of TLS are longer, to both sides.
_HELLO = 400


def _nothing(moment: Moment) -> None:
    """Leave it to the settings."""


def _struck(
    at: Callable[[Moment, Side], int],
    *acts: Act,
    arm: Callable[..., None] = Site.arm_hop,
) -> Callable[[Moment], None]:
    """Strike on either side, where the proxy sees it or as `arm` does."""

    def begin(moment: Moment) -> None:
        side = moment.chance.choice(list(Side))
        fault = ByteFault(
            side=side,
            at=at(moment, side),
            act=moment.chance.choice(acts),
        )
        arm(moment.site, *[fault] * moment.times)

    return begin


def _opening(moment: Moment, side: Side) -> int:
    """Return how many bytes of CONNECT there are on this side."""
    if moment.site.tunnel is None:
        return 0
    return len(ESTABLISHED) if side is Side.ANSWER else moment.sizes.connect


def _in_first_tls(moment: Moment, _: Side) -> int:
    return moment.chance.randrange(_HELLO)


def _in_tls(moment: Moment, side: Side) -> int:
    return _opening(moment, side) + moment.chance.randrange(_HELLO)


def _in_connect(moment: Moment, side: Side) -> int:
    return moment.chance.randrange(_opening(moment, side))


def _refused_tunnel(moment: Moment) -> None:
    fault = ByteFault(
        side=Side.REQUEST,
        at=moment.sizes.connect - 1,
        act=Act.CLOSE,
        said=message(moment.chance.choice(_STATUSES), SECRET.encode()),
    )
    moment.site.arm_hop(*[fault] * moment.times)


CAUSES = (
    Cause(
        what="name not found",
        expected=NOT_SENT,
        begin=lambda moment: names.lose(moment.site.outer.port),
        end=lambda site: names.find(site.outer.port),
        times=_ALL,
        settings=lambda site: site.settings("localhost"),
    ),
    Cause(
        what="connection refused",
        expected=NOT_SENT,
        begin=lambda moment: moment.site.refuse(),
        end=Site.listen,
        times=_ALL,
    ),
    Cause(
        what="connecting hangs",
        expected=NOT_SENT,
        begin=_nothing,
        times=_ALL,
        timeouts=PATIENCE,
        settings=lambda site: {
            **site.settings(port=site.mute),
            "retry": ONCE,
        },
        recovers=False,
    ),
    Cause(
        what="TLS not trusted",
        expected=NOT_SENT,
        begin=_nothing,
        ways=_SECURE,
        times=_ALL,
        settings=lambda site: site.settings(
            ssl_context=Connections().ssl_context
        ),
        recovers=False,
    ),
    Cause(
        what="TLS in the tunnel not trusted",
        expected=NOT_SENT,
        begin=_nothing,
        ways=TUNNELS,
        times=_ALL,
        # A name that is not shown there; the proxy's is.
        settings=lambda _: {"base_url": "https://api.another.test"},
        recovers=False,
    ),
    Cause(
        what="TLS to the proxy broken off in the handshake",
        expected=NOT_SENT,
        begin=_struck(_in_first_tls, *_BREAKS, arm=Site.arm_outer),
        ways=(Way.TLS_CONNECT,),
        times=_ANY,
    ),
    Cause(
        what="TLS to the proxy stalls in the handshake",
        expected=NOT_SENT,
        begin=_struck(_in_first_tls, Act.STALL, arm=Site.arm_outer),
        ways=(Way.TLS_CONNECT,),
        times=_ANY,
        timeouts=PATIENCE_TWICE,
    ),
    Cause(
        what="TLS broken off in the handshake",
        expected=NOT_SENT,
        begin=_struck(_in_tls, *_BREAKS),
        ways=_SECURE,
        times=_ANY,
    ),
    Cause(
        what="TLS stalls in the handshake",
        expected=NOT_SENT,
        begin=_struck(_in_tls, Act.STALL),
        ways=_SECURE,
        times=_ANY,
        timeouts=PATIENCE_TWICE,
    ),
    Cause(
        what="CONNECT refused",
        expected=NOT_SENT,
        begin=_refused_tunnel,
        ways=TUNNELS,
        times=_ANY,
    ),
    Cause(
        what="CONNECT broken off at any byte",
        expected=NOT_SENT,
        begin=_struck(_in_connect, *_BREAKS),
        ways=TUNNELS,
        times=_ANY,
    ),
    Cause(
        what="CONNECT stalls at any byte",
        expected=NOT_SENT,
        begin=_struck(_in_connect, Act.STALL),
        ways=TUNNELS,
        times=_ANY,
        timeouts=PATIENCE_TWICE,
    ),
    Cause(
        what="no free connection",
        expected=NOT_SENT,
        begin=lambda moment: moment.site.arm_inner(
            ByteFault(side=Side.ANSWER, at=0, act=Act.STALL)
        ),
        times=_ALL,
        settings=lambda site: site.settings(cap=1),
        operation=behind_another,
    ),
    Cause(
        what="a header that can't be sent",
        expected=NOT_SENT,
        begin=_nothing,
        times=_ALL,
        settings=lambda _: {
            "middleware": [spoiled(headers={"X-A": "a\r\nX-B: b"})]
        },
        recovers=False,
    ),
)
