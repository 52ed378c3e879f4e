"""What a store of orders knows of the orders of an import, and is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import islice

import attrs

from sesamy_async._call import BlockingRuntime, drive
from sesamy_async._creation import Action, Goal, next_action
from sesamy_async._models import NewContract
from sesamy_async._once import PATIENCE, Once, place_of
from sesamy_async._payloads import encode_order
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.journal._journal import after_cut
from sesamy_async.idempotency import (
    IdempotencyStore,
    OrderKey,
    OrderRecord,
    OrderState,
    StoreAnswer,
)

from ._rows import Sale, Source
from ._states import SANDBOX, Change, Entry, InputFileError, State, Terms


BATCH = 500
"""So many orders are told, or looked up, at once."""

_MOST_SHOWN = 20


@attrs.define
class StoreCounts:
    """What a store knew of orders before any of them was sent."""

    new: int = 0  # May be sent, or are being sent by another call.
    begun: int = 0  # Have a contract that is to be confirmed.
    already: int = 0  # Were confirmed elsewhere.
    doubtful: int = 0  # A person has to look.
    # How many were reported before with other data, and the first rows.
    differ: int = 0
    differing: list[int] = attrs.field(factory=list[int])
    # What the store has of the order that was confirmed first.
    first: OrderRecord | None = None

    def add(
        self,
        entry: Entry,
        record: OrderRecord,
        change: Change,
        *,
        differs: bool,
    ) -> None:
        """Count an order that the store knows."""
        self.new -= entry.state is State.PENDING
        self.begun += change.state is State.CREATED
        self.doubtful += change.state is State.UNKNOWN
        if change.state is State.ALREADY:
            self.already += 1
            if self.first is None or record.begun_at < self.first.begun_at:
                self.first = record
        if differs:
            self.differ += 1
            self.differing += [entry.row][: _MOST_SHOWN - len(self.differing)]


def told_by(record: OrderRecord) -> str:
    """Return where an order was first told, and when."""
    by = "" if record.source is None else f"by {record.source} "
    return f"{by}on {datetime.fromtimestamp(record.begun_at, UTC):%Y-%m-%d}"


def judged(entry: Entry, record: OrderRecord, action: Action) -> Change | None:
    """Return what becomes of an order that a store knows; None for nothing.

    The store is written before the journal, so it knows as much, or more.
    """
    row = entry.row
    if action is Action.MISMATCH:
        return _differs(entry, record)
    if action is Action.TAKE:
        return _takes(entry, record)
    if action is Action.STOP and entry.state in _WAITING:
        reason = (
            f"It was sent {told_by(record)}, and it is not known whether it "
            "has a contract."
        )
        return Change(row=row, state=State.UNKNOWN, reason=reason)
    if action is Action.CREATE and entry.state in _CUT_OFF:
        # The call whose claim has run out may have created a contract.
        strays = int(record.state is OrderState.CLAIMED)
        return Change(row=row, state=State.PENDING, strays=strays)
    return None


_WAITING = {State.PENDING, State.INTENT}
_CUT_OFF = {State.INTENT, State.UNKNOWN}


def _differs(entry: Entry, record: OrderRecord) -> Change | None:
    row, told = entry.row, told_by(record)
    if record.state is OrderState.CONFIRMED:
        return Change(
            row=row,
            state=State.ALREADY,
            contract_id=record.contract_id,
            reason=f"It was confirmed {told} with other data.",
        )
    if entry.state is State.UNKNOWN:
        return None
    reason = (
        f"It was reported ({record.state.lower()}) {told} with other data."
    )
    return Change(row=row, state=State.UNKNOWN, reason=reason)


def _takes(entry: Entry, record: OrderRecord) -> Change | None:
    contract, reason, state = record.contract_id, None, State.CREATED
    if record.state is OrderState.CONFIRMED:
        state = State.CONFIRMED
        if entry.state is State.PENDING or contract is None:
            state = State.ALREADY
            reason = f"It was confirmed {told_by(record)}."
    elif entry.contract_id == contract:
        # Of one that is unknown all the same, a confirm was refused.
        return None
    return Change(
        row=entry.row,
        state=state,
        contract_id=contract,
        reason=reason,
        strays=int(entry.contract_id not in {None, contract}),
    )


def reader(source: Source) -> Callable[[Entry], Sale]:
    """Return what reads the orders of rows, which must come in order.

    It raises an `InputFileError` if the file has changed meanwhile.
    """
    records = source.records()

    def sale_of(entry: Entry) -> Sale:
        row = entry.row
        record = next((each for each in records if each.number >= row), None)
        sale = None if record is None else source.read(record)
        if (
            isinstance(sale, Sale)
            and sale.order.external_order_id == entry.order_id
        ):
            return sale
        raise InputFileError(
            f"{source.name} changed while it was imported: row {row} is not "
            "what it was. Restore the file, and run the same command again."
        )

    return sale_of


async def look_up(
    once: Once,
    sale_of: Callable[[Entry], Sale],
    terms: Terms,
    entries: Iterator[Entry],
    apply: Callable[[list[Change]], object] = bool,
) -> StoreCounts:
    """Ask a store which orders it knows; `apply` what becomes of each.

    `sale_of` reads an order that the store knows, such as a `reader`.
    """
    told = StoreCounts()
    while batch := [*islice(entries, BATCH)]:
        keys = {key_of(each, terms, once.where): each for each in batch}
        told.new += sum(each.state is State.PENDING for each in batch)
        look = partial(once.store.look, list(keys))
        found = await once.ask(look, once.runtime.now() + PATIENCE)
        changes: list[Change] = []
        for key, entry in keys.items():
            if (record := found.get(key)) is not None:
                sale = sale_of(entry)
                promo = sale.promo_code or terms.promo_code or ""
                digest = await digest_of(once, promo, sale.order)
                careful = not terms.repeats(sale.order)
                action = next_action(
                    record, digest, Goal.ONBOARD, careful=careful
                )
                change = judged(entry, record, action)
                if change is not None:
                    differs = action is Action.MISMATCH
                    told.add(entry, record, change, differs=differs)
                    changes.append(change)
        if changes:
            apply(changes)
    return told


def confirmed_before(
    store: IdempotencyStore, terms: Terms, entries: Iterator[Entry]
) -> Iterator[int]:
    """Yield the rows whose ids are of orders that a store has confirmed."""
    where = place_in(terms.base_url)
    while batch := [*islice(entries, BATCH)]:
        keys = {key_of(each, terms, where): each.row for each in batch}
        found = store.look(list(keys), within=PATIENCE)
        for key, row in keys.items():
            if key in found and found[key].state is OrderState.CONFIRMED:
                yield row


async def ask(
    once: Once, terms: Terms, entry: Entry, sale: Sale
) -> Change | None:
    """Ask the store for an order; return what becomes of it."""
    changes: list[Change] = []
    await look_up(once, lambda _: sale, terms, iter([entry]), changes.extend)
    return changes[0] if changes else None


_UNSETTLED = (State.PENDING, State.INTENT, State.CREATED, State.UNKNOWN)


def settle(
    once: Once | None, source: Source, journal: Journal
) -> StoreCounts | None:
    """Tell a store what a journal says, if it is new to it; then look up.

    What the store knows better is written into the journal.
    """
    if once is None:
        return None
    once = attrs.evolve(once, runtime=BlockingRuntime())
    name = drive(once.name(once.runtime.now() + PATIENCE))
    if not journal.told_to(name):
        drive(adopt(journal, once))
        journal.note_told(name)
    entries = journal.entries(states=_UNSETTLED)
    sale_of = reader(source)
    return drive(look_up(once, sale_of, journal.terms, entries, journal.apply))


_STATES = {
    State.CREATED: OrderState.CREATED,
    State.CONFIRMED: OrderState.CONFIRMED,
    State.ALREADY: OrderState.CONFIRMED,
    State.UNKNOWN: OrderState.UNKNOWN,
    State.INTENT: OrderState.UNKNOWN,
}


async def adopt(journal: Journal, once: Once) -> Counter[str]:
    """Tell a store which orders of a journal may have a contract."""
    terms, result = journal.terms, Counter[str]()
    entries = (
        each
        for each in journal.entries(states=_STATES)
        if each.state is not State.INTENT
        or after_cut(each, terms).state is State.UNKNOWN
    )
    while batch := [*islice(entries, BATCH)]:
        known = [_known(each, terms, once.where) for each in batch]
        result += await tell(once, known)
    return result


def _known(entry: Entry, terms: Terms, where: str) -> OrderRecord:
    state = _STATES[entry.state]
    if state is OrderState.UNKNOWN and entry.contract_id is not None:
        # Its confirm was refused, which can be tried again.
        state = OrderState.CREATED
    return OrderRecord(
        key=key_of(entry, terms, where),
        state=state,
        contract_id=entry.contract_id,
        strays=entry.strays,
        begun_at=entry.at,
        at=entry.at,
        source=terms.source,
    )


def place_in(base_url: str) -> str:
    """Return how a store knows where the orders of an import go."""
    sandbox = base_url.startswith(SANDBOX)
    return base_url if sandbox else place_of(base_url)


def key_of(entry: Entry, terms: Terms, where: str) -> OrderKey:
    """Return how a store knows an order of an import."""
    vendor_id = entry.vendor_id or terms.vendor_id
    return OrderKey(where, vendor_id, str(entry.order_id))


async def digest_of(once: Once, promo_code: str, order: NewContract) -> str:
    """Return the digest by which other data of an order are noticed."""
    content = encode_order(order).decode()
    latest = once.runtime.now() + PATIENCE
    return await once.digest(promo_code, content, latest)


async def tell(once: Once, known: list[OrderRecord]) -> Counter[str]:
    """Tell a store what is known of orders.

    Returns:
        How many are "new" to it, or how they ended; how many are "known" as
        well or better; and how many are "refused": they are being sent, or
        it has their contract for another order.
    """
    adopt = partial(once.store.adopt, known, shared=once.shared)
    answers = await once.ask(adopt, once.runtime.now() + PATIENCE)
    return Counter(map(_answered, answers, known))


def _answered(answer: StoreAnswer, known: OrderRecord) -> str:
    if answer.done:
        return "new"
    record = answer.record
    better = record is not None and (
        record.contract_id is not None or known.contract_id is None
    )
    return "known" if better else "refused"
