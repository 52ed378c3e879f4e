"""``sesamy import`` says what keeps it from running, and sends nothing."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from sesamy_async.bulk.reports import ReportError
from sesamy_async.sandbox import Sandbox
from support.command_line import IMPORT, PROMO, CommandLine, once, orders_file
from support.users import powerless, reachable_folder


def test_wrong_rows(
    sesamy: CommandLine, served: Sandbox, tmp_path: Path
) -> None:
    """A wrong row keeps all from being sent, and is told with its row."""
    orders_file(wrong=3)
    ran = sesamy(*IMPORT)

    assert (2, "") == (ran.code, ran.out)
    assert "mistakes in 1 row of 3: row 3, userData.email: must" in ran.err
    assert "All are in orders.problems.csv." in ran.err
    assert 0 == served.ledger.requests()
    assert {"orders.csv", "orders.problems.csv"} == {
        each.name for each in tmp_path.iterdir()
    }


@pytest.mark.usefixtures("served")
def test_many_wrong_rows(sesamy: CommandLine) -> None:
    """Twenty problems are shown, and all are in a file."""
    path = orders_file(count=30)
    text = path.read_text("utf-8").replace("@", "(at)")
    path.write_text(text, encoding="utf-8")
    ran = sesamy(*IMPORT)
    listed = Path("orders.problems.csv").read_text("utf-8").splitlines()

    assert "row 21" in ran.err
    assert "row 22" not in ran.err
    assert "\n  and more\n" in ran.err
    assert 31 == len(listed)

    # Where the list can't be written, the problems are told all the same.
    Path("orders.problems.csv").unlink()
    Path("orders.problems.csv").mkdir()
    ran = sesamy(*IMPORT)

    assert 2 == ran.code
    assert "row 3, userData.email" in ran.err
    assert "(The list of all is missing: The report orders.prob" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Which file?"),
        (("--template", "orders.toml"), "is the mapping's name"),
        (("nowhere.csv",), "there is no such file"),
        (("orders.csv", "--report", "no/page.html"), "no folder no for"),
        (("orders.csv", "--report", "."), "is a folder; name a file"),
        (("orders.csv", "--confirm", "perhaps"), "--confirm"),
        (("orders.csv", "--concurrency", "0"), "--concurrency"),
        (("orders.csv", "--sandbox", "--base-url", "x"), "Give either"),
        (("orders.csv", "--sandbox", "--audience", " "), "SESAMY_AUDIENCE"),
        (("orders.csv",), "SESAMY_VENDOR_ID"),
        (("orders.csv", "--vendor", "acme"), "SESAMY_CLIENT_ID"),
        (("orders.csv", "--encoding", "x"), "no encoding 'x'"),
        (("header.csv", "--sandbox"), "unknown; did you mean userData.email?"),
    ],
)
def test_usage(
    sesamy: CommandLine, arguments: tuple[str, ...], said: str
) -> None:
    """A wrong option sends nothing, and leaves no file behind."""
    text = orders_file().read_text("utf-8").replace("userData.email", "Email")
    Path("header.csv").write_text(text, encoding="utf-8")
    ran = sesamy("import", *arguments, *PROMO)

    assert (2, "") == (ran.code, ran.out)
    assert said in ran.err
    assert {"orders.csv", "header.csv"} == {it.name for it in Path().iterdir()}


@pytest.mark.parametrize("promo", ["", ".", "a\x1bb", "x" * 1001])
def test_promo_that_is_none(sesamy: CommandLine, promo: str) -> None:
    """A promo code that can't be one is told before any row is refused."""
    orders_file()
    ran = sesamy("import", "orders.csv", "--sandbox", "--promo", promo)

    assert 2 == ran.code
    assert ran.err.startswith("Error: --promo")
    assert [Path("orders.csv")] == [*Path().iterdir()]

    # Without --promo, each row must name its own.
    none = sesamy("import", "orders.csv", "--sandbox")

    assert 2 == none.code
    assert "row 2, promoCode: required" in none.err


@pytest.mark.parametrize("how", [(), ("--journal", "no/orders.csv.journal")])
def test_unwritable_folder(
    sesamy: CommandLine, served: Sandbox, how: tuple[str, ...]
) -> None:
    """Where no journal can be written, nothing is sent."""
    with reachable_folder() as folder:
        path = orders_file(folder / "orders.csv")
        with nullcontext() if how else powerless():
            ran = sesamy("import", path, *PROMO, *how)

    assert 1 == ran.code
    assert "orders.csv.journal" in ran.err
    assert 0 == served.ledger.requests()


def test_wrong_secret(
    sesamy: CommandLine,
    served: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a wrong secret it stops, and goes on once it is right."""
    right = os.environ["SESAMY_CLIENT_SECRET"]
    orders_file()
    monkeypatch.setenv("SESAMY_CLIENT_SECRET", "wrong")
    stopped = sesamy(*IMPORT)
    monkeypatch.setenv("SESAMY_CLIENT_SECRET", right)
    resumed = sesamy(*IMPORT)

    assert (1, 0) == (stopped.code, resumed.code)
    assert "Invalid client credentials" in stopped.out
    assert "3 rows not finished: give the same command" in stopped.out
    assert "Going on with orders.csv.journal" in resumed.err
    assert once(served, 3)


def test_other_terms(sesamy: CommandLine, served: Sandbox) -> None:
    """A journal of other terms is not gone on with."""
    orders_file()
    first = sesamy(*IMPORT)
    other = sesamy("import", "orders.csv", "--promo", "FAMILY-6")

    assert (0, 1) == (first.code, other.code)
    assert "--promo was SPRING-12, and is FAMILY-6" in other.err
    assert once(served, 3)


@pytest.mark.usefixtures("served")
def test_reports_fail(
    sesamy: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where reports fail, what was sent is told all the same."""

    def fail(*_: object, **__: object) -> None:
        raise ReportError("The disk is full.")

    orders_file()
    reporting = "sesamy_async._cli.import_ending.write_reports"
    with monkeypatch.context() as broken:
        broken.setattr(reporting, fail)
        ran = sesamy(*IMPORT)
    again = sesamy(*IMPORT)

    assert (1, 0) == (ran.code, again.code)
    assert "All 3 orders are confirmed." in ran.out
    assert "The disk is full. The journal holds what became" in ran.out


def test_no_home(
    sesamy: CommandLine,
    served: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a home, as in a container, tokens are kept nowhere."""

    def fail() -> Path:
        raise RuntimeError

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", fail)
    ran = sesamy("import", orders_file(), *PROMO)

    assert 0 == ran.code
    assert 1 == served.ledger.requests("token")
