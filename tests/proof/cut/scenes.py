"""What is going on when a call is cancelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from sesamy_async import RateLimit, RetryPolicy
from sesamy_async.sandbox import Sandbox
from support.calling import Operation

from .calls import create, onboard


def _nothing(sandbox: Sandbox) -> None:
    """All is well."""


@attrs.frozen(kw_only=True)
class Scene:
    """A call, and what goes on around it.

    Attributes:
        what: In words.
        call: Makes the operation that is cancelled, from an order id.
        before: Whether the client has made a call before.
        prepare: What is to happen to the call.
        cap: How many connections there are.
        settings: Others of the client.
        first: Whether another call has begun before it.
        then: Whether another call begins while it is under way.
        told: Whether the outcome that is told is that of the create.
    """

    what: str
    call: Callable[[str], Operation] = create
    before: bool = False
    prepare: Callable[[Sandbox], object] = _nothing
    cap: int = 2
    settings: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    first: bool = False
    then: bool = False
    told: bool = True


SCENES = (
    Scene(what="first call"),
    Scene(what="kept connection", before=True),
    Scene(what="onboard", call=onboard, told=False),
    Scene(
        what="429, then a second attempt",
        before=True,
        prepare=lambda sandbox: sandbox.faults.add("wait:0", on="create"),
    ),
    Scene(
        what="429, a wait, then a second attempt",
        before=True,
        prepare=lambda sandbox: sandbox.faults.add("status:429", on="create"),
        settings={"retry": RetryPolicy(base=0.01)},
    ),
    Scene(
        what="waits for its turn in the pace",
        before=True,
        settings={"rate_limit": RateLimit(requests=100, per=1, burst=1)},
    ),
    Scene(
        what="401, then a new token",
        before=True,
        prepare=lambda sandbox: sandbox.ledger.revoke_tokens(),
    ),
    Scene(
        what="waits for the only connection",
        before=True,
        prepare=lambda sandbox: sandbox.faults.add("delay:0.02", on="create"),
        cap=1,
        first=True,
    ),
    Scene(
        what="waits for another one's token call",
        prepare=lambda sandbox: sandbox.faults.add("delay:0.02", on="token"),
        first=True,
    ),
    Scene(
        what="gets the token that another one waits for",
        prepare=lambda sandbox: sandbox.faults.add("delay:0.02", on="token"),
        then=True,
    ),
)
