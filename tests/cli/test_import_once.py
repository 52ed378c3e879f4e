"""``sesamy import`` sends no order twice, whatever files are called."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import attrs
import pytest

from sesamy_async._wal import wal_of
from sesamy_async.bulk import Importer, ImportSummary
from sesamy_async.idempotency import (
    Holder,
    OrderRecord,
    OrderState,
    SQLiteStore,
)
from sesamy_async.sandbox import Sandbox
from support.command_line import (
    IMPORT,
    ORDERS,
    PROMO,
    CommandLine,
    mend,
    once,
    orders_file,
    own_store,
)


JOURNAL = Path("orders.csv.journal")


def test_monday_and_tuesday(sesamy: CommandLine, served: Sandbox) -> None:
    """What Monday's export had is told in the dry run, and not sent again."""
    orders_file(Path("monday.csv"), 3)
    orders_file(Path("tuesday.csv"), 5)
    monday = sesamy("import", "monday.csv", *PROMO)
    tried = sesamy("import", "tuesday.csv", *PROMO, "--dry-run")
    before = served.ledger.requests("create")
    tuesday = sesamy("import", "tuesday.csv", *PROMO, "--json")
    report = Path("tuesday.already.csv").read_text("utf-8-sig").splitlines()
    first, *_, told, takes = tried.out.splitlines()

    assert (0, 0, 0) == (monday.code, tried.code, tuesday.code)
    assert (3, 5) == (before, served.ledger.requests("create"))
    assert "2 orders can be sent. Nothing was sent." == first
    assert told.startswith(
        f"  The store of orders, {own_store()}, says: 2 new, 3 already "
        "confirmed (first by monday.csv on "
    )
    assert (
        "  That takes 4 calls; a burst of 500 is permitted at once." == takes
    )
    assert (2, 3, 5) == tuple(
        tuesday.json[name] for name in ("confirmed", "already", "done")
    )
    assert "row,externalOrderId,contractId,reason" == report[0]
    assert 4 == len(report)
    assert "It was confirmed by monday.csv on" in report[1]
    assert once(served, 5)


def end_calls() -> None:
    """Let the calls for all orders have ended for certain."""
    with closing(sqlite3.connect(own_store(), isolation_level=None)) as db:
        db.execute(
            "UPDATE orders SET data = json_set(data, '$.busy_until', 0)"
        )


def renamed() -> str:
    """Give the file another name."""
    return str(ORDERS.rename("renamed.csv"))


def copied() -> str:
    """Copy the file."""
    return shutil.copy(ORDERS, "copy.csv")


def moved() -> str:
    """Put the file into an archive, without its journal."""
    Path("archive").mkdir()
    return str(ORDERS.rename("archive/orders.csv"))


def saved_by_a_spreadsheet() -> str:
    """Save the file with other separators, line ends and encoding."""
    text = ORDERS.read_text("utf-8").replace(",", ";")
    path = Path("orders (1).csv")
    path.write_text(text, encoding="utf-8-sig", newline="\r\n")
    return str(path)


def without_journal() -> str:
    """Lose the journal."""
    JOURNAL.unlink()
    return str(ORDERS)


@pytest.mark.parametrize(
    "change",
    [renamed, copied, moved, saved_by_a_spreadsheet, without_journal],
)
def test_the_same_orders_again(
    sesamy: CommandLine, served: Sandbox, change: Callable[[], str]
) -> None:
    """None is sent again, and the dry run says so."""
    orders_file()
    sesamy(*IMPORT)
    file = change()
    tried = sesamy("import", file, *PROMO, "--dry-run", "--json").json
    again = sesamy("import", file, *PROMO)

    assert (0, 3, 0) == (tried["new"], tried["already"], tried["calls"])
    assert (0, "All 3 orders are confirmed, 3 of them before.") == (
        again.code,
        again.out.splitlines()[0],
    )
    assert 3 == served.ledger.requests("create")
    assert once(served, 3)


def test_a_report_of_a_report(sesamy: CommandLine, served: Sandbox) -> None:
    """A mended row is sent once, by whichever file comes first."""
    orders_file(wrong=2)
    whole = ("--skip-invalid",)
    sesamy(*IMPORT, *whole)
    sesamy("import", "orders.rejected.csv", *PROMO, *whole)
    for name in ("orders.rejected.rejected", "orders.rejected"):
        mend(Path(f"{name}.csv"))
    first = sesamy("import", "orders.rejected.rejected.csv", *PROMO)
    copy = shutil.copy("orders.rejected.csv", "orders.rejected (1).csv")
    second = sesamy("import", copy, *PROMO)
    mend(ORDERS)
    third = sesamy(*IMPORT, "--journal", "again.journal")

    assert (0, 0, 0) == (first.code, second.code, third.code)
    assert "The order was confirmed." in second.out
    assert "All 3 orders are confirmed, 3 of them before." in third.out
    assert once(served, 3)


def test_the_wal_is_lost(
    sesamy: CommandLine, served: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the journal has lost, the store knows: nobody has to look."""
    run = Importer.run

    async def copying(importer: Importer) -> ImportSummary:
        summary = await run(importer)
        assert wal_of(JOURNAL).exists()
        shutil.copy(JOURNAL, "moved")
        return summary

    orders_file()
    with monkeypatch.context() as patched:
        patched.setattr(Importer, "run", copying)
        sesamy(*IMPORT)
    Path("moved").replace(JOURNAL)
    refused = sesamy(*IMPORT)
    recovered = sesamy("journal", "recover", ORDERS, "--yes")
    again = sesamy(*IMPORT)

    assert (1, 0, 0) == (refused.code, recovered.code, again.code)
    assert "3 orders became unknown" in recovered.out
    assert "All 3 orders are confirmed." in again.out
    assert 3 == served.ledger.requests("create")
    assert once(served, 3)


def with_other_data() -> None:
    """Change all orders of the file."""
    text = ORDERS.read_text("utf-8").replace("@", "@new.")
    Path("other.csv").write_text(text, encoding="utf-8")


OTHER = ("import", "other.csv", *PROMO)
DIFFERING = (
    "3 orders with an id that was reported before with other data: "
    "row 2, 3, 4."
)


def test_other_data(sesamy: CommandLine, served: Sandbox) -> None:
    """It is skipped with a warning; a strict import sends nothing."""
    orders_file()
    sesamy(*IMPORT)
    with_other_data()
    strict = sesamy(*OTHER, "--strict")
    begun = Path("other.csv.journal").exists()
    tried = sesamy(*OTHER, "--dry-run")
    told = sesamy(*OTHER)
    report = Path("other.already.csv").read_text("utf-8-sig")

    assert (2, False) == (strict.code, begun)
    assert f"Error: {DIFFERING} Correct them, or leave out" in strict.err
    assert f"  {DIFFERING} These rows are not sent.\n" in tried.out
    assert 0 == told.code
    assert f"{DIFFERING} These rows are not sent.\n" in told.err
    assert 3 == report.count("with other data")
    assert once(served, 3)


def test_many_with_other_data(sesamy: CommandLine, served: Sandbox) -> None:
    """The first rows are named, and the others counted."""
    orders_file(count=23)
    sesamy(*IMPORT)
    with_other_data()
    tried = sesamy(*OTHER, "--dry-run")
    strict = sesamy(*OTHER, "--strict", "--sandbox")

    assert "20, 21 and 3 more. These rows are not sent." in tried.out
    assert 0 == strict.code  # Another world.
    assert once(served, 23)


def test_strict_goes_on(sesamy: CommandLine, served: Sandbox) -> None:
    """An import that has begun keeps its journal."""
    orders_file()
    with_other_data()
    served.faults.add("status:401", times=9, on="token")
    begun = sesamy(*OTHER, "--idempotency", "none")
    served.faults.clear()
    sesamy(*IMPORT)
    stopped = sesamy(*OTHER, "--strict")

    assert (1, 2) == (begun.code, stopped.code)
    assert Path("other.csv.journal").exists()
    assert once(served, 3)


def test_created_elsewhere(sesamy: CommandLine, served: Sandbox) -> None:
    """What has a contract is confirmed, which takes one call."""
    orders_file()
    sesamy(*IMPORT, "--confirm", "no")
    file = copied()
    tried = sesamy("import", file, *PROMO, "--dry-run")
    ran = sesamy("import", file, *PROMO)

    assert "3 orders can be sent. Nothing was sent.\n" in tried.out
    assert "0 new, 3 created.\n  That takes 3 calls" in tried.out
    assert "All 3 orders are confirmed.\n" in ran.out
    assert 3 == served.ledger.total
    assert once(served, 3)


def known(order_id: str, sandbox: Sandbox) -> OrderRecord | None:
    """Return what the store knows of an order."""
    del sandbox
    store = SQLiteStore(own_store())
    found = [*store.entries(external_order_id=order_id, within=1.0)]
    store.close()
    return found[0] if found else None


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (("--created", "c9"), OrderState.CREATED),
        (("--created", "c9", "--confirmed"), OrderState.CONFIRMED),
    ],
)
def test_resolve(
    sesamy: CommandLine,
    served: Sandbox,
    found: tuple[str, ...],
    state: OrderState,
) -> None:
    """What somebody has found out counts for all who share the store."""
    served.faults.add("drop-after", on="create")
    orders_file(count=1)
    sent = sesamy(*IMPORT, "--no-strays")
    before = known("T-1", served)
    wrong = sesamy("journal", "resolve", ORDERS, "T-1", "--not-created")
    end_calls()
    settled = sesamy("journal", "resolve", ORDERS, "T-1", *found)
    after = known("T-1", served)

    assert before is not None
    assert after is not None
    assert (4, 2, 0) == (sent.code, wrong.code, settled.code)
    assert OrderState.UNKNOWN is before.state
    assert "T-1' has a call that may be under way for 1" in wrong.err
    assert (state, "c9") == (after.state, after.contract_id)


def test_not_created(sesamy: CommandLine, served: Sandbox) -> None:
    """An order without a contract is sent again, by whichever file."""
    served.faults.add("drop-before", on="create")
    orders_file(count=1)
    sent = sesamy(*IMPORT, "--no-strays", "--deadline", "2")
    end_calls()
    settled = sesamy("journal", "resolve", ORDERS, "T-1", "--not-created")
    again = sesamy(*IMPORT, "--no-strays", "--deadline", "2")

    assert (4, 0, 0) == (sent.code, settled.code, again.code)
    assert once(served, 1)


def test_what_the_store_has_can_not_be_settled_otherwise(
    sesamy: CommandLine, served: Sandbox
) -> None:
    """Neither another contract, nor that of another order, nor none."""
    served.faults.add("drop-after", times=2, on="create")
    orders_file(count=3)
    sesamy(*IMPORT, "--no-strays", "--concurrency", 1)
    end_calls()
    third = known("T-3", served)
    assert third is not None
    doubt = known("T-1", served)
    assert doubt is not None
    store = SQLiteStore(own_store())
    made = attrs.evolve(doubt, state=OrderState.CREATED, contract_id="c1")
    store.adopt([made], within=1.0)
    store.close()
    resolve = ("journal", "resolve", ORDERS)
    said = [
        sesamy(*resolve, "T-1", "--created", "c2").err,
        sesamy(*resolve, "T-2", "--created", "c1").err,
        sesamy(*resolve, "T-1", "--not-created").err,
    ]

    assert "order 'T-1' has contract c1, which may give access" in said[0]
    assert "order 'T-2' can't have the contract of order 'T-1'" in said[1]
    assert "order 'T-1' has contract c1, which may give access" in said[2]


@pytest.mark.parametrize("claimed", [True, False])
def test_somebody_sends_it(
    sesamy: CommandLine, served: Sandbox, *, claimed: bool
) -> None:
    """An order that is being sent can't be settled until that has ended."""
    served.faults.add("drop-after", on="create")
    orders_file(count=1)
    sesamy(*IMPORT, "--no-strays")
    end_calls()
    record = known("T-1", served)
    assert record is not None
    store = SQLiteStore(own_store())
    if claimed:
        store.forget(record, within=1.0)
        store.claim(record.key, Holder(token="t"), within=1.0)
    store.close()
    ran = sesamy("journal", "resolve", ORDERS, "T-1", "--created", "c")

    assert (2 if claimed else 0) == ran.code
    assert ("may be under way" in ran.err) is claimed


def test_without_a_store(sesamy: CommandLine, served: Sandbox) -> None:
    """It says that there is none; then only the journal knows."""
    orders_file(count=2)
    none = ("--idempotency", "none")
    tried = sesamy(*IMPORT, *none, "--dry-run")
    served.faults.add("drop-after", on="create")
    first = sesamy(*IMPORT, *none, "--no-strays", "--concurrency", "1")
    settled = sesamy(
        *("journal", "resolve", ORDERS, "T-1", "--created", "c1"), *none
    )
    file = renamed()
    again = sesamy("import", file, *PROMO, *none)

    assert "  There is no store of orders.\n" in tried.out
    assert (4, 0, 0) == (first.code, settled.code, again.code)
    assert not own_store().exists()
    assert 2 == served.ledger.count("T-2")


def test_a_rehearsal_does_not_count(
    sesamy: CommandLine, served: Sandbox
) -> None:
    """What was sent to a sandbox was not reported to Sesamy."""
    orders_file()
    tried = sesamy(*IMPORT, "--sandbox", "--journal", "try.journal")
    again = sesamy(
        *(*IMPORT, "--sandbox", "--journal", "try.journal", "--dry-run"),
    )
    real = sesamy(*IMPORT)

    assert (0, 0, 0) == (tried.code, again.code, real.code)
    assert "0 new, 3 already confirmed" in again.out
    assert "All 3 orders are confirmed.\n" in real.out
    assert once(served, 3)


def test_where_somebody_has_to_look(
    sesamy: CommandLine, served: Sandbox
) -> None:
    """An order in doubt stays in doubt under another name of the file."""
    served.faults.add("drop-after", on="create")
    orders_file()
    first = sesamy(*IMPORT, "--no-strays")
    file = copied()
    tried = sesamy("import", file, *PROMO, "--dry-run")
    second = sesamy("import", file, *PROMO)

    assert (4, 4) == (first.code, second.code)
    assert "1 in doubt" in tried.out
    assert 3 == served.ledger.total


def test_a_repeated_row(sesamy: CommandLine, served: Sandbox) -> None:
    """A row that repeats another one is not sent by its report either."""
    lines = orders_file().read_text("utf-8").splitlines()
    ORDERS.write_text("\n".join([*lines, lines[1]]), encoding="utf-8")
    first = sesamy(*IMPORT, "--skip-invalid")
    report = sesamy("import", "orders.rejected.csv", *PROMO)

    assert (3, 0) == (first.code, report.code)
    assert "The order was confirmed." in report.out
    assert once(served, 3)
