"""Rules of the protocol, each taken away: the model must notice.

Each stands beside the smallest world in which it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from unittest.mock import patch

import attrs

from proof.kills.planted import Fault
from sesamy_async.idempotency import (
    Decide,
    Holder,
    OrderRecord,
    Step,
)
from sesamy_async.idempotency import _protocol as protocol

from .scenes import Scene
from .states import Kind, Left


_Made: TypeAlias = Callable[..., Any]
_ONBOARD, _CAREFUL, _AT_ONCE = Kind
_BOTH = (_ONBOARD, _AT_ONCE)


def _instead(name: str, new: _Made) -> Fault:
    return patch.object(protocol, name, new)


def _anybody_writes() -> Fault:
    """Let `first` take every claim for the writer's own."""
    real = protocol.first

    def first(holder: Holder, contract: str, *, confirmed: bool) -> Decide:
        def decide(
            record: OrderRecord | None, owner: str | None, now: float
        ) -> Step:
            token = (record.token if record else None) or holder.token
            named = attrs.evolve(holder, token=token)
            return real(named, contract, confirmed=confirmed)(
                record, owner, now
            )

        return decide

    return _instead("first", first)


def _orders_share() -> Fault:
    """Let `first` take a contract that another order has."""
    real = protocol.first

    def first(holder: Holder, contract: str, *, confirmed: bool) -> Decide:
        step = real(holder, contract, confirmed=confirmed)
        return lambda record, _, now: step(record, None, now)

    return _instead("first", first)


def _the_last_counts() -> Fault:
    """Let a later contract take the place of the first one."""
    return _instead(
        "_repeated",
        lambda _, counts: Step(done=True, record=counts, owns=True),
    )


def _kinds_are_one() -> Fault:
    """Let a claim succeed a careful one, as if it were repeatable."""
    real = protocol._succeeded

    def succeeded(old: OrderRecord, new: OrderRecord, now: float) -> Step:
        return real(attrs.evolve(old, careful=False), new, now)

    return _instead("_succeeded", succeeded)


def _careful_is_repeated() -> Fault:
    """Let a careful claim succeed another, as if both were repeatable."""
    real = protocol._succeeded

    def succeeded(old: OrderRecord, new: OrderRecord, now: float) -> Step:
        plain = attrs.evolve(old, careful=False)
        return real(plain, attrs.evolve(new, careful=False), now)

    return _instead("_succeeded", succeeded)


def _none_succeeds() -> Fault:
    """Let a claim stand that has run out."""

    def succeeded(old: OrderRecord, *_: object) -> Step:
        return Step(done=False, record=old)

    return _instead("_succeeded", succeeded)


def _nothing_forbids() -> Fault:
    """Let a late contract end somebody else's careful claim."""
    return _instead("_forbids", lambda *_: False)


def _refused_for_all() -> Fault:
    """Let a late refusal end somebody else's claim."""
    real = protocol.refuse

    def refuse(_: str) -> Decide:
        return lambda record, owner, now: real(
            (record.token if record else None) or ""
        )(record, owner, now)

    return _instead("refuse", refuse)


def _nobody_is_busy() -> Fault:
    """Let a person settle what is under way."""
    return patch.object(OrderRecord, "busy", 0.0)


def _forgotten_unseen() -> Fault:
    """Let a person forget what has changed since they looked."""
    real = protocol.forget

    def forget(seen: OrderRecord) -> Decide:
        return lambda record, owner, now: real(record or seen)(
            record, owner, now
        )

    return _instead("forget", forget)


def _settled_unseen() -> Fault:
    """Let a person settle what was claimed again since they looked."""
    real = protocol.adopt

    def adopt(known: OrderRecord) -> Decide:
        return lambda record, owner, now: real(
            attrs.evolve(known, token=record.token if record else None)
        )(record, owner, now)

    return _instead("adopt", adopt)


def _data_are_no_matter() -> Fault:
    """Let no digest differ from another one."""
    return patch.object(OrderRecord, "differs", lambda *_: False)


PLANT: Mapping[str, tuple[Callable[[], Fault], Scene]] = {
    "the token of a contract": (
        _anybody_writes,
        Scene((_ONBOARD, *_BOTH), Left(refusals=1)),
    ),
    "one order for a contract": (
        _orders_share,
        Scene(_BOTH, Left(mixed=1), orders=True),
    ),
    "the first id counts": (
        _the_last_counts,
        Scene((_ONBOARD, _ONBOARD), Left()),
    ),
    "the kind of a claim that ran out": (_kinds_are_one, Scene(_BOTH, Left())),
    "one careful create": (
        _careful_is_repeated,
        Scene((_CAREFUL, _CAREFUL), Left()),
    ),
    "claims run out": (_none_succeeds, Scene((_ONBOARD,), Left(crashes=1))),
    "the kind of a claim in force": (
        _nothing_forbids,
        Scene((_ONBOARD, *_BOTH), Left(refusals=1)),
    ),
    "the token of a refusal": (
        _refused_for_all,
        Scene((_ONBOARD, *_BOTH), Left(refusals=2, calls=1)),
    ),
    "no call is under way": (_nobody_is_busy, Scene(_BOTH, Left(settled=1))),
    "what is forgotten was seen": (
        _forgotten_unseen,
        Scene((_ONBOARD, _ONBOARD), Left(settled=1)),
    ),
    "what is settled was seen": (
        _settled_unseen,
        Scene(_BOTH, Left(crashes=2, refusals=1, calls=2, settled=1)),
    ),
    "the digest": (
        _data_are_no_matter,
        Scene((_ONBOARD, _ONBOARD), Left(), data=True),
    ),
}
