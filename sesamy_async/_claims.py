"""One create under a claim: what a store of orders hears of it, and when."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http import HTTPStatus

import attrs

from ._call import Call, Record
from ._models import Contract
from ._once import Once
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
                await self._claim(self._unreported)
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
