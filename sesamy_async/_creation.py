"""Create the contract of an order once, over a store of orders.

`OrderCreation` looks into the store, waits for other calls, and creates
under a claim, as often as needed; `ClaimedCreate` is one create, from its
claim to what the store makes of the contract.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from http import HTTPStatus
from secrets import token_hex

import attrs

from ._call import Call, Record
from ._models import Contract, NewContract, PaymentMethod, PaymentProvider
from ._once import FIRST_PAUSE, LONGEST_PAUSE, Once
from ._outcome import Outcome
from .errors import (
    AuthenticationError,
    BecameNote,
    ConflictError,
    DeadlineExceededError,
    InvalidRequestError,
    OrderMismatchError,
    OutcomeUnknownError,
    SesamyError,
    UnreadableResponseError,
)
from .idempotency import (
    Holder,
    OrderKey,
    OrderRecord,
    OrderState,
    StoreAnswer,
)


_log = logging.getLogger("sesamy_async")


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


_OF_THE_CLIENT = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.TOO_MANY_REQUESTS,
}


def refuses_order(error: SesamyError) -> bool:
    """Whether Sesamy refused the order, or the contract, itself.

    A refusal of the client, or of too many requests, says nothing of it.
    """
    return (
        error.outcome is Outcome.REFUSED
        and not isinstance(error, AuthenticationError)
        and getattr(error, "status_code", None) not in _OF_THE_CLIENT
    )


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
        order = "{}" if create.order is None else create.order.reveal()
        digest = await once.digest(
            create.promo_code or "", order, create.deadline
        )
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
        order_id = str.__str__(create.external_order_id or "")
        key = OrderKey(once.where, create.vendor_id or "", order_id)
        return OrderClaim(once, key, holder)

    def _result(self, record: OrderRecord) -> CreatedContract:
        contract, lost, own = Contract(id=record.contract_id or ""), 0, False
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
        digest = self._claim.holder.digest or ""
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
        key = self._claim.key
        await self.once.confirmed(key.vendor_id, contract_id, key)

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
                    break
                await runtime.sleep(FIRST_PAUSE)
        return False


class TakenError(SesamyError):
    """Another call claimed the order first."""


@attrs.frozen(eq=False, repr=False)
class OrderClaim:
    """An order in a store, and who claims it."""

    once: Once
    key: OrderKey
    holder: Holder

    async def look(self, latest: float) -> OrderRecord | None:
        look = partial(self.once.store.look, [self.key])
        return (await self.once.ask(look, latest)).get(self.key)

    async def note(self, state: OrderState) -> None:
        await self._end(partial(self.once.store.mark, self.key, state))

    async def release(self, lost: int) -> None:
        """Give the claim up; `lost` more creates may have been done."""
        if self.holder.careful and lost:
            await self.note(OrderState.UNKNOWN)
        else:
            release = self.once.store.release
            await self._end(partial(release, self.key, strays=lost))

    async def _end(self, method: Callable[..., object]) -> None:
        """Ask the store; if that fails, the claim runs out by itself."""
        try:
            await self.once.insist(
                partial(method, token=self.holder.token), 1.0
            )
        except SesamyError as error:
            order = self.key.external_order_id
            _log.warning("order %r: %s", order, error.args[0])


@attrs.define(eq=False, repr=False)
class ClaimedCreate:
    """One create of an order, from its claim to what the store makes of it."""

    claim: OrderClaim
    create: Call
    at_once: bool  # Whether the create confirms the contract, too.
    call: Call = attrs.field(init=False)  # What is sent.
    made: Contract | None = attrs.field(default=None, init=False)
    _claimed: bool = attrs.field(default=False, init=False)  # Or may be.
    _strays: int = attrs.field(default=0, init=False)  # In the store.
    _reported: int = attrs.field(default=0, init=False)  # To the store.
    _written: StoreAnswer | SesamyError | None = attrs.field(
        default=None, init=False
    )

    def __attrs_post_init__(self) -> None:
        self.call = attrs.evolve(
            self.create,
            record=Record(),
            before_send=self._before_send,
            before_wait=self._before_wait,
            after_success=self._write,
        )

    @property
    def counts(self) -> bool:  # As the order's contract, in the store.
        return isinstance(self._written, StoreAnswer) and self._written.done

    @property
    def _unreported(self) -> int:
        return self.call.record.lost - self._reported

    async def _before_send(self, call: Call) -> None:
        """Claim the order just before its create is sent, or sent again."""
        await self._claim(self._unreported)
        if self.create.before_send is not None:
            await self.create.before_send(call)

    async def _claim(self, lost: int) -> None:
        once, key, holder = self.claim.once, self.claim.key, self.claim.holder
        method = partial(once.store.claim, key, holder)
        if self._claimed:
            method = partial(once.store.renew, key, holder, strays=lost)
        # Also if the store fails, for it may have done it all the same.
        self._claimed = True
        answer = await once.ask(method, self.call.deadline)
        if not answer.done or answer.record is None:
            raise TakenError("Another call claimed the order first.")
        self._strays = answer.record.strays
        self._reported += lost

    async def _before_wait(self) -> None:
        """Give the order up while nothing of it is under way.

        Sesamy may ask for a longer wait than a claim lasts.
        """
        record = self.call.record
        # More than one are under way if a middleware began several.
        if self._claimed and not record.lost and record.under_way <= 1:
            await self.claim.release(0)
            self._claimed = False

    async def _write(self, contract: Contract) -> StoreAnswer | SesamyError:
        """Write down the id, whatever happens to the call meanwhile."""
        once = self.claim.once
        self.made = contract
        first = partial(
            once.store.first,
            self.claim.key,
            self.claim.holder,
            contract.id,
            confirmed=self.at_once,
            shared=once.shared,
        )
        try:
            self._written = await once.insist(first)
        except SesamyError as error:
            self._written = error
        return self._written

    async def written(self, contract: Contract) -> StoreAnswer:
        """Return what the store made of the contract."""
        written = self._written
        if self.made is None:
            # A middleware of the caller's made the response.
            with suppress(SesamyError):
                await self._claim(0)
        elif self.made.id == contract.id:
            self.made = contract  # A middleware may have added to it.
        if written is None:
            written = await self._write(contract)
        if isinstance(written, SesamyError):
            written.outcome = Outcome.UNKNOWN
            raise written
        return written

    async def failed(self, error: SesamyError) -> None:
        """Write down how a create ended that raised an error."""
        doubtful = self.call.record.lost or self._strays
        if self.counts:
            error.resumable = True
        elif not self._claimed:
            return
        elif isinstance(error, ConflictError) and doubtful:
            # Perhaps with an earlier create, whose id is not known.
            error.outcome = Outcome.UNKNOWN
            error.resumable = False
            await self.claim.note(OrderState.UNKNOWN)
        elif refuses_order(error):
            await self.claim.note(OrderState.REFUSED)
        else:
            await self._end(error.outcome)

    async def interrupted(self) -> None:
        """Write down how a create ended that was cancelled, for example."""
        if self.made is not None and self._written is None:
            # Again, since the interruption may have come before it.
            await self._write(self.made)
        if self._claimed and not self.counts:
            await self._end(self.call.record.outcome_of_foreign)

    async def give_back(self) -> None:
        """Report what was sent before another call claimed the order."""
        if self._unreported:
            await self.claim.release(self._unreported)

    async def does_not_count(self, record: OrderRecord | None) -> SesamyError:
        """Return the error for a contract that the store refuses."""
        if (
            record is not None
            and record.state is OrderState.CLAIMED
            and record.token == self.claim.holder.token
        ):
            await self.claim.release(1)
            return UnreadableResponseError(
                "The response names a contract that the store of orders has "
                "for another order (if orders may share a contract, create "
                "the client with shared_contracts=True).",
                outcome=Outcome.UNKNOWN,
            )
        error = OutcomeUnknownError(
            "A contract was created, but the store of orders changed in the "
            "meantime, so the contract does not count: the order has to be "
            "checked, or was removed from the store.",
            outcome=Outcome.UNKNOWN,
        )
        error.resumable = False
        return error

    async def _end(self, outcome: Outcome) -> None:
        # A middleware may hide what was done from our count.
        doubtful = not outcome.nothing_done
        await self.claim.release(max(1, self._unreported) if doubtful else 0)
