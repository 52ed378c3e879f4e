"""How many bytes a create is: where a fault can strike."""

from __future__ import annotations

import attrs

from proof.orders import creating
from proof.site import Site
from support.calling import Steps, World
from support.proxy import Side


@attrs.frozen(kw_only=True)
class Sizes:
    """Bytes of a create over a new connection.

    Attributes:
        connect: Of a CONNECT, if any.
        wire: On the wire, from the first byte, each side.
        hop: Of what a proxy sees, from the first byte, each side.
        http: Of HTTP, each side.
    """

    connect: int
    wire: dict[Side, int]
    hop: dict[Side, int]
    http: dict[Side, int]

    @classmethod
    def of(cls, site: Site) -> Sizes:
        """Measure one."""
        settings = {**site.settings(), "timeout": 20.0, "deadline": 60.0}
        return World.BLOCKING.steered(_measured(site), **settings)


def _measured(site: Site) -> Steps[Sizes]:
    ending = yield creating("0" * 16)
    assert ending.error is None, str(ending.error)
    tunnel = site.tunnel
    return Sizes(
        connect=0 if tunnel is None else len(tunnel.head),
        wire=dict(site.outer.passed),
        hop=dict(site.hop.passed),
        http=dict(site.inner.passed),
    )
