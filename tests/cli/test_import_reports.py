"""The import of a corrected report sends no order of another import."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sesamy_async.bulk import Importer
from sesamy_async.bulk.journal import Journal
from sesamy_async.sandbox import Sandbox
from support.command_line import (
    IMPORT,
    PROMO,
    CommandLine,
    mend,
    once,
    orders_file,
)


WHOLE = (*IMPORT, "--skip-invalid")
REPORT = Path("orders.rejected.csv")
MENDED = ("import", str(REPORT), *PROMO)
KNOWN = "its externalOrderId is that of row 3 of orders.csv, which is conf"


@pytest.fixture(autouse=True)
def _orders(tmp_path: Path, served: Sandbox) -> None:
    """Write a file of orders, of which the one of row 2 is wrong."""
    del served
    orders_file(tmp_path / "orders.csv", wrong=2)


def test_imported(sesamy: CommandLine, served: Sandbox) -> None:
    """A corrected report can be imported, and is not overwritten."""
    first = sesamy(*WHOLE)
    text = mend(REPORT)
    again = sesamy(*WHOLE)
    machines = sesamy(*WHOLE, "--json")
    codes = [sesamy(*each).code for each in (MENDED, WHOLE, MENDED)]

    assert "3 rows (1 left out)" in first.err
    assert [3, 3, 3] == [first.code, again.code, machines.code]
    assert "orders.rejected.csv was changed since it was written" in again.out
    assert ["orders.rejected.csv"] == machines.json["kept"]
    assert [0, 3, 0] == codes
    assert text == REPORT.read_text("utf-8-sig")
    assert 3 == served.ledger.total
    assert once(served, 3)


def test_id_of_another_order(sesamy: CommandLine, served: Sandbox) -> None:
    """An order whose new id is that of a confirmed order is not sent.

    If it is left out, the next report has it, and does not send it either.
    """
    sesamy(*WHOLE)
    mend(REPORT, "T-2")
    refused = sesamy(*MENDED)
    tried = sesamy(*MENDED, "--dry-run")
    total = served.ledger.total
    header, row = REPORT.read_text("utf-8-sig").splitlines()
    rows = "\n".join([header, row.replace("T-2", "T-1"), row])
    REPORT.write_text(rows, encoding="utf-8")
    mended = sesamy(*MENDED, "--skip-invalid", "--json")
    nexts = sesamy("import", "orders.rejected.rejected.csv", *PROMO)

    assert (2, 2, 2) == (refused.code, tried.code, total)
    assert f"row 2: {KNOWN}" in refused.err
    assert f"row 2: {KNOWN}" in tried.err
    assert (3, 2) == (mended.code, nexts.code)
    assert (1, 1) == (mended.json["confirmed"], mended.json["rejected"])
    assert KNOWN in Path("orders.rejected.rejected.csv").read_text("utf-8")
    assert "row 2: this row was left out because it repeats" in nexts.err
    assert once(served, 3)


def test_at_the_same_moment(
    sesamy: CommandLine, served: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two reports that are checked at once, one sends an order."""
    sesamy(*WHOLE)
    mend(REPORT)
    other = REPORT.with_name("orders.rejected.2.csv")
    other.write_bytes(REPORT.read_bytes())
    create = Journal.create
    codes: list[int] = []

    def late(path: Path, *more: Any, **how: Any) -> Journal:
        if path.name.startswith(REPORT.name):
            codes.append(sesamy("import", other, *PROMO).code)
        return create(path, *more, **how)

    monkeypatch.setattr(Journal, "create", late)
    mended = sesamy(*MENDED)
    again = sesamy("import", other, *PROMO)

    assert ([1], 0, 2) == (codes, mended.code, again.code)
    assert once(served, 3)


def test_while_it_runs(
    sesamy: CommandLine, served: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once its own journal is there, its parent may be used."""
    sesamy(*WHOLE)
    mend(REPORT)
    run = Importer.run

    async def meanwhile(importer: Importer) -> Any:
        Journal.open(Path("orders.csv.journal")).close()
        return await run(importer)

    monkeypatch.setattr(Importer, "run", meanwhile)
    mended = sesamy(*MENDED)
    # It has begun: it goes on without a look at the others.
    with Journal.open(Path("orders.csv.journal")):
        monkeypatch.setattr(Importer, "run", run)
        again = sesamy(*MENDED)

    assert (0, 0) == (mended.code, again.code)
    assert once(served, 3)


def test_rehearsed_when_begun(sesamy: CommandLine) -> None:
    """A rehearsal does not take its own orders for those of another."""
    own = ("--journal", "orders.rejected.7.csv.journal")
    sesamy(*WHOLE)
    mend(REPORT)
    mended = sesamy(*MENDED, *own)
    tried = sesamy(*MENDED, *own, "--dry-run")

    assert (0, 0) == (mended.code, tried.code)
