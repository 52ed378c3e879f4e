"""Tell each order once: what a call writes into a store, and reads there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from secrets import token_hex
from typing import Self

import attrs

from ._call import Call
from ._creating import Creating, OrderClaim, TakenError, refuses_order
from ._models import (
    Contract,
    NewContract,
    PaymentMethod,
    PaymentProvider,
)
from ._once import FIRST_PAUSE, LONGEST_PAUSE, Once
from ._outcome import Outcome
from .errors import (
    BecameNote,
    DeadlineExceededError,
    InvalidRequestError,
    OrderMismatchError,
    OutcomeUnknownError,
    SesamyError,
)
from .idempotency import (
    Holder,
    OrderKey,
    OrderRecord,
    OrderState,
)


class Goal(StrEnum):
    """What a call wants of an order."""

    CREATE = "CREATE"  # A contract that another call confirms.
    ONBOARD = "ONBOARD"  # A contract, which it confirms in a second step.
    AT_ONCE = "AT_ONCE"  # A contract that is confirmed by its create.


class Action(StrEnum):
    """What a call does next."""

    CREATE = "CREATE"
    TAKE = "TAKE"  # Go on with the contract that the store has.
    WAIT = "WAIT"  # Another call is at work.
    STOP = "STOP"  # Somebody has to look.
    MISMATCH = "MISMATCH"  # It is another order with the same id.


def next_action(
    record: OrderRecord | None, digest: str, goal: Goal, *, careful: bool
) -> Action:
    """Return what a call does next, given what the store has."""
    if record is None or record.state is OrderState.REFUSED:
        return Action.CREATE
    if record.differs(digest):
        return Action.MISMATCH
    if record.state is OrderState.CLAIMED:
        if record.left:
            return Action.WAIT
        return Action.STOP if careful or record.careful else Action.CREATE
    made = record.state is OrderState.CREATED and goal is not Goal.AT_ONCE
    taken = made or record.state is OrderState.CONFIRMED
    return Action.TAKE if taken else Action.STOP


def may_stray(order: object, allowed: object) -> bool:
    """Whether a create of the order may be repeated, at the cost of strays.

    H: "Sesamy creates the first invoice immediately"; whether it does so for
    a contract that is not confirmed is unknown.
    """
    if allowed is None:
        return not (
            isinstance(order, NewContract)
            and (
                _is(order.payment_method, PaymentMethod.INVOICE)
                or _is(order.payment_provider, PaymentProvider.BILLOGRAM)
            )
        )
    if not isinstance(allowed, bool):
        raise InvalidRequestError("allow_strays must be True, False or None.")
    return allowed


def _is(given: str | None, wanted: str) -> bool:
    return given is not None and given.strip().upper() == wanted


REPEATABLE_LASTS = 5.0
"""Seconds that a claim lasts whose create may be repeated."""

CAREFUL_MARGIN = 10.0
"""Seconds that a careful claim lasts longer than a network operation may."""

_LONGEST = 7 * 86_400.0  # Seconds; without a limit a claim never ran out.
_OTHERS_CONFIRM = 2.0  # Seconds for another call to write down its confirm.


Perform = Callable[[Call], Awaitable[Contract]]
"""Sends a call, and returns the contract that was read."""


@attrs.frozen
class Told:
    """The contract of an order that was told.

    Attributes:
        contract: As it was answered; only its id if it is from a store.
        strays: How many more there may be.
        attempts: How many requests it took.
        repeated: Whether another call made it.
        confirmed: Whether it is known to be confirmed.
    """

    contract: Contract
    strays: int
    attempts: int
    repeated: bool = False
    confirmed: bool = False


@attrs.define(kw_only=True, eq=False, repr=False)
class Telling:
    """One call that tells an order, over a store.

    Attributes:
        claim: Of the order.
        goal: What the call wants.
        create: The call that creates the contract.
    """

    claim: OrderClaim
    goal: Goal
    create: Call
    _attempts: int = 0
    _creating: Creating | None = None  # The latest one.
    _lost: bool = False  # Whether an earlier one may have made a stray.

    @classmethod
    async def begin(
        cls,
        once: Once,
        create: Call,
        goal: Goal,
        *,
        careful: bool,
    ) -> Self:
        """Prepare to tell an order."""
        order_id = str.__str__(create.external_order_id or "")
        vendor_id, promo_code = create.vendor_id or "", create.promo_code or ""
        order = "{}" if create.order is None else create.order.reveal()
        try:
            digest = await once.digest(promo_code, order, create.deadline)
        except SesamyError as error:
            raise _about(error, create) from None
        except BaseException as error:
            error.add_note(BecameNote.of(_about(_interrupted(), create)))
            raise
        busy = create.deadline - once.runtime.now() + CAREFUL_MARGIN
        lasts = REPEATABLE_LASTS
        if careful:
            lasts = min(create.timeout + CAREFUL_MARGIN, busy, _LONGEST)
        holder = Holder(
            token=token_hex(16),
            careful=careful,
            lasts=lasts,
            busy=busy,
            digest=digest,
            source=once.source,
        )
        key = OrderKey(once.where, vendor_id, order_id)
        return cls(
            claim=OrderClaim(once, key, holder), goal=goal, create=create
        )

    async def tell(self, perform: Perform) -> Told:
        """Create the contract, unless that is done already.

        Raises:
            SesamyError: With a true outcome, and `resumable`.
        """
        try:
            while True:
                record = await self._look()
                if record is not None:
                    return self._told(record)
                record = await self._create(perform)
                if record is not None:
                    return self._told(record)
        except SesamyError as error:
            self._complete(error)
            raise
        except BaseException as error:
            error.add_note(BecameNote.of(self.interruption()))
            raise

    def _told(self, record: OrderRecord) -> Told:
        contract_id = record.contract_id or ""
        creating = self._creating
        made = None if creating is None else creating.made
        lost = 0 if creating is None else creating.call.record.lost
        own = made is not None and made.id == contract_id
        return Told(
            made if made is not None and own else Contract(id=contract_id),
            # The store may have been told of the latest one meanwhile.
            max(record.strays, lost),
            self._attempts,
            repeated=not own,
            confirmed=record.state is OrderState.CONFIRMED,
        )

    def _complete(self, error: SesamyError) -> None:
        """Say what an error means for the whole call."""
        _about(error, self.create)
        error.attempts = self._attempts
        if error.outcome.nothing_done:
            if not self._lost:
                return
            error.outcome = Outcome.UNKNOWN
        if error.resumable is None:
            error.resumable = not self.claim.holder.careful

    def interruption(self) -> SesamyError:
        """Return an error that says how far the call has come."""
        creating = self._creating
        error = _interrupted()
        if creating is not None:
            error.outcome = creating.call.record.outcome_of_foreign
            onboards = self.goal is Goal.ONBOARD
            if onboards and error.outcome is Outcome.APPLIED:
                error.outcome = Outcome.UNKNOWN
            if creating.counts and creating.made is not None:
                error.contract_id = creating.made.id
                error.resumable = True
                error.step = "confirm" if onboards else None
        self._complete(error)
        return error

    async def _look(self) -> OrderRecord | None:
        """Wait for other calls; return what they made, or None to create."""
        runtime, deadline = self.claim.once.runtime, self.create.deadline
        pause = FIRST_PAUSE
        while True:
            record = await self.claim.look(deadline)
            action = self._next(record)
            if action is Action.CREATE or record is None:
                return None
            if action is Action.TAKE:
                return record
            if action is Action.MISMATCH:
                raise _mismatch(record)
            if action is Action.STOP:
                raise await self._stop(record)
            if runtime.now() + pause >= deadline:
                raise _waited()
            await runtime.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _next(self, record: OrderRecord | None) -> Action:
        holder = self.claim.holder
        digest = holder.digest or ""
        return next_action(record, digest, self.goal, careful=holder.careful)

    async def _create(self, perform: Perform) -> OrderRecord | None:
        """Create a contract; return None if there is something new to see."""
        creating = Creating(self.claim, self.create, self.goal is Goal.AT_ONCE)
        self._creating = creating
        call = creating.call
        try:
            contract = await perform(call)
        except TakenError:
            self._attempts -= 1  # The last one was not sent.
            self._lost |= call.record.lost > 0
            await creating.give_up()
            # A store whose look does not know of the claim yet is not
            # asked without end.
            await self.claim.once.runtime.sleep(FIRST_PAUSE)
            return None
        except SesamyError as error:
            await creating.failed(error)
            raise
        except BaseException:
            await creating.interrupted()
            raise
        finally:
            self._attempts += call.record.attempts
        answer = await creating.written(contract)
        record = answer.record
        if record is not None and answer.done:
            return record
        # Ours is a stray then, unless it was confirmed by its create.
        self._lost = True
        settled = self._next(record) not in {Action.CREATE, Action.WAIT}
        if settled and self.goal is not Goal.AT_ONCE:
            return None
        raise await creating.does_not_count(record)

    async def confirmed(self, contract_id: str) -> None:
        """Note that the contract is confirmed."""
        once, key = self.claim.once, self.claim.key
        await once.confirmed(key.vendor_id, contract_id, key)

    async def confirmed_after(self, error: SesamyError) -> bool:
        """Whether the contract is confirmed, though its confirm has failed.

        If not, the error is completed.
        """
        if error.outcome is Outcome.APPLIED:
            return True
        if refuses_order(error):
            # Perhaps another call's confirm was the first one.
            if await self._others_confirmed():
                return True
            error.resumable = False
        if error.outcome is Outcome.REFUSED:
            error.outcome = Outcome.UNKNOWN
        return False

    async def _others_confirmed(self) -> bool:
        runtime, deadline = self.claim.once.runtime, self.create.deadline
        latest = min(runtime.now() + _OTHERS_CONFIRM, deadline)
        with suppress(SesamyError):
            while True:
                record = await self.claim.look(deadline)
                if record is not None and (
                    record.state is OrderState.CONFIRMED
                ):
                    return True
                if runtime.now() >= latest:
                    break
                await runtime.sleep(FIRST_PAUSE)
        return False

    async def _stop(self, record: OrderRecord) -> SesamyError:
        """Return the error of an order with which this call can't go on."""
        words = "It was sent before, and nobody knows what became of it."
        if record.state is OrderState.CREATED:
            words = "It is being onboarded: go on with contracts.onboard."
        elif record.state is OrderState.CLAIMED:
            if record.careful:
                await self.claim.note(OrderState.UNKNOWN)
            else:
                words = (
                    "A call that was to create its contract was cut off. "
                    "contracts.onboard with allow_strays=True goes on; at "
                    "worst an unconfirmed contract is left."
                )
        error = OutcomeUnknownError(words, outcome=Outcome.UNKNOWN)
        error.contract_id = record.contract_id
        error.resumable = False
        return error


def _interrupted() -> SesamyError:
    return SesamyError("Interrupted.")


def _about(error: SesamyError, create: Call) -> SesamyError:
    error.operation = create.operation
    error.external_order_id = create.external_order_id
    return error


def _mismatch(record: OrderRecord) -> SesamyError:
    told = datetime.fromtimestamp(record.begun_at, UTC)
    error = OrderMismatchError(
        "It was reported before with other data or another promo code, on "
        f"{told:%Y-%m-%d at %H:%M} UTC, and is {record.state}.",
        told_at=record.begun_at,
        state=str(record.state),
    )
    error.contract_id = record.contract_id
    error.resumable = False
    return error


def _waited() -> SesamyError:
    error = DeadlineExceededError(
        "Another call is onboarding it, and did not end before the deadline.",
        outcome=Outcome.UNKNOWN,
    )
    error.resumable = True
    return error
