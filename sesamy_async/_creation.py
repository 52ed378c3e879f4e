"""Create the contract of an order once, over a store of orders.

`OrderCreation` looks into the store, waits for other calls, and creates
under a claim, as often as needed; each create is a `ClaimedCreate`, which
`_claims.py` has.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from secrets import token_hex
from typing import cast

import attrs

from ._call import Call, Record, Secret
from ._claims import ClaimedCreate, OrderClaim, TakenError, refuses_order
from ._models import Contract, NewContract, PaymentMethod, PaymentProvider
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


# Seconds: how long a claim lasts whose create may be repeated; how much
# longer a careful one lasts than a network operation may; how long it lasts
# if nothing else limits it; and how long another call may take to write down
# its confirm.
REPEATABLE_LASTS = 5.0
CAREFUL_MARGIN = 10.0
_LONGEST = 7 * 86_400.0
_OTHERS_CONFIRM = 2.0

Perform = Callable[[Call], Awaitable[Contract]]
"""Sends a call, and returns the contract that was read."""


def interrupted(record: Record, *, onboards: bool) -> SesamyError:
    """Return an error that says how far an interrupted create has come."""
    outcome = record.outcome_of_foreign
    if onboards and outcome is Outcome.APPLIED:  # But not confirmed.
        outcome = Outcome.UNKNOWN
    error = SesamyError("Interrupted.", outcome=outcome)
    error.attempts = record.attempts
    return error


@attrs.frozen
class CreatedContract:
    """The contract of an order."""

    contract: Contract  # Only its id if it is from a store.
    strays: int  # How many more contracts there may be.
    attempts: int
    repeated: bool = False  # Whether another call created it.
    confirmed: bool = False  # Whether it is known to be confirmed.


@attrs.define(kw_only=True, eq=False, repr=False)
class OrderCreation:
    """One call that wants the contract of an order, over a store."""

    once: Once
    create: Call
    goal: Goal
    careful: bool  # Whether the create must not be repeated.
    _claim: OrderClaim = attrs.field(init=False)
    _creating: ClaimedCreate | None = None  # The latest one.
    _attempts: int = 0
    _lost: bool = False  # Whether an earlier one may have made a stray.

    async def run(self, perform: Perform) -> CreatedContract:
        """Create the contract, unless that is done already.

        Its errors have the outcome of the whole, and `resumable`.
        """
        try:
            self._claim = await self._prepare()
            while True:
                record = await self._look() or await self._create(perform)
                if record is not None:
                    return self._result(record)
        except SesamyError as error:
            self._complete(error)
            raise
        except BaseException as error:
            error.add_note(BecameNote.of(self.interruption()))
            raise

    async def _prepare(self) -> OrderClaim:
        once, create = self.once, self.create
        # A create has all of these.
        order = cast("Secret", create.order).reveal()
        promo_code = cast("str", create.promo_code)
        vendor_id = cast("str", create.vendor_id)
        order_id = str.__str__(cast("str", create.external_order_id))
        digest = await once.digest(promo_code, order, create.deadline)
        busy = create.deadline - once.runtime.now() + CAREFUL_MARGIN
        lasts = REPEATABLE_LASTS
        if self.careful:
            lasts = min(create.timeout + CAREFUL_MARGIN, busy, _LONGEST)
        holder = Holder(
            token=token_hex(16),
            careful=self.careful,
            lasts=lasts,
            busy=busy,
            digest=digest,
            source=once.source,
        )
        key = OrderKey(once.where, vendor_id, order_id)
        return OrderClaim(once, key, holder)

    def _result(self, record: OrderRecord) -> CreatedContract:
        # What is made has an id.
        contract = Contract(id=cast("str", record.contract_id))
        lost, own = 0, False
        if self._creating is not None:
            lost, made = self._creating.call.record.lost, self._creating.made
            if made is not None and made.id == contract.id:
                contract, own = made, True
        return CreatedContract(
            contract,
            # The store may have been told of the latest one meanwhile.
            max(record.strays, lost),
            self._attempts,
            repeated=not own,
            confirmed=record.state is OrderState.CONFIRMED,
        )

    def _complete(self, error: SesamyError) -> None:
        """Say what an error means for the whole call."""
        error.operation = self.create.operation
        error.external_order_id = self.create.external_order_id
        error.attempts = self._attempts
        if error.outcome.nothing_done:
            if not self._lost:
                return
            error.outcome = Outcome.UNKNOWN
        if error.resumable is None:
            error.resumable = not self.careful

    def interruption(self) -> SesamyError:
        """Return an error that says how far the call has come."""
        error, creating = SesamyError("Interrupted."), self._creating
        if creating is not None:
            onboards = self.goal is Goal.ONBOARD
            error = interrupted(creating.call.record, onboards=onboards)
            if creating.counts and creating.made is not None:
                error.contract_id = creating.made.id
                error.resumable = True
                error.step = "confirm" if onboards else None
        self._complete(error)
        return error

    async def _look(self) -> OrderRecord | None:
        """Wait for other calls; return what they made, or None to create."""
        runtime, deadline = self.once.runtime, self.create.deadline
        pause = FIRST_PAUSE
        while True:
            record = await self._claim.look(deadline)
            action = self._next(record)
            if action is Action.CREATE or record is None:
                return None
            if action is Action.TAKE:
                return record
            if action is not Action.WAIT:
                raise await self._stopped(action, record)
            if runtime.now() + pause >= deadline:
                waited = DeadlineExceededError(
                    "Another call is onboarding the order, and did not end "
                    "before the deadline.",
                    outcome=Outcome.UNKNOWN,
                )
                waited.resumable = True
                raise waited
            await runtime.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _next(self, record: OrderRecord | None) -> Action:
        digest = cast("str", self._claim.holder.digest)  # See `_prepare`.
        return next_action(record, digest, self.goal, careful=self.careful)

    async def _stopped(
        self, action: Action, record: OrderRecord
    ) -> SesamyError:
        """Return the error of an order with which this call can't continue."""
        error: SesamyError
        if action is Action.MISMATCH:
            told = datetime.fromtimestamp(record.begun_at, UTC)
            error = OrderMismatchError(
                "The order was reported before with other data or another "
                f"promo code, on {told:%Y-%m-%d at %H:%M} UTC, and is "
                f"{record.state}.",
                told_at=record.begun_at,
                state=str(record.state),
            )
        else:
            words = "The order was sent before, and its outcome is unknown."
            if record.state is OrderState.CREATED:
                words = (
                    "The order is being onboarded: continue with "
                    "contracts.onboard."
                )
            elif record.state is OrderState.CLAIMED and not record.careful:
                words = (
                    "An earlier create of the order was cut off. Continue "
                    "with contracts.onboard and allow_strays=True; at worst "
                    "an unconfirmed contract is left over."
                )
            elif record.state is OrderState.CLAIMED:
                await self._claim.note(OrderState.UNKNOWN)
            error = OutcomeUnknownError(words, outcome=Outcome.UNKNOWN)
        error.contract_id = record.contract_id
        error.resumable = False
        return error

    async def _create(self, perform: Perform) -> OrderRecord | None:
        """Create a contract; return None if there is something new to see."""
        at_once = self.goal is Goal.AT_ONCE
        creating = ClaimedCreate(self._claim, self.create, at_once)
        self._creating = creating
        call = creating.call
        try:
            contract = await perform(call)
        except TakenError:
            self._attempts -= 1  # The last one was not sent.
            self._lost |= call.record.lost > 0
            await creating.give_back()
            # A store whose look does not know of the claim yet is not
            # asked without end.
            await self.once.runtime.sleep(FIRST_PAUSE)
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
        if settled and not at_once:
            return None
        raise await creating.does_not_count(record)

    async def confirmed(self, contract_id: str) -> None:
        await self.once.confirmed(contract_id, self._claim.key)

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
        runtime, deadline = self.once.runtime, self.create.deadline
        latest = min(runtime.now() + _OTHERS_CONFIRM, deadline)
        with suppress(SesamyError):
            while True:
                record = await self._claim.look(deadline)
                if record and record.state is OrderState.CONFIRMED:
                    return True
                if runtime.now() >= latest:
                    return False
                await runtime.sleep(FIRST_PAUSE)
        return False
