"""What a store remembers of an order, and how each step changes that.

The steps are pure functions from a record to the next one.  A back end only
makes each of them atomic, so all back ends follow the same rules:

- The first contract id that is written down for an order is the one that
  counts; only this contract is confirmed.
- A claim says who creates.  A repeatable claim only avoids strays: when it
  has run out, another caller creates again.  A careful claim prevents second
  contracts: when it has run out, the order is UNKNOWN until somebody has
  checked.
- Each write names the claim of its writer, so that a late write does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, TypeAlias, TypeGuard

import attrs


class OrderState(StrEnum):
    """The state of an order in a store."""

    CLAIMED = "CLAIMED"
    """A caller is about to create its contract, or was."""

    CREATED = "CREATED"
    """The contract that counts is known; it may be unconfirmed."""

    CONFIRMED = "CONFIRMED"
    """Its contract gives access."""

    REFUSED = "REFUSED"
    """Sesamy refused it; it can be sent again after a correction."""

    UNKNOWN = "UNKNOWN"
    """It may or may not have a contract: somebody has to check."""


ENDED = (OrderState.CONFIRMED, OrderState.REFUSED)
"""The states in which no call for the order is under way or needed."""


@attrs.frozen
class OrderKey:
    """Identifies an order.

    Attributes:
        where: The base URL of Sesamy's API, or the world of a sandbox.
        vendor_id: The publisher.
        external_order_id: The id of the order in the seller's system.
    """

    where: str
    vendor_id: str
    external_order_id: str


# Clocks of one server differ from themselves when they are corrected.
_CORRECTION = 1.0
_LONGEST_CALL = 7 * 86_400.0


@attrs.frozen(kw_only=True)
class OrderRecord:
    """What a store knows of one order; it has no personal data.

    Times are Unix seconds on the clock of the store.

    Attributes:
        key: Identifies the order.
        state: The state of the order.
        contract_id: The contract that counts, once its id is known.
        careful: Whether the contract may be created only once.
        token: The random name of the latest claim.
        digest: Of the order's data (see `digest_of`); None if unknown.
        strays: How many other, unconfirmed contracts may exist.
        claimed_at: When the claim was made or last renewed.
        expires_at: When the claim runs out.
        busy_until: When the call that claimed it must have ended.
        begun_at: When the order was first claimed.
        at: When the state last changed.
        source: Where the order came from, such as the name of a file.
        extra: Fields of other versions of the SDK; kept unchanged.
        read_at: When this record was read.
    """

    key: OrderKey
    state: OrderState
    contract_id: str | None = None
    careful: bool = False
    token: str | None = None
    digest: str | None = None
    strays: int = 0
    claimed_at: float = 0.0
    expires_at: float = 0.0
    busy_until: float = 0.0
    begun_at: float = 0.0
    at: float = 0.0
    source: str | None = None
    extra: Mapping[str, Any] = attrs.field(
        factory=dict[str, Any], repr=False, hash=False
    )
    read_at: float = attrs.field(default=0.0, eq=False, repr=False)

    @property
    def left(self) -> float:
        """Seconds that were left of its claim when this was read; or 0."""
        if self.state is not OrderState.CLAIMED:
            return 0.0
        if self.claimed_at > self.read_at + _CORRECTION:
            return 0.0  # Of a clock that was wrong, so nobody knows.
        return max(0.0, self.expires_at - self.read_at)

    @property
    def busy(self) -> float:
        """Seconds for which, when this was read, a call could still run."""
        if self.state in ENDED:
            return 0.0
        return min(max(0.0, self.busy_until - self.read_at), _LONGEST_CALL)

    def differs(self, digest: str | None) -> bool:
        """Whether the data of the order certainly differ.

        Digests of different versions are not compared.
        """
        if self.digest is None or digest is None:
            return False
        versions = {each.partition(":")[0] for each in (self.digest, digest)}
        return len(versions) == 1 and self.digest != digest


@attrs.frozen
class StoreAnswer:
    """What a store did, and what it knows now.

    Attributes:
        done: Whether the request was carried out.
        record: The order as it is now; None if the store does not know it.
    """

    done: bool
    record: OrderRecord | None = None


@attrs.frozen
class Step:
    """The result of a step.

    Attributes:
        done: Whether the step is taken.
        record: The new record; None to remove it.
        owns: Whether the contract of the step now belongs to this order.
        durable: Whether the change must be on disk before the method
            returns.
    """

    done: bool
    record: OrderRecord | None
    owns: bool = False
    durable: bool = False


Decide: TypeAlias = Callable[[OrderRecord | None, str | None, float], Step]
"""A step.  It gets the record, the order that has the contract of the step
(None if no order has it), and the time; it returns the result."""


@attrs.frozen(kw_only=True)
class Holder:
    """Who claims an order, and how.

    Attributes:
        token: The random name of the claim.
        careful: Whether the contract may be created only once.
        lasts: Seconds until the claim runs out.
        busy: Seconds until the call must have ended.
        digest: Of the data of the order.
        source: Where the order comes from, such as the name of a file.
    """

    token: str
    careful: bool = False
    lasts: float = 5.0
    busy: float = 120.0
    digest: str | None = None
    source: str | None = None


_MADE = {OrderState.CREATED, OrderState.CONFIRMED}


def claim(key: OrderKey, holder: Holder) -> Decide:
    """Claim an order, if it may be created now."""

    def decide(record: OrderRecord | None, _: str | None, now: float) -> Step:
        old = record or OrderRecord(
            key=key, state=OrderState.REFUSED, begun_at=now, read_at=now
        )
        claimed = _held(
            attrs.evolve(
                old,
                state=OrderState.CLAIMED,
                careful=holder.careful,
                token=holder.token,
                digest=holder.digest,
                at=now,
                source=holder.source or old.source,
            ),
            holder,
            now,
        )
        if old.state is OrderState.REFUSED:
            return Step(done=True, record=claimed, durable=holder.careful)
        if old.state is OrderState.CLAIMED:
            if old.token == holder.token:
                return Step(done=True, record=_held(old, holder, now))
            if not old.left:
                return _succeeded(old, claimed, now)
        return Step(done=False, record=record)

    return decide


def _succeeded(old: OrderRecord, new: OrderRecord, now: float) -> Step:
    """Let one claim succeed another that has run out, if that is safe."""
    if old.careful:
        unknown = attrs.evolve(old, state=OrderState.UNKNOWN, at=now)
        return Step(done=False, record=unknown)
    if new.careful or old.differs(new.digest):
        return Step(done=False, record=old)
    # The one whose claim it was may have made a contract.
    lost = 0 if old.token is None else 1
    again = attrs.evolve(new, strays=old.strays + lost)
    return Step(done=True, record=again)


def renew(holder: Holder, *, strays: int) -> Decide:
    """Renew a claim; `strays` more creates had no response."""

    def decide(record: OrderRecord | None, _: str | None, now: float) -> Step:
        if not _is_own(record, holder.token):
            return Step(done=False, record=record)
        more = attrs.evolve(record, strays=record.strays + strays)
        return Step(done=True, record=_held(more, holder, now))

    return decide


def _held(record: OrderRecord, holder: Holder, now: float) -> OrderRecord:
    return attrs.evolve(
        record,
        claimed_at=now,
        expires_at=now + holder.lasts,
        busy_until=max(
            record.busy_until, now + min(holder.busy, _LONGEST_CALL)
        ),
    )


def _is_own(record: OrderRecord | None, token: str) -> TypeGuard[OrderRecord]:
    return (
        record is not None
        and record.state is OrderState.CLAIMED
        and record.token == token
    )


def first(holder: Holder, contract_id: str, *, confirmed: bool) -> Decide:
    """Write down a contract that was made; the first one counts.

    It is not done if the contract does not count: then it is a stray, or,
    if it is confirmed already, a matter for a person.
    """

    def decide(
        record: OrderRecord | None, owner: str | None, now: float
    ) -> Step:
        if record is None or record.state is OrderState.REFUSED:
            return Step(done=False, record=record)
        if owner not in {None, record.key.external_order_id}:
            return Step(done=False, record=record)
        state = OrderState.CONFIRMED if confirmed else OrderState.CREATED
        counts = attrs.evolve(
            record,
            state=state,
            contract_id=contract_id,
            digest=holder.digest,
            at=now,
        )
        if record.state in _MADE:
            return _repeated(record, counts)
        own = record.token == holder.token
        if own or not (confirmed or _forbids(record, holder)):
            return Step(done=True, record=counts, owns=True, durable=True)
        return Step(done=False, record=record)

    return decide


def _repeated(record: OrderRecord, counts: OrderRecord) -> Step:
    """Write down a contract where one counts already."""
    if record.contract_id != counts.contract_id:
        stray = attrs.evolve(record, strays=record.strays + 1)
        return Step(done=False, record=stray)
    if counts.state is OrderState.CONFIRMED is not record.state:
        return Step(done=True, record=counts, durable=True)
    return Step(done=True, record=record)


def _forbids(record: OrderRecord, holder: Holder) -> bool:
    """Whether somebody else's claim keeps this one's contract out."""
    return (
        record.careful
        or record.state is OrderState.UNKNOWN
        or record.differs(holder.digest)
    )


def refuse(token: str) -> Decide:
    """Note that Sesamy refused the order; only for the writer's own claim."""

    def decide(record: OrderRecord | None, _: str | None, now: float) -> Step:
        if not _is_own(record, token):
            return Step(done=False, record=record)
        refused = attrs.evolve(record, state=OrderState.REFUSED, at=now)
        return Step(done=True, record=refused)

    return decide


def doubt(token: str) -> Decide:
    """Note that nobody knows what became of the create.

    Only for the writer's own claim, or one that has run out.
    """

    def decide(record: OrderRecord | None, _: str | None, now: float) -> Step:
        if record is None or record.state is not OrderState.CLAIMED:
            return Step(done=False, record=record)
        if record.token != token and record.left:
            return Step(done=False, record=record)
        unknown = attrs.evolve(record, state=OrderState.UNKNOWN, at=now)
        return Step(done=True, record=unknown, durable=True)

    return decide


def confirm(contract_id: str) -> Decide:
    """Note that the contract that counts is confirmed."""

    def decide(record: OrderRecord | None, _: str | None, now: float) -> Step:
        if (
            record is None
            or record.state not in _MADE
            or record.contract_id != contract_id
        ):
            return Step(done=False, record=record)
        if record.state is OrderState.CONFIRMED:
            return Step(done=True, record=record)
        confirmed = attrs.evolve(record, state=OrderState.CONFIRMED, at=now)
        return Step(done=True, record=confirmed)

    return decide


def release(token: str, *, strays: int) -> Decide:
    """Give a claim up; `strays` more creates had no response.

    An order that can't have a contract is forgotten.
    """

    def decide(record: OrderRecord | None, _: str | None, now: float) -> Step:
        if record is None:
            return Step(done=False, record=None)
        more = attrs.evolve(record, strays=record.strays + strays)
        # Others may have doubted it since, but its owner knows better.
        doubted = record.state is OrderState.UNKNOWN and record.token == token
        if not more.strays and (doubted or _is_own(record, token)):
            return Step(done=True, record=None)
        if not _is_own(record, token):
            return Step(done=False, record=more)
        if record.careful:
            # It was not sent; what is left is of claims before a refusal.
            more = attrs.evolve(more, state=OrderState.REFUSED, at=now)
        # Without a token: what was lost is counted already.
        given_up = attrs.evolve(more, token=None, expires_at=now)
        return Step(done=True, record=given_up)

    return decide


def adopt(known: OrderRecord) -> Decide:
    """Take over what is known of an order from elsewhere.

    Only where nothing better is known: the order is not there, was refused,
    or is in doubt.  A doubt ends with a contract that is CONFIRMED.  One
    that is CREATED ends it only if nothing can have come since somebody
    looked: `known` is the record as it was read then, when no call was
    under way, with the contract in it.
    """

    def settles(record: OrderRecord) -> bool:
        if record.state not in {OrderState.CLAIMED, OrderState.UNKNOWN}:
            return record.state is OrderState.REFUSED
        if known.state is not OrderState.CREATED:
            return known.state is OrderState.CONFIRMED
        calls = known.busy or record.busy
        return not calls and known.token == record.token

    def decide(
        record: OrderRecord | None, owner: str | None, now: float
    ) -> Step:
        if owner not in {None, known.key.external_order_id}:
            return Step(done=False, record=record)
        if record is not None and not settles(record):
            return Step(done=False, record=record)
        adopted = attrs.evolve(
            known,
            strays=max(known.strays, record.strays if record else 0),
            begun_at=record.begun_at if record else known.begun_at or now,
            at=known.at or now,
        )
        owns = adopted.contract_id is not None
        return Step(done=True, record=adopted, owns=owns, durable=True)

    return decide


def forget(seen: OrderRecord) -> Decide:
    """Remove an order that somebody has looked at.

    Not if a call was under way then, or it has changed since: it may have
    a contract by now.
    """

    def decide(record: OrderRecord | None, _: str | None, now: float) -> Step:
        del now
        done = record == seen and not seen.busy
        return Step(done=done, record=None if done else record, durable=True)

    return decide
