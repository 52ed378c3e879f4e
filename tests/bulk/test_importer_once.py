"""An import over a store of orders sends none that was told before."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from sesamy_async._once import place_of
from sesamy_async.bulk import Confirm, Ending, Importer, Row, Sale, State
from sesamy_async.bulk._steps import Steps
from sesamy_async.bulk.journal._writer import Writer
from sesamy_async.idempotency import (
    Holder,
    MemoryStore,
    OrderKey,
    OrderRecord,
    OrderState,
    StoreUnavailable,
)
from support.import_world import World
from support.journals import bring, change
from support.sources import Listed, listed


STORED = "c-stored"
DAY = 1_800_000_000.0
BY = "by orders-17.csv on 2027-01-15 with other data."


@attrs.frozen
class Mended(Listed):
    """Orders of which each has another quantity."""

    quantity: int = 2
    method: str = "CARD"

    def read(self, record: Row) -> Any:
        """Return the order of a row."""
        sale = super().read(record)
        if not isinstance(sale, Sale):
            return sale
        order = attrs.evolve(
            sale.order,
            quantity=self.quantity,
            payment_method=self.method,
        )
        return attrs.evolve(sale, order=order)


@pytest.fixture
def store() -> MemoryStore:
    """Return a store that knows nothing."""
    return MemoryStore()


def key(world: World, row: int) -> OrderKey:
    """Return how a store knows an order of a world."""
    terms = world.terms
    return OrderKey(place_of(terms.base_url), terms.vendor_id, f"A-{row}")


def tell(
    store: MemoryStore, world: World, row: int, state: OrderState, **more: Any
) -> None:
    """Let a store know an order."""
    made = state in {OrderState.CREATED, OrderState.CONFIRMED}
    record = OrderRecord(
        key=key(world, row),
        state=state,
        contract_id=STORED if made else None,
        begun_at=DAY,
        source="orders-17.csv",
    )
    store.adopt([attrs.evolve(record, **more)], within=1.0)


def known(store: MemoryStore, world: World) -> Mapping[int, OrderState]:
    """Return what a store knows, by row."""
    return {
        int(each.key.external_order_id[2:]): each.state
        for each in store.entries(within=1.0)
        if each.key.where == key(world, 2).where
    }


def states(world: World) -> list[State]:
    """Return the states that the journal has."""
    with world.journal() as journal:
        return [each.state for each in journal.entries()]


def tuesday(world: World, count: int, folder: str = "tuesday") -> World:
    """Return the import of another file into the same sandbox."""
    path = world.folder / folder
    path.mkdir()
    return attrs.evolve(world, folder=path, source=listed(count))


@pytest.mark.parametrize("confirm", Confirm)
async def test_a_cumulative_export(
    tmp_path: Path, store: MemoryStore, confirm: Confirm
) -> None:
    """What Monday's file had is not sent again by Tuesday's."""
    monday = World(folder=tmp_path, source=listed(5), confirm=confirm)
    first = await monday.run(idempotency=store)
    other = tuesday(monday, 8)
    second = await other.run(idempotency=store)
    third = await other.run(idempotency=store)

    assert (5, 0) == (first.done, first.already)
    assert (8, 5 if confirm.goal is State.CONFIRMED else 0) == (
        second.done,
        second.already,
    )
    assert [3 * confirm.calls, 0] == [second.calls, third.calls]
    assert [1] * 8 == other.created()
    assert other.confirmed() == [int(confirm is not Confirm.NO)] * 8


async def test_a_journal_that_is_lost(
    world: World, store: MemoryStore
) -> None:
    """Without its journal, an import knows all the same what was told."""
    await world.run(idempotency=store, watch=lambda importer: importer.stop())
    await world.run(idempotency=store)
    world.path.unlink()
    again = await world.run(idempotency=store)

    assert (5, 5, 0) == (again.done, again.already, again.calls)
    assert [State.ALREADY] * 5 == states(world)


async def test_where_it_was_told(world: World, store: MemoryStore) -> None:
    """The report can say by which file, and when; the store knows it."""
    tell(store, world, 2, OrderState.CONFIRMED)
    tell(store, world, 3, OrderState.CONFIRMED, source=None, contract_id=None)
    await world.run(idempotency=store)
    with world.journal() as journal:
        first, second, third, *_ = journal.entries()
    [record] = store.look([key(world, 4)], within=1.0).values()

    assert "It was confirmed by orders-17.csv on 2027-01-15." == first.reason
    assert "It was confirmed on 2027-01-15." == second.reason
    assert (None, "orders.csv") == (third.reason, record.source)


@pytest.mark.parametrize("confirm", Confirm)
@pytest.mark.parametrize(
    "case",
    [
        (OrderState.CONFIRMED, State.PENDING, State.ALREADY),
        (OrderState.CONFIRMED, State.INTENT, State.CONFIRMED),
        (OrderState.CONFIRMED, State.CREATED, State.CONFIRMED),
        (OrderState.CONFIRMED, State.UNKNOWN, State.CONFIRMED),
        (OrderState.CREATED, State.PENDING, State.CREATED),
        (OrderState.CREATED, State.INTENT, State.CREATED),
        (OrderState.CREATED, State.UNKNOWN, State.CREATED),
        (OrderState.UNKNOWN, State.PENDING, State.UNKNOWN),
        (OrderState.UNKNOWN, State.INTENT, State.UNKNOWN),
        (OrderState.UNKNOWN, State.UNKNOWN, State.UNKNOWN),
        (OrderState.REFUSED, State.PENDING, State.PENDING),
        (OrderState.REFUSED, State.INTENT, State.PENDING),
        (OrderState.REFUSED, State.UNKNOWN, State.PENDING),
    ],
)
async def test_the_store_wins(
    tmp_path: Path,
    store: MemoryStore,
    confirm: Confirm,
    case: tuple[OrderState, State, State],
) -> None:
    """What it knows is put into the journal, with its contract, no strays."""
    state, before, after = case
    world = World(folder=tmp_path, source=listed(1), confirm=confirm)
    with world.journal() as journal:
        async with world.client(idempotency=store) as client:
            # The journal has been told to the store.
            await Importer(client, world.source, journal).look_up()
            if before is State.CREATED:
                journal.apply([change(2, State.INTENT)])
                contract = change(2, before, contract_id=STORED)
                journal.apply([contract])
            else:
                bring(journal, 2, before)
            tell(store, world, 2, state)
            importer = Importer(client, world.source, journal)
            await importer.look_up()
            [entry] = journal.entries()

    assert (after, 0) == (entry.state, entry.strays)
    made = state in {OrderState.CREATED, OrderState.CONFIRMED}
    assert (STORED if made else None) == entry.contract_id


@pytest.mark.parametrize("before", [State.INTENT, State.UNKNOWN])
@pytest.mark.parametrize("confirm", Confirm)
async def test_a_claim_that_has_run_out(
    tmp_path: Path, store: MemoryStore, confirm: Confirm, before: State
) -> None:
    """Where a create may be repeated, it leaves a stray at worst."""
    world = World(folder=tmp_path, source=listed(1), confirm=confirm)
    with world.journal() as journal:
        async with world.client(idempotency=store) as client:
            await Importer(client, world.source, journal).look_up()
            bring(journal, 2, before)
            tell(store, world, 2, OrderState.CLAIMED, contract_id=None)
            await Importer(client, world.source, journal).look_up()
            [entry] = journal.entries()

    careful = confirm is Confirm.AT_ONCE
    expected = (State.UNKNOWN, 0) if careful else (State.PENDING, 1)
    assert expected == (entry.state, entry.strays)


@pytest.mark.parametrize("confirm", Confirm)
async def test_created_by_another_call(
    world: World, store: MemoryStore, confirm: Confirm
) -> None:
    """Its contract is confirmed, if that is the goal, and no other made."""
    world.confirm = confirm
    async with world.client(idempotency=store) as client:
        sale: Any = world.source.read(next(world.source.records()))
        contract = await client.contracts.create("SPRING-12", sale.order)
    summary = await world.run(idempotency=store)
    with world.journal() as journal:
        first = next(journal.entries())

    assert (5, contract.id) == (summary.done, first.contract_id)
    assert [1] * 5 == world.created()
    assert [int(confirm is not Confirm.NO)] * 5 == world.confirmed()


@pytest.mark.parametrize(
    ("state", "ends", "reason"),
    [
        (
            OrderState.CONFIRMED,
            State.ALREADY,
            f"It was confirmed {BY}",
        ),
        (
            OrderState.CREATED,
            State.UNKNOWN,
            f"It was reported (created) {BY}",
        ),
        (
            OrderState.UNKNOWN,
            State.UNKNOWN,
            f"It was reported (unknown) {BY}",
        ),
    ],
)
async def test_other_data(
    world: World,
    store: MemoryStore,
    state: OrderState,
    ends: State,
    reason: str,
) -> None:
    """An order that was told with other data is never sent."""
    tell(store, world, 2, state, digest="1:of something else")
    summary = await world.run(idempotency=store)
    with world.journal() as journal:
        first = next(journal.entries())
    again = await world.run(idempotency=store)

    assert (ends, reason) == (first.state, first.reason)
    assert (5, 8) == (summary.done + summary.unknown, summary.calls)
    assert (0, summary.unknown) == (again.calls, again.unknown)
    assert 0 == world.sandbox.ledger.count("A-2")


async def test_a_mended_row(world: World, store: MemoryStore) -> None:
    """What Sesamy refused comes back mended under its old id."""
    world.sandbox.faults.add("status:422", on="create")
    first = await world.run(idempotency=store, concurrency=1)
    mended = tuesday(world, 5)
    mended.source = Mended(("A-2",))
    second = await mended.run(idempotency=store)

    assert (4, 1) == (first.confirmed, first.rejected)
    assert (1, 1) == (second.rows, second.confirmed)
    assert [1] * 5 == world.confirmed()


async def test_an_import_of_before(world: World, store: MemoryStore) -> None:
    """A store is told what a journal says that was begun without one."""
    with world.journal() as journal:
        for row, state in enumerate(
            (State.CONFIRMED, State.CREATED, State.UNKNOWN, State.INTENT), 2
        ):
            bring(journal, row, state)
        bring(journal, 6, State.INTENT)
        journal.apply([change(6, State.INTENT, reason="It may not.")])
        refused = change(3, State.UNKNOWN, reason="Its confirm was refused.")
        journal.apply([refused])
        async with world.client(idempotency=store) as client:
            for _ in range(2):
                await Importer(client, world.source, journal).look_up()
        found = [each.state for each in journal.entries()]

    assert known(store, world) == {
        2: OrderState.CONFIRMED,
        3: OrderState.CREATED,
        4: OrderState.UNKNOWN,
        6: OrderState.UNKNOWN,
    }
    assert found == [
        State.CONFIRMED,
        State.UNKNOWN,
        State.UNKNOWN,
        State.PENDING,
        State.UNKNOWN,
    ]


async def test_another_store_is_told_too(
    world: World, store: MemoryStore
) -> None:
    """Each store is told once."""
    await world.run(idempotency=store)
    other = MemoryStore()
    await world.run(idempotency=other)
    [record] = store.look([key(world, 2)], within=1.0).values()
    store.forget(record, within=1.0)
    await world.run(idempotency=store)

    assert {*range(2, 7)} == {*known(other, world)}
    assert {*range(3, 7)} == {*known(store, world)}


async def test_a_vendor_of_its_own(tmp_path: Path, store: MemoryStore) -> None:
    """An order is looked up under the publisher of its row."""
    world = World(folder=tmp_path, source=listed(1))
    tell(store, world, 2, OrderState.CONFIRMED)
    with world.journal() as journal:
        journal._store._db.execute("UPDATE orders SET vendor_id = 'other'")
        async with world.client(idempotency=store) as client:
            told = await Importer(client, world.source, journal).look_up()

    assert told is not None
    assert (1, 0) == (told.new, told.already)


@attrs.define(eq=False)
class Failing(MemoryStore):
    """A store that fails so often, once it is told to."""

    failures: int = 0
    only: str = "write"

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    def _fail(self, what: str) -> None:
        if self.failures and what == self.only:
            self.failures -= 1
            error = StoreUnavailable("It is away.")
            error.transient = False
            raise error

    def write(self, *arguments: Any, **more: Any) -> Any:
        """Fail, or take steps."""
        self._fail("write")
        return super().write(*arguments, **more)

    def read(self, *arguments: Any, **more: Any) -> Any:
        """Fail, or read."""
        self._fail("read")
        return super().read(*arguments, **more)


async def test_no_store_at_the_beginning(world: World) -> None:
    """Nothing is sent if it can't be asked what was told."""
    failing = Failing(failures=1, only="read")
    with pytest.raises(StoreUnavailable, match="away"):
        await world.run(idempotency=failing)

    assert [0] * 5 == world.created()
    assert [State.PENDING] * 5 == states(world)
    assert 5 == (await world.run(idempotency=failing)).done


@pytest.mark.parametrize("only", ["read", "write"])
@pytest.mark.parametrize("confirm", Confirm)
async def test_a_store_that_goes_away(
    world: World, confirm: Confirm, only: str
) -> None:
    """It is an outage: no order is rejected, lost or doubled."""
    world.confirm = confirm
    failing = Failing(only=only)

    async def later(importer: Importer) -> None:
        await importer.look_up()
        failing.failures = 3

    with world.journal() as journal:
        async with world.client(idempotency=failing) as client:
            importer = Importer(
                client,
                world.source,
                journal,
                concurrency=1,
                runtime=world.runtime,
            )
            await later(importer)
            summary = await importer.run()
    failing.failures = 0
    again = await world.run(idempotency=failing)

    assert (0, 5) == (summary.rejected, again.done + again.unknown)
    assert {0, 1} >= set(world.confirmed())
    assert sum(world.created()) <= 5 + again.strays


async def test_somebody_else_is_at_work(
    tmp_path: Path, store: MemoryStore
) -> None:
    """The create waits for the other call, and goes on by its outcome."""
    world = World(folder=tmp_path, source=listed(1))
    holder = Holder(token="t", lasts=0.5)
    with world.journal() as journal:
        async with world.client(idempotency=store) as client:
            importer = Importer(client, world.source, journal)
            await importer.look_up()
            store.claim(key(world, 2), holder, within=1.0)
            store.first(
                key(world, 2),
                holder,
                STORED,
                confirmed=False,
                shared=False,
                within=1.0,
            )
            store.mark(
                key(world, 2),
                OrderState.CONFIRMED,
                token="t",
                contract_id=STORED,
                within=1.0,
            )
            summary = await importer.run()

    assert (1, 1, 0, 0) == (
        summary.done,
        summary.already,
        summary.calls,
        world.sandbox.ledger.total,
    )


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("method", ["INVOICE", "CARD"])
@pytest.mark.parametrize(
    ("strays", "repeated"),
    [(None, {"CARD"}), (True, {"CARD", "INVOICE"}), (False, set[str]())],
)
async def test_an_order_that_may_have_an_invoice(
    tmp_path: Path,
    strays: bool | None,
    repeated: set[str],
    method: str,
    *,
    stored: bool,
) -> None:
    """Its lost create is repeated only if that is asked for."""
    source = Mended(("A-2", "A-3"), quantity=1, method=method)
    world = World(folder=tmp_path, source=source, strays=strays)
    given = MemoryStore() if stored else False
    world.sandbox.faults.add("drop-after", on="create")
    summary = await world.run(idempotency=given, concurrency=1)
    again = await world.run(idempotency=given)
    once = method in repeated

    assert (1 + once, 1 - once, once) == (
        summary.confirmed,
        summary.unknown,
        summary.strays,
    )
    assert (0, summary.unknown) == (again.calls, again.unknown)
    assert 2 + once == sum(world.created())


@pytest.mark.parametrize(
    ("method", "state"),
    [("INVOICE", State.UNKNOWN), ("CARD", State.PENDING)],
)
async def test_an_invoice_that_was_cut_off(
    tmp_path: Path, method: str, state: State
) -> None:
    """The journal says which interrupted creates may be repeated."""
    source = Mended(("A-2",), method=method)
    world = World(folder=tmp_path, source=source)

    with world.journal() as journal:
        async with world.client() as client:
            steps = Steps(client, source, journal, Writer(journal))
            claim = await steps.claim()
            assert claim is not None
            await steps.record_intent(claim, 0)
        journal.restart()
        [entry] = journal.entries()

    assert state is entry.state


@pytest.mark.parametrize("stored", [True, False])
async def test_a_confirm_that_another_call_was_faster_with(
    tmp_path: Path, store: MemoryStore, *, stored: bool
) -> None:
    """A refused second confirm is asked about, and else looked at."""
    world = World(folder=tmp_path, source=listed(1))
    async with world.client(idempotency=store) as client:
        sale: Any = world.source.read(next(world.source.records()))
        contract = await client.contracts.create("SPRING-12", sale.order)
    answer = world.sandbox.answer

    def refuse(request: Any, arrival: Any) -> Any:
        if "confirm/" in request.path:
            if stored:
                store.mark(
                    key(world, 2),
                    OrderState.CONFIRMED,
                    token="",
                    contract_id=contract.id,
                    within=1.0,
                )
            world.sandbox.faults.add("status:409", on="confirm")
            arrival = world.sandbox.receive(request.method, request.path)
        return answer(request, arrival)

    world.sandbox.answer = refuse  # type: ignore[method-assign]
    summary = await world.run(idempotency=store)

    assert (stored, not stored) == (summary.confirmed, summary.unknown)


async def test_a_confirm_that_can_not_be_read(
    world: World, store: MemoryStore
) -> None:
    """It was done, and the store is told so."""
    world.sandbox.faults.add("malformed", times=9, on="confirm")
    summary = await world.run(idempotency=store)

    assert 5 == summary.confirmed
    assert {OrderState.CONFIRMED} == {*known(store, world).values()}


async def test_a_file_that_has_changed(
    world: World, store: MemoryStore
) -> None:
    """Then nothing is looked up, and nothing sent."""
    for row in range(2, 7):
        tell(store, world, row, OrderState.CONFIRMED, contract_id=None)
    world.journal().close()
    world.source = listed(1)
    summary = await world.run(idempotency=store)

    assert (Ending.FILE, 5) == (summary.ending, summary.unprocessed)


async def test_a_store_that_forgets(
    tmp_path: Path, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it answered and does not know any more is tried again."""
    world = World(folder=tmp_path, source=listed(1))

    async def forgotten(*_: object) -> None:
        monkeypatch.undo()

    with world.journal() as journal:
        async with world.client(idempotency=store) as client:
            importer = Importer(
                client, world.source, journal, runtime=world.runtime
            )
            await importer.look_up()
            tell(store, world, 2, OrderState.CONFIRMED)
            monkeypatch.setattr("sesamy_async.bulk._steps.ask", forgotten)
            summary = await importer.run()

    assert (1, 0) == (summary.already, summary.calls)


@pytest.mark.parametrize(
    ("state", "more", "ends"),
    [
        (OrderState.CONFIRMED, {"digest": "1:other"}, State.ALREADY),
        (OrderState.CREATED, {"digest": "1:other"}, State.UNKNOWN),
        (OrderState.UNKNOWN, {}, State.UNKNOWN),
        (OrderState.CREATED, {}, State.CREATED),
    ],
)
async def test_told_after_the_look_up(
    tmp_path: Path,
    store: MemoryStore,
    state: OrderState,
    more: dict[str, str],
    ends: State,
) -> None:
    """What another call tells meanwhile counts as if it had been before."""
    world = World(folder=tmp_path, source=listed(1), confirm=Confirm.NO)
    with world.journal() as journal:
        async with world.client(idempotency=store) as client:
            importer = Importer(client, world.source, journal)
            await importer.look_up()
            tell(store, world, 2, state, **more)
            summary = await importer.run()
        [entry] = journal.entries()

    assert (ends, 0, 0) == (
        entry.state,
        summary.calls,
        world.sandbox.ledger.total,
    )


async def test_what_can_not_be_sent(world: World, store: MemoryStore) -> None:
    """It is rejected before it is sent, and the store knows nothing of it."""
    world.source = Listed(world.source.ids, {"A-2": "a\nb"})
    summary = await world.run(idempotency=store)

    assert (4, 1) == (summary.confirmed, summary.rejected)
    assert {3, 4, 5, 6} == {*known(store, world)}
