"""``sesamy import`` says what became of every row, and how to go on."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from sesamy_async.bulk import Importer, ImportSummary
from sesamy_async.bulk.check import Checked, check
from sesamy_async.bulk.journal import Journal
from sesamy_async.sandbox import Sandbox
from support.command_line import (
    IMPORT,
    PROMO,
    CommandLine,
    once,
    orders_file,
    own_store,
)


LOOK = "2 of 3 rows are confirmed; 1 unknown."


def test_for_people(sesamy: CommandLine, served: Sandbox) -> None:
    """All orders are confirmed once, and people get aligned rows."""
    ran = sesamy("import", orders_file(), *PROMO)
    *told, spent = ran.out.splitlines()

    assert 0 == ran.code
    assert told == [
        "All 3 orders are confirmed.",
        "  confirmed    3  orders.confirmed.csv",
        "  journal      orders.csv.journal",
    ]
    assert spent.startswith("  this run     6 calls in")
    assert [
        f"The store of orders, {own_store()}, says: 3 new.",
        "3 rows: 6 calls; a burst of 500 is permitted at once.",
    ] == ran.err.splitlines()
    assert once(served, 3)


def test_for_machines(sesamy: CommandLine, served: Sandbox) -> None:
    """With --json there is one object, with all counts and paths."""
    orders_file()
    ran = sesamy(
        *(*IMPORT, "--json"),
        *("--report", "page.html", "--confirm", "no"),
    )
    answer = ran.json

    assert 0 == ran.code
    assert not served.ledger.confirmed("T-1")
    assert answer == {
        "rows": 3,
        "confirmed": 0,
        "already": 0,
        "created": 3,
        "rejected": 0,
        "unknown": 0,
        "unprocessed": 0,
        "strays": 0,
        "confirm": "no",
        "ending": "complete",
        "reason": None,
        "seconds": answer["seconds"],
        "calls": 3,
        "permitted": 5.0,
        "done": 3,
        "sandbox": False,
        "source": "orders.csv",
        "journal": "orders.csv.journal",
        "reports": {"created": "orders.created.csv"},
        "kept": [],
        "report": "page.html",
        "report_problem": None,
        "left_out": 0,
        "chain": None,
        "rejected_done": [],
        "first": None,
    }
    assert "All 3 orders are created." in Path("page.html").read_text("utf-8")


def test_complete_already(sesamy: CommandLine, served: Sandbox) -> None:
    """A complete import sends nothing, and is reported again."""
    orders_file(wrong=3)
    first = sesamy(*IMPORT, "--skip-invalid")
    report = Path("orders.rejected.csv")
    report.unlink()
    before = served.ledger.requests("create")
    again = sesamy(*IMPORT, "--skip-invalid")

    assert (3, 3) == (first.code, again.code)
    assert before == served.ledger.requests("create")
    assert "this import is complete: nothing is sent" in again.err
    assert report.exists()
    assert 2 == served.ledger.total


def test_what_spreadsheets_write(sesamy: CommandLine, served: Sandbox) -> None:
    """Reports have the delimiter of the file; options say how to read it."""
    path = orders_file()
    text = path.read_text("utf-8").replace(",", ";")
    path.write_text(text, encoding="cp1252")
    ran = sesamy(*IMPORT, "--encoding", "cp1252")
    report = Path("orders.confirmed.csv").read_text("utf-8-sig")
    [contract] = served.ledger.contracts("T-1")

    assert 0 == ran.code
    assert report.startswith("row;externalOrderId;")
    assert "Kim Åberg" == contract.order["userData"]["fullName"]


def test_dry_run(sesamy: CommandLine, tmp_path: Path) -> None:
    """A dry run needs no credentials, sends nothing and leaves nothing."""
    orders_file(count=400, wrong=3)
    told = sesamy(*IMPORT, "--dry-run")
    skipped = sesamy(
        "import", "orders.csv", *PROMO, "--dry-run", "--skip-invalid"
    )
    machines = sesamy(
        *(*IMPORT, "--dry-run", "--skip-invalid"),
        *("--confirm", "at-once", "--json"),
    )

    in_sandbox = sesamy(*IMPORT, "--dry-run", "--sandbox", "--skip-invalid")

    assert 2 == told.code
    asked = f"The store of orders, {own_store()}, says: 399 new."
    not_asked = "The store of orders was not asked: --vendor is missing."

    assert in_sandbox.out == skipped.out.replace(not_asked, asked)
    assert skipped.out == (
        "399 orders can be sent; 1 row would be left out. Nothing was sent.\n"
        f"  {not_asked}\n"
        "  That takes 798 calls; at least 1 min 0 s at the permitted 5 per "
        "second.\n"
    )
    assert machines.json == {
        "rows": 400,
        "valid": 399,
        "invalid": 1,
        "new": 399,
        "begun": 0,
        "already": 0,
        "unknown": 0,
        "differing": 0,
        "calls": 399,
        "store": str(own_store()),
        "notes": [],
        "cleaned": [],
        "warnings": [],
        "dry_run": True,
    }
    assert [tmp_path / "orders.csv"] == [*tmp_path.iterdir()]


def test_template(sesamy: CommandLine) -> None:
    """The template can be imported as it is, and is never overwritten."""
    made = sesamy("import", "--template", "--json")
    ran = sesamy("import", "orders.xlsx", *PROMO, "--dry-run")
    again = sesamy("import", "--template")
    other = sesamy("import", "mine.csv", "--template")

    assert (0, 0, 2, 0) == (made.code, ran.code, again.code, other.code)
    assert " can be sent. Nothing was sent.\n" in ran.out
    assert made.json == {"template": "orders.xlsx", "mapping": None}
    assert Path("mine.toml").exists()


@pytest.mark.parametrize(
    ("how", "code", "said"),
    [
        ((), 0, "  strays       1  orders.strays.csv"),
        (("--confirm", "at-once"), 4, LOOK),
        (("--no-strays",), 4, LOOK),
    ],
)
def test_lost_answer(
    sesamy: CommandLine,
    served: Sandbox,
    how: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    """The order is sent again and a stray counted, or it is unknown."""
    served.faults.add("drop-after", on="create")
    orders_file()
    ran = sesamy(*IMPORT, *how)

    assert code == ran.code
    assert said in ran.out
    assert 4 - bool(how) == served.ledger.total


@pytest.mark.parametrize(
    ("how", "code"), [((), 4), (("--shared-contracts",), 0)]
)
def test_shared_contracts(
    sesamy: CommandLine,
    served: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    how: tuple[str, ...],
    code: int,
) -> None:
    """Orders may only have one contract together where that is allowed."""
    del served
    monkeypatch.setattr(
        "sesamy_async.sandbox._service.Service._contract_id", lambda _: "c"
    )
    orders_file()
    ran = sesamy(*IMPORT, "--no-strays", *how, "--json")

    assert code == ran.code
    assert (3 if how else 1) == ran.json["confirmed"]


def test_sandbox_is_gone(sesamy: CommandLine) -> None:
    """Without the ledger of its sandbox, an import does not continue."""
    orders_file()
    first = sesamy(*IMPORT, "--sandbox")
    assert first.out.startswith("In a sandbox: All 3 orders are confirmed.\n")
    Path("orders.csv.sandbox").unlink()
    lost = sesamy(*IMPORT, "--sandbox")
    Path("orders.csv.journal").unlink()
    anew = sesamy(*IMPORT, "--sandbox")

    assert (0, 2, 0) == (first.code, lost.code, anew.code)
    assert "otherwise remove orders.csv.journal to start over" in lost.err

    # Nor with the ledger of another import.
    other = sesamy(*IMPORT, "--sandbox", "--journal", "other.journal")
    Path("other.sandbox").replace("orders.csv.sandbox")
    mixed = sesamy(*IMPORT, "--sandbox")

    assert (0, 1) == (other.code, mixed.code)
    assert "--base-url was sandbox" in mixed.err


SAID = (
    "Error: Interrupted. This run sent nothing; run the same command again.\n"
)

either = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


@either
@pytest.mark.parametrize("at", ["check", "journal"])
def test_before_it_sends(
    sesamy: CommandLine,
    served: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    at: str,
    number: signal.Signals,
) -> None:
    """It ends at once, says that nothing was sent, and can be given again."""
    create = Journal.create

    def checking(*arguments: Any, **options: Any) -> Checked:
        signal.raise_signal(number)
        return check(*arguments, **options)

    def creating(*arguments: Any) -> Journal:
        create(*arguments).close()
        signal.raise_signal(number)
        raise AssertionError

    orders_file()
    with monkeypatch.context() as interrupted:
        if at == "check":
            checks = "sesamy_async.bulk._file.check"
            interrupted.setattr(checks, checking)
        else:
            interrupted.setattr(Journal, "create", creating)
        ran = sesamy(*IMPORT)
    left = ["orders.csv", "orders.csv.journal"][: 1 + (at == "journal")]
    found = sorted(each.name for each in Path().iterdir())
    total = served.ledger.total
    again = sesamy(*IMPORT)

    assert (130, SAID, 0) == (ran.code, ran.err, total)
    assert left == found
    assert 0 == again.code
    assert once(served, 3)


@either
def test_when_all_is_sent(
    sesamy: CommandLine,
    served: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    """From then on it has no effect: what was sent is told and reported."""
    close = Journal.close

    def stopped(journal: Journal) -> None:
        signal.raise_signal(number)
        close(journal)

    orders_file()
    monkeypatch.setattr(Journal, "close", stopped)
    ran = sesamy(*IMPORT)

    assert (0, 2) == (ran.code, len(ran.err.splitlines()))
    assert "All 3 orders are confirmed." in ran.out
    assert once(served, 3)


@pytest.mark.parametrize("presses", [1, 2])
def test_while_sending(
    sesamy: CommandLine,
    served: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    presses: int,
) -> None:
    """The first ends it gently, the second at once; both say how to go on."""
    run = Importer.run

    async def stopped(importer: Importer) -> ImportSummary:
        for _ in range(presses):
            signal.raise_signal(signal.SIGINT)
        return await run(importer)

    orders_file()
    with monkeypatch.context() as interrupted:
        interrupted.setattr(Importer, "run", stopped)
        ran = sesamy(*IMPORT)
    again = sesamy(*IMPORT)

    assert 130 == ran.code
    assert "Stopping: requests in flight are completed" in ran.err
    assert "The import is not complete: it was interrupted." in ran.out
    assert "run the same command again" in ran.out
    assert 0 == again.code
    assert once(served, 3)
