"""A corrected report is imported; no changed id makes another order."""

from __future__ import annotations

from pathlib import Path

import pytest

from sesamy_async.idempotency import StoreUnavailable
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


def test_counted(sesamy: CommandLine) -> None:
    """What a report has done counts, and everywhere in the same way."""
    page = Path("page.html")
    sesamy(*WHOLE)
    mend(REPORT)
    sesamy(*MENDED)
    again = sesamy(*WHOLE, "--report", page)
    said = "3 rows, all done: 2 confirmed here, 1 by orders.rejected.csv."
    html = page.read_text("utf-8")
    shown = sesamy("journal", "show", "orders.csv")
    machines = sesamy("journal", "show", "orders.csv", "--json")

    assert again.out.startswith(f"{said}\n")
    assert f"orders.csv: {said}\n" in shown.out
    assert f"<h1>{said}</h1>" in html
    assert '<header class="good">' in html
    assert "1 of these are done; see above." in html
    assert "Nothing: all is done." in html
    for each in (again.out, html):
        assert "correct the rows" not in each
        assert "sesamy import orders.rejected" not in each
    assert (
        machines.json["chain"] == sesamy(*WHOLE, "--json").json["chain"] != {}
    )


def test_still_open(sesamy: CommandLine) -> None:
    """What no report has done is listed, with what to do."""
    page = Path("page.html")
    orders_file(wrong=2)
    text = Path("orders.csv").read_text("utf-8")
    Path("orders.csv").write_text(text.replace("kim3@", "kim3(at)"), "utf-8")
    sesamy(*WHOLE)
    [header, first, _] = mend(REPORT).splitlines()
    REPORT.write_text(f"{header}\n{first}\n", "utf-8-sig")
    sesamy(*MENDED)
    again = sesamy(*WHOLE, "--report", page)
    html = page.read_text("utf-8")
    said = (
        "3 rows: 1 confirmed here, 1 by orders.rejected.csv, 1 still open: "
        "row 4."
    )

    assert again.out.startswith(f"{said}\n")
    assert (
        "\nStill open:\n  row 4: left out of orders.rejected.csv" in again.out
    )
    for each in (again.out, html):
        assert "1 row rejected: see " in each
    assert f"<h1>{said}</h1>" in html
    assert '<header class="mixed">' in html
    assert '<td data-name="Why">left out of orders.rejected.csv</td>' in html


def test_left_out(sesamy: CommandLine) -> None:
    """Rows that a filter leaves out are counted apart."""
    page = Path("page.html")
    mapping = 'ignore = ["userData.fullName"]\n[filter]\nquantity = "1"\n'
    Path("orders.csv.mapping.toml").write_text(mapping, "utf-8")
    text = orders_file(count=4).read_text("utf-8").replace("D,1,", "D,2,", 2)
    Path("orders.csv").write_text(text, "utf-8")
    said = (
        "2 more rows of the file left out by the filter of the mapping: not "
        "counted here, and in no report."
    )
    first = sesamy(*IMPORT, "--report", page)
    again = sesamy(*IMPORT, "--json")

    assert first.out.startswith("All 2 orders are confirmed.\n")
    assert f"{said}\n" in first.out
    assert f"<td>{said}</td></tr></tfoot>" in page.read_text("utf-8")
    assert 2 == again.json["left_out"]


def test_done_before(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody corrects again what was corrected on the day before.

    The file of the next day has the same mistakes.
    """
    sesamy(*WHOLE)
    mend(REPORT)
    sesamy(*MENDED)
    text = Path("orders.csv").read_text("utf-8")
    last = text.splitlines()[-1].replace("@", "(at)")
    tuesday = [text, *(last.replace("T-3", f"T-{n}") for n in (4, 5))]
    Path("tuesday.csv").write_text("\n".join(tuesday), "utf-8")
    ran = sesamy("import", "tuesday.csv", *PROMO, "--skip-invalid")
    again = ("import", "tuesday.csv", *PROMO, "--skip-invalid", "--json")
    first = sesamy(*again).json["rejected_done"]
    said = (
        "1 rejected row with the id of an order that was confirmed before, "
        "so do not correct and import it again: row 2.\n"
    )

    assert "3 rows rejected: " in ran.out
    assert said in ran.out
    assert said not in sesamy(*WHOLE).out
    assert [2] == first

    def busy(*_: object, **__: object) -> None:
        raise StoreUnavailable("It is busy.")

    monkeypatch.setattr("sesamy_async.idempotency.SQLiteStore.look", busy)
    monkeypatch.setattr("sesamy_async.bulk._order_store.BATCH", 1)

    assert sesamy(*again).json["rejected_done"] == []
