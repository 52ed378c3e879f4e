"""A corrected report is imported; no changed id makes another order."""

from __future__ import annotations

from pathlib import Path

import pytest

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
    assert (
        "orders.rejected.csv was not overwritten: it was changed" in again.out
    )
    assert ["orders.rejected.csv"] == machines.json["kept"]
    assert [0, 3, 0] == codes
    assert text == REPORT.read_text("utf-8-sig")
    assert 3 == served.ledger.total
    assert once(served, 3)


def test_changed_id(sesamy: CommandLine, served: Sandbox) -> None:
    """An order whose id was changed is not sent, until somebody decides.

    If it is left out, the next report has it, and guards the first id.
    """
    sesamy(*WHOLE)
    text = mend(REPORT).replace(",T-1,", ",T-4,")
    REPORT.write_text(text, encoding="utf-8-sig")
    refused = sesamy(*MENDED)
    tried = sesamy(*MENDED, "--dry-run")
    left_out = sesamy(*MENDED, "--skip-invalid")
    nexts = sesamy("import", "orders.rejected.rejected.csv", *PROMO)
    told = "row 2, externalOrderId: was 'T-1', and is 'T-4' here; did a"

    assert [2, 2, 3, 2] == [
        each.code for each in (refused, tried, left_out, nexts)
    ]
    assert all(told in each.err for each in (refused, tried, nexts))
    assert 2 == served.ledger.total

    last = Path("orders.rejected.rejected.csv")
    text = last.read_text("utf-8-sig").replace(",T-4,", ",T-1,")
    last.write_text(text, encoding="utf-8-sig")

    assert 0 == sesamy("import", str(last), *PROMO).code
    assert once(served, 3)
