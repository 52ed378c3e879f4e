"""Create a contract under a claim, and write down what became of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus

import attrs

from ._call import Call, Record
from ._models import Contract
from ._once import PATIENCE, Once
from ._outcome import Outcome
from .errors import (
    AuthenticationError,
    ConflictError,
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


class TakenError(SesamyError):
    """Another call claimed the order first."""


@attrs.frozen(eq=False, repr=False)
class OrderClaim:
    """How a call claims an order in a store.

    Attributes:
        once: The store.
        key: The order.
        holder: Who claims it.
    """

    once: Once
    key: OrderKey
    holder: Holder

    async def look(self, latest: float) -> OrderRecord | None:
        """Return what the store knows of the order."""
        look = partial(self.once.store.look, [self.key])
        return (await self.once.ask(look, latest)).get(self.key)

    async def note(self, state: OrderState) -> None:
        """Note how the claim ended."""
        token = self.holder.token
        mark = partial(self.once.store.mark, self.key, state, token=token)
        await self._try(mark)

    async def release(self, lost: int) -> None:
        """Give the claim up; `lost` more creates may have been done."""
        token = self.holder.token
        release = partial(
            self.once.store.release, self.key, token=token, strays=lost
        )
        await self._try(release)

    async def _try(self, method: Callable[..., object]) -> None:
        """Ask the store; if that fails, the claim runs out by itself."""
        try:
            await self.once.insist(method, 1.0)
        except SesamyError as error:
            order = self.key.external_order_id
            _log.warning("order %r: %s", order, error.args[0])


@attrs.define(eq=False, repr=False)
class Creating:
    """One create of an order, from its claim to what the store makes of it.

    Attributes:
        claim: Of the order.
        create: The call that creates the contract.
        at_once: Whether that confirms it, too.
        call: What is sent.
        made: The contract that was answered.
    """

    claim: OrderClaim
    create: Call
    at_once: bool
    call: Call = attrs.field(init=False)
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
    def counts(self) -> bool:
        """Whether the store has the contract as the one that counts."""
        return isinstance(self._written, StoreAnswer) and self._written.done

    async def _before_send(self, call: Call) -> None:
        """Claim the order just before its create is sent, or sent again."""
        await self._claim(call.record.lost - self._reported)
        if self.create.before_send is not None:
            await self.create.before_send(call)

    async def _claim(self, lost: int) -> None:
        once, key = self.claim.once, self.claim.key
        method = partial(once.store.claim, key, self.claim.holder)
        if self._claimed:
            method = partial(
                once.store.renew, key, self.claim.holder, strays=lost
            )
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
            self._written = await once.insist(first, PATIENCE)
        except SesamyError as error:
            self._written = error
        return self._written

    async def written(self, contract: Contract) -> StoreAnswer:
        """Return what the store made of the contract.

        Raises:
            SesamyError: The store did not answer.
        """
        written = self._written
        if self.made is None:
            # A middleware of the caller's made the answer.
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

    async def give_up(self) -> None:
        """Report what was sent before another call claimed the order."""
        if lost := self.call.record.lost - self._reported:
            await self._give_back(lost)

    async def does_not_count(self, record: OrderRecord | None) -> SesamyError:
        """Return the error for a contract that the store refuses."""
        if (
            record is not None
            and record.state is OrderState.CLAIMED
            and record.token == self.claim.holder.token
        ):
            await self._give_back(1)
            return UnreadableResponseError(
                "The answer names a contract that the store of orders has for "
                "another order (if orders may share a contract, create the "
                "client with shared_contracts=True).",
                outcome=Outcome.UNKNOWN,
            )
        error = OutcomeUnknownError(
            "A contract was created, but the store of orders changed in the "
            "meantime: somebody has to check the order, or it is no longer "
            "there. So the contract does not count.",
            outcome=Outcome.UNKNOWN,
        )
        error.resumable = False
        return error

    async def _end(self, outcome: Outcome) -> None:
        lost = self.call.record.lost - self._reported
        # A middleware may hide what was done from our count.
        await self._give_back(0 if outcome.nothing_done else max(1, lost))

    async def _give_back(self, lost: int) -> None:
        """Give the claim up; `lost` more creates may have been done."""
        if self.claim.holder.careful and lost:
            await self.claim.note(OrderState.UNKNOWN)
        else:
            await self.claim.release(lost)


def refuses_order(error: SesamyError) -> bool:
    """Whether Sesamy refused the order, or the contract, itself.

    A refusal of the client, or of too many requests, says nothing of it.
    """
    return (
        error.outcome is Outcome.REFUSED
        and not isinstance(error, AuthenticationError)
        and getattr(error, "status_code", None) not in _OF_THE_CLIENT
    )


_OF_THE_CLIENT = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.TOO_MANY_REQUESTS,
}
