"""The outcome of a create is true, whatever the response."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial

import attrs

from proof.claim import Claim, Row, Scale, tried
from proof.judge import judged
from sesamy_async import Outcome
from sesamy_async.sandbox import Sandbox, SandboxConfig
from support.calling import AT_ONCE, ORDER, World


_SUCCESS = None
_REFUSED = Outcome.REFUSED
_UNKNOWN = Outcome.UNKNOWN
_APPLIED = Outcome.APPLIED

_ENDINGS = {
    "drop-before": _UNKNOWN,
    "drop-after": _UNKNOWN,
    "half": _APPLIED,
    "malformed": _APPLIED,
    "empty": _UNKNOWN,
    "html:200": _UNKNOWN,
    "html:200+applied": _UNKNOWN,
    "html:201": _UNKNOWN,
    "html:204": _UNKNOWN,
    "html:502": _UNKNOWN,
    "html:502+applied": _UNKNOWN,
    "no-rate-headers": _SUCCESS,
    "wait:0": _SUCCESS,
    "status:401": _SUCCESS,
    **{f"status:{code}": _REFUSED for code in (400, 403, 404, 409, 413, 422)},
    **{f"status:{code}": _UNKNOWN for code in (408, 500, 503, 504)},
    **{f"status:{code}+applied": _UNKNOWN for code in (408, 500, 503, 504)},
}


def _rows(scale: Scale) -> Iterator[Row]:
    for fault, outcome in _ENDINGS.items():
        sandbox = Sandbox(SandboxConfig(seed=scale.seed, rate_limit=None))
        yield tried(fault, scale, partial(_once, sandbox, fault, outcome))


def _once(
    sandbox: Sandbox,
    fault: str,
    outcome: Outcome | None,
    chance: random.Random,
) -> str | None:
    order_id = f"{chance.getrandbits(64):016x}"
    order = attrs.evolve(ORDER, external_order_id=order_id)
    confirm = chance.random() < 0.5
    sandbox.faults.add(fault, on="create")
    environment = sandbox.environment()
    ending = chance.choice(list(World)).one(
        lambda client: client.contracts.create(
            "SPRING-12", order, confirm=confirm
        ),
        client_id=environment["SESAMY_CLIENT_ID"],
        client_secret=environment["SESAMY_CLIENT_SECRET"],
        transport=sandbox.transport(),
        retry=AT_ONCE,
    )
    if ending.outcome is not outcome:
        return f"{order_id}: ended {ending.outcome}"
    return judged(ending, sandbox.ledger, order_id)


CLAIM = Claim(
    name="answers",
    promise=(
        "Whatever Sesamy or a gateway responds to a create, the SDK reports "
        "the outcome that the ledger shows, and nothing is created twice. In "
        "process, without sockets."
    ),
    rows=_rows,
    short=3,
)
