"""The steps of an order: claim it, write the intent, send, write the outcome.

What the end of a call means is decided in `_judge`; here are the effects.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice, takewhile
from typing import cast

import anyio
import anyio.to_thread
import attrs

from sesamy_async._call import Call, Record
from sesamy_async._client import AsyncSesamy, store_of
from sesamy_async._outcome import Outcome
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.journal._journal import CUT_OFF
from sesamy_async.bulk.journal._writer import Writer
from sesamy_async.errors import (
    ConfigurationError,
    OrderMismatchError,
    SesamyError,
)
from sesamy_async.idempotency import StoreUnavailable

from ._judge import (
    Claim,
    Verdict,
    confirmed,
    created,
    not_confirmed,
    not_created,
    not_its_own,
)
from ._order_store import StoreCounts, ask, key_of, reader, settle
from ._rows import Source
from ._states import (
    Change,
    Confirm,
    Entry,
    JournalError,
    Kind,
    State,
    kind_of,
)


_AHEAD = 64
_FORGOTTEN = "The store of orders no longer has this order."


class Steps:
    """The steps of an order: claim, record the intent, send, record.

    The process may end after each of them: a restart sends no order twice.
    """

    def __init__(
        self,
        client: AsyncSesamy,
        source: Source,
        journal: Journal,
        writer: Writer,
    ) -> None:
        self._contracts = client.contracts
        self._once = store_of(client)
        self._journal = journal
        self._terms = journal.terms
        self._writer = writer
        self._look_up = partial(settle, self._once, source, journal)
        self._last = math.inf
        self._rest = takewhile(
            lambda claim: claim.entry.row <= self._last,
            claims(source, journal),
        )
        self._ahead: Iterator[Claim] = iter(())
        self._reading = anyio.Lock()

    async def look_up(self) -> StoreCounts | None:
        """Put into the journal what the client's store of orders knows."""
        return await anyio.to_thread.run_sync(self._look_up)

    async def end_after(self, number: int) -> None:
        """Claim only the first so many orders of the file."""
        for each in await self._first(number):
            self._last = each.row

    async def have_sent(self, number: int) -> bool:
        """Whether the first so many orders of the file are settled."""
        return all(
            kind_of(each.state, self._terms.confirm) is not Kind.UNPROCESSED
            for each in await self._first(number)
        )

    async def claim(self) -> Claim | None:
        """Return the next order to process, or None if none is left."""
        async with self._reading:
            claim = next(self._ahead, None)
            if claim is None:
                # Without waiting for the disk in the event loop.
                read = await anyio.to_thread.run_sync(
                    lambda: [*islice(self._rest, _AHEAD)]
                )
                self._ahead = iter(read)
                claim = next(self._ahead, None)
            return claim

    async def record_intent(self, claim: Claim, lost: int) -> None:
        """Put on disk that its create is about to be sent, or sent again.

        `lost` more of the earlier attempts may have succeeded.  If it raises,
        nothing may be sent.
        """
        reason = None if self._again(claim) else CUT_OFF
        change = Change(
            row=claim.entry.row,
            state=State.INTENT,
            reason=reason,
            strays=lost,
        )
        await self._writer.write(change)

    async def send(
        self, claim: Claim, intent: Callable[[int], Awaitable[None]]
    ) -> Verdict:
        """Create an order, or confirm it if it is CREATED; record nothing.

        `intent` is `record_intent` of this order, awaited just before the
        first byte of a create is sent.
        """
        if claim.entry.state is State.CREATED:
            return await self._confirm(claim)
        return await self._create(claim, intent)

    async def record_outcome(
        self, claim: Claim, change: Change
    ) -> Verdict | None:
        """Put on disk what became of an order.

        Returns what is on disk instead, if another order has its contract.
        """
        holder = await self._writer.write(change)
        if holder is None:
            return None
        again = self._again(claim)
        instead = not_its_own(claim.entry, holder, again=again)
        await self._writer.write(instead.change)
        return instead

    async def _create(
        self, claim: Claim, intent: Callable[[int], Awaitable[None]]
    ) -> Verdict:
        sale, terms, entry = claim.sale, self._terms, claim.entry
        attempts, again = _Attempts(intent), self._again(claim)
        try:
            contract = await self._contracts.create(
                sale.promo_code or terms.promo_code or "",
                sale.order,
                confirm=terms.confirm is Confirm.AT_ONCE,
                vendor_id=sale.vendor_id or terms.vendor_id,
                repeatable=again,
                allow_strays=again,
                before_send=attempts,
            )
            if contract.raw or self._once is None:
                return created(
                    terms,
                    entry,
                    contract,
                    lost=attempts.lost,
                    calls=attempts.calls,
                )
            # The store has it of another call.
            change = await ask(self._once, terms, entry, sale)
            if change is None:
                raise StoreUnavailable(_FORGOTTEN)
        except SesamyError as error:
            if _is_ours(error):
                raise
            change = await self._known(claim, error, attempts)
            if change is None:
                return not_created(
                    entry,
                    error,
                    again=again,
                    lost=attempts.lost + attempts.record.answered,
                    calls=error.attempts,
                )
        strays = attempts.lost + attempts.record.answered + change.strays
        return Verdict(
            change=attrs.evolve(change, strays=strays),
            calls=attempts.calls,
            elsewhere=True,
        )

    async def _first(self, number: int) -> tuple[Entry, ...]:
        orders = partial(first_orders, self._journal, number)
        return await anyio.to_thread.run_sync(orders)

    def _again(self, claim: Claim) -> bool:
        """Whether an interrupted create of an order may be repeated."""
        return self._terms.repeats(claim.sale.order)

    async def _known(
        self, claim: Claim, error: SesamyError, attempts: _Attempts
    ) -> Change | None:
        """Return what the store knows of an order that was not sent."""
        told = error.resumable is False or isinstance(
            error, OrderMismatchError
        )
        if self._once is not None and told and not attempts.calls:
            with suppress(SesamyError):
                return await ask(
                    self._once, self._terms, claim.entry, claim.sale
                )
        return None

    async def _confirm(self, claim: Claim) -> Verdict:
        sale, entry, once = claim.sale, claim.entry, self._once
        try:
            await self._contracts.confirm(
                sale.promo_code or self._terms.promo_code or "",
                # An order that is CREATED has it.
                cast("str", entry.contract_id),
                vendor_id=sale.vendor_id or self._terms.vendor_id,
                order=sale.order,
            )
        except SesamyError as error:
            if _is_ours(error):
                raise
            if once is not None and error.outcome is Outcome.APPLIED:
                key = key_of(entry, self._terms, once.where)
                contract = cast("str", entry.contract_id)
                await once.confirmed(contract, key)
            elif once is not None and error.outcome is Outcome.REFUSED:
                # Perhaps another call has confirmed it.
                with suppress(SesamyError):
                    change = await ask(once, self._terms, entry, sale)
                    if change is not None:
                        return Verdict(change=change, calls=error.attempts)
            return not_confirmed(entry, error, asked=claim.asked)
        return confirmed(entry)


def claims(source: Source, journal: Journal) -> Iterator[Claim]:
    """Yield the orders that are to be sent; it reads from disk."""
    states = {State.PENDING}
    if journal.terms.confirm.goal is State.CONFIRMED:
        states.add(State.CREATED)
    sale_of = reader(source)
    for entry in journal.entries(states=states):
        asked = entry.state is State.CREATED
        yield Claim(entry, sale_of(entry), asked=asked)


def first_orders(journal: Journal, number: int) -> tuple[Entry, ...]:
    """Return the first orders that can be sent, or were; it reads from disk.

    They are the same in each run: what is wrong in the file, or was
    confirmed elsewhere before, is never one of them.
    """
    entries = journal.entries(states=set(State) - {State.ALREADY})
    # What the check has rejected never changed its state.
    able = (it for it in entries if it.at or it.state is not State.REJECTED)
    return tuple(islice(able, number))


def _is_ours(error: SesamyError) -> bool:
    """Whether the client or the journal can't be used at all."""
    if isinstance(error, ConfigurationError):
        return error.outcome is Outcome.NOT_SENT
    return isinstance(error, JournalError)


@attrs.define(eq=False, repr=False)
class _Attempts:
    """Records the intent before the first attempt, and after lost ones."""

    intent: Callable[[int], Awaitable[None]]
    record: Record = attrs.field(factory=Record)
    # With a store it may take several calls.
    _calls: int = attrs.field(default=0, init=False)
    _lost: int = attrs.field(default=0, init=False)
    _written: int | None = attrs.field(default=None, init=False)

    async def __call__(self, call: Call) -> None:
        if call.record is not self.record:
            self._calls += self.record.attempts
            self._lost += self.record.lost
            self.record = call.record
        lost = self.lost
        if lost or self._written is None:
            await self.intent(lost)
            self._written = (self._written or 0) + lost

    @property
    def calls(self) -> int:
        return self._calls + self.record.attempts

    @property
    def lost(self) -> int:
        """How many attempts may have succeeded and are not recorded."""
        return self._lost + self.record.lost - (self._written or 0)
