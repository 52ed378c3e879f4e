"""The steps of one order: create, confirm, and what is written before each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from itertools import islice
from typing import cast

import anyio
import anyio.to_thread
import attrs

from sesamy_async._call import Call, Record
from sesamy_async._client import AsyncSesamy
from sesamy_async._outcome import Outcome
from sesamy_async.bulk import _judge as judge
from sesamy_async.bulk.journal import Journal, Writer
from sesamy_async.errors import ConfigurationError, SesamyError

from ._judge import Claim, Verdict
from ._rows import Mistaken, Row, Source
from ._states import (
    Change,
    Confirm,
    InputFileError,
    JournalError,
    State,
    Terms,
)


class Claims:
    """Walks through the file and the journal side by side.

    Blocks: it reads from disk.

    Args:
        source: The file.
        journal: What became of its rows so far.
    """

    def __init__(self, source: Source, journal: Journal) -> None:
        self._source = source
        self._rest = self._claims(journal)

    def take(self, most: int) -> list[Claim]:
        """Return the next orders; [] where none is left.

        Raises:
            InputFileError: The file is not what it was when it was checked.
        """
        return list(islice(self._rest, most))

    def _claims(self, journal: Journal) -> Iterator[Claim]:
        states = {State.PENDING}
        if journal.terms.confirm.goal is State.CONFIRMED:
            states.add(State.CREATED)
        records = self._source.records()
        for entry in journal.entries(states=states):
            record = _at(entry.row, records)
            sale = None if record is None else self._source.read(record)
            if (
                sale is None
                or isinstance(sale, Mistaken)
                or sale.order.external_order_id != entry.order_id
            ):
                raise InputFileError(
                    f"{self._source.name} changed while it was imported: row "
                    f"{entry.row} is not what it was. Restore it, and give "
                    "the same command again."
                )
            yield Claim(entry, sale, asked=entry.state is State.CREATED)


def _at(row: int, records: Iterator[Row]) -> Row | None:
    return next((each for each in records if each.number >= row), None)


_AHEAD = 64


class OrderSteps:
    """The `Steps` of an `Importer`.

    Args:
        client: Whose connections, token, pace and retries are used.
        terms: Of the import.
        claims: The orders.
        writer: Writes to the journal.
    """

    def __init__(
        self, client: AsyncSesamy, terms: Terms, claims: Claims, writer: Writer
    ) -> None:
        self._contracts = client.contracts
        self._terms = terms
        self._claims = claims
        self._writer = writer
        self._ahead: Iterator[Claim] = iter(())
        self._reading = anyio.Lock()

    async def claim(self) -> Claim | None:
        """Return the next order of the file, or None where none is left."""
        async with self._reading:
            return next(self._ahead, None) or await self._read_on()

    async def record_intent(self, claim: Claim, lost: int) -> None:
        """Put on disk that its create is about to be sent."""
        await self._writer.write(
            Change(row=claim.entry.row, state=State.INTENT, strays=lost)
        )

    async def send(
        self, claim: Claim, intent: Callable[[int], Awaitable[None]]
    ) -> Verdict:
        """Create the contract of the order, or confirm it."""
        if claim.entry.state is State.CREATED:
            return await self._confirm(claim)
        return await self._create(claim, intent)

    async def record_outcome(
        self, claim: Claim, change: Change
    ) -> Verdict | None:
        """Put on disk what became of it."""
        holder = await self._writer.write(change)
        if holder is None:
            return None
        instead = judge.not_its_own(self._terms, claim.entry, holder)
        await self._writer.write(instead.change)
        return instead

    async def _read_on(self) -> Claim | None:
        read = partial(self._claims.take, _AHEAD)
        self._ahead = iter(await anyio.to_thread.run_sync(read))
        return next(self._ahead, None)

    async def _create(
        self, claim: Claim, intent: Callable[[int], Awaitable[None]]
    ) -> Verdict:
        sale, terms, entry = claim.sale, self._terms, claim.entry
        leaving = _Leaving(intent)
        try:
            contract = await self._contracts.create(
                sale.promo_code or terms.promo_code or "",
                sale.order,
                confirm=terms.confirm is Confirm.AT_ONCE,
                vendor_id=sale.vendor_id or terms.vendor_id,
                repeatable=terms.repeatable,
                before_send=leaving,
            )
        except SesamyError as error:
            if _is_ours(error):
                raise
            return judge.not_created(
                terms, entry, error, lost=leaving.lost, calls=error.attempts
            )
        return judge.created(
            terms,
            entry,
            contract,
            lost=leaving.lost,
            calls=leaving.record.attempts,
        )

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
            return judge.not_confirmed(entry, error, asked=claim.asked)
        return judge.confirmed(entry)


def _is_ours(error: SesamyError) -> bool:
    """Whether neither Sesamy nor the order is to blame, so nothing works."""
    if isinstance(error, ConfigurationError):
        return error.outcome is Outcome.NOT_SENT
    return isinstance(error, JournalError)


@attrs.define
class _Leaving:
    """Writes down each attempt of a create that puts more in doubt.

    Attributes:
        write: Writes that it is about to be sent, and how many more of the
            earlier attempts may have been done.
        record: Of the call.
    """

    write: Callable[[int], Awaitable[None]]
    record: Record = attrs.field(factory=Record)
    _written: int | None = attrs.field(default=None, init=False)

    async def __call__(self, call: Call) -> None:
        self.record = call.record
        lost = self.lost
        if lost or self._written is None:
            await self.write(lost)
            self._written = call.record.lost

    @property
    def lost(self) -> int:
        """How many attempts may have been done and are not written down."""
        return self.record.lost - (self._written or 0)
