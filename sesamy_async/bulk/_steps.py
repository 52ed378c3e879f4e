"""The steps of an order: claim it, write the intent, send, write the outcome.

What the end of a call means is decided in `_judge`; here are the effects.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from typing import cast

import anyio
import anyio.to_thread
import attrs

from sesamy_async._call import Call, Record
from sesamy_async._client import AsyncSesamy
from sesamy_async._outcome import Outcome
from sesamy_async.bulk.journal import Journal, Writer
from sesamy_async.errors import ConfigurationError, SesamyError

from ._judge import (
    Claim,
    Verdict,
    confirmed,
    created,
    not_confirmed,
    not_created,
    not_its_own,
)
from ._rows import Sale, Source
from ._states import Change, Confirm, InputFileError, JournalError, State


_AHEAD = 64


class Steps:
    """The four steps of an order, in their sequence.

    The process may end after each of them: a restart sends no order twice.

    Args:
        client: Its connections, token, pace and retries are used.
        source: The file.
        journal: What has become of its rows so far.
        writer: Writes to the journal.
    """

    def __init__(
        self,
        client: AsyncSesamy,
        source: Source,
        journal: Journal,
        writer: Writer,
    ) -> None:
        self._contracts = client.contracts
        self._terms = journal.terms
        self._writer = writer
        self._rest = claims(source, journal)
        self._ahead: Iterator[Claim] = iter(())
        self._reading = anyio.Lock()

    async def claim(self) -> Claim | None:
        """Return the next order to process, or None if none is left.

        Raises:
            InputFileError: The file has changed since it was checked.
        """
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

        Args:
            claim: The order.
            lost: How many more of the earlier attempts may have succeeded.

        Raises:
            JournalError: It is not on disk, so nothing may be sent.
        """
        row = claim.entry.row
        change = Change(row=row, state=State.INTENT, strays=lost)
        await self._writer.write(change)

    async def send(
        self, claim: Claim, intent: Callable[[int], Awaitable[None]]
    ) -> Verdict:
        """Send the next request of an order.

        Args:
            claim: The order.  It is confirmed if it is CREATED, and else
                created.
            intent: `record_intent` of this order, awaited just before the
                first byte of a create is sent.

        Returns:
            What became of it; nothing is recorded yet.
        """
        if claim.entry.state is State.CREATED:
            return await self._confirm(claim)
        return await self._create(claim, intent)

    async def record_outcome(
        self, claim: Claim, change: Change
    ) -> Verdict | None:
        """Put on disk what became of an order.

        Returns:
            What is on disk instead, if another order has its contract.

        Raises:
            JournalError: It is not on disk.
        """
        holder = await self._writer.write(change)
        if holder is None:
            return None
        instead = not_its_own(self._terms, claim.entry, holder)
        await self._writer.write(instead.change)
        return instead

    async def _create(
        self, claim: Claim, intent: Callable[[int], Awaitable[None]]
    ) -> Verdict:
        sale, terms, entry = claim.sale, self._terms, claim.entry
        attempts = _Attempts(intent)
        try:
            contract = await self._contracts.create(
                sale.promo_code or terms.promo_code or "",
                sale.order,
                confirm=terms.confirm is Confirm.AT_ONCE,
                vendor_id=sale.vendor_id or terms.vendor_id,
                repeatable=terms.repeatable,
                before_send=attempts,
            )
        except SesamyError as error:
            if _is_ours(error):
                raise
            return not_created(
                terms, entry, error, lost=attempts.lost, calls=error.attempts
            )
        calls = attempts.record.attempts
        lost = attempts.lost
        return created(terms, entry, contract, lost=lost, calls=calls)

    async def _confirm(self, claim: Claim) -> Verdict:
        sale, entry = claim.sale, claim.entry
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
            return not_confirmed(entry, error, asked=claim.asked)
        return confirmed(entry)


def claims(source: Source, journal: Journal) -> Iterator[Claim]:
    """Yield the orders that are to be sent; it reads from disk.

    Raises:
        InputFileError: The file has changed since it was checked.
    """
    states = {State.PENDING}
    if journal.terms.confirm.goal is State.CONFIRMED:
        states.add(State.CREATED)
    records = source.records()
    for entry in journal.entries(states=states):
        row = entry.row
        record = next((each for each in records if each.number >= row), None)
        sale = None if record is None else source.read(record)
        if (
            not isinstance(sale, Sale)
            or sale.order.external_order_id != entry.order_id
        ):
            raise InputFileError(
                f"{source.name} changed while it was imported: row {row} is "
                "not what it was. Restore it, and give the same command again."
            )
        yield Claim(entry, sale, asked=entry.state is State.CREATED)


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
    _written: int | None = attrs.field(default=None, init=False)

    async def __call__(self, call: Call) -> None:
        self.record = call.record
        lost = self.lost
        if lost or self._written is None:
            await self.intent(lost)
            self._written = call.record.lost

    @property
    def lost(self) -> int:
        """How many attempts may have succeeded and are not recorded."""
        return self.record.lost - (self._written or 0)
