"""``sesamy import --first`` sends the first orders, and asks to go on."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sesamy_async.sandbox import Sandbox
from support.command_line import IMPORT, CommandLine, once, orders_file


FIRST = (*IMPORT, "--first", "2")


class Terminal(io.StringIO):
    """What somebody types on a terminal."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Let stderr be a terminal, and somebody type an answer there."""

    def type_(answer: str) -> None:
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        monkeypatch.setattr(sys, "stdin", Terminal(answer))

    monkeypatch.setenv("TERM", "dumb")
    return type_


def lines_of(served: Sandbox, count: int) -> list[str]:
    """Return the lines that show the first contracts."""
    ids = [served.ledger.contracts(f"T-{it + 1}")[0].id for it in range(count)]
    return [
        f"  row {row}  T-{row - 1}  {contract}  confirmed"
        for row, contract in enumerate(ids, start=2)
    ]


@pytest.mark.parametrize("answer", ["Yes\n", "n\n", ""])
def test_asked(
    sesamy: CommandLine,
    served: Sandbox,
    typed: Callable[[str], None],
    answer: str,
) -> None:
    """Their contracts are shown, and only a yes sends the others."""
    orders_file(count=5)
    typed(answer)
    ran = sesamy(*FIRST)
    agreed = answer[:1].lower() == "y"
    shown = "\n".join(["The first 2 orders:", *lines_of(served, 2)])

    assert 0 == ran.code
    assert f"{shown}\nSend the other 3? [y/N] " in ran.err
    assert shown not in ran.out
    assert (5 if agreed else 2) == served.ledger.total
    assert agreed is ("All 5 orders are confirmed." in ran.out)
    assert agreed is ("10 calls in" in ran.out)


def test_nobody_to_ask(sesamy: CommandLine, served: Sandbox) -> None:
    """It ends, and says how to go on; the same command says it again."""
    orders_file(count=5)
    ran, again = sesamy(*FIRST), sesamy(*FIRST)
    rest = sesamy(*IMPORT)
    told = "3 rows not finished: run the same command without --first."

    assert [0, 0, 0] == [ran.code, again.code, rest.code]
    assert "Only the first 2 orders will be sent now." in ran.err
    assert all(told in each.out for each in (ran, again))
    assert all(it in ran.out.splitlines() for it in lines_of(served, 2))
    assert "The import is not complete: only the first orders were" in ran.out
    assert once(served, 5)


def test_for_machines(
    sesamy: CommandLine, served: Sandbox, typed: Callable[[str], None]
) -> None:
    """With --json nobody is asked, and the first ones are a part of it."""
    orders_file(count=5)
    typed("y\n")
    ran = sesamy(*FIRST, "--json")

    assert ("first", 3) == (ran.json["ending"], ran.json["unprocessed"])
    assert ran.json["first"] == [
        {
            "row": row,
            "order_id": f"T-{row - 1}",
            "contract_id": served.ledger.contracts(f"T-{row - 1}")[0].id,
            "state": "CONFIRMED",
        }
        for row in (2, 3)
    ]


@pytest.mark.parametrize(
    ("fault", "wrong", "code", "shown"),
    [
        (None, 2, 0, "  row 3  T-2"),
        ("status:422", None, 3, "  row 2  T-1  no contract"),
        ("drop-after", None, 4, "  row 2  T-1  no contract"),
    ],
)
def test_exit_codes(
    sesamy: CommandLine,
    served: Sandbox,
    *,
    fault: str | None,
    wrong: int | None,
    code: int,
    shown: str,
) -> None:
    """The code is about the first ones, not about what was left out."""
    if fault is not None:
        served.faults.add(fault, on="create")
    orders_file(count=5, wrong=wrong)
    ran = sesamy(*FIRST, "--skip-invalid", "--no-strays", "--concurrency", "1")

    assert code == ran.code
    assert shown in ran.out


def test_many(sesamy: CommandLine, served: Sandbox) -> None:
    """Twenty are shown, and how many more there are."""
    orders_file(count=23)
    ran = sesamy(*IMPORT, "--first", "22", "--confirm", "no")

    assert "  row 21  T-20 " in ran.out
    assert "  row 22  " not in ran.out
    assert "\n  and 2 more\n" in ran.out
    assert 22 == served.ledger.total


def test_ctrl_c_at_the_question(
    sesamy: CommandLine,
    served: Sandbox,
    typed: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It ends with what was done, and with the reports."""

    class Pressed(Terminal):
        def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
            signal.raise_signal(signal.SIGINT)
            return super().readline(size)

    orders_file(count=5)
    typed("")
    monkeypatch.setattr(sys, "stdin", Pressed("y\n"))
    ran = sesamy(*FIRST)

    assert 130 == ran.code
    assert "2 of 5 rows are confirmed; 3 not finished." in ran.out
    assert Path("orders.confirmed.csv").exists()
    assert 2 == served.ledger.total


def test_none_was_accepted(
    sesamy: CommandLine, served: Sandbox, typed: Callable[[str], None]
) -> None:
    """If all of the first were refused, the others are not offered."""
    orders_file(count=5)
    typed("y\n")
    ran = sesamy("import", "orders.csv", "--promo", "WRONG", "--first", "2")
    said = " ".join(f"{ran.out}{ran.err}".split())

    assert 3 == ran.code
    assert "Send the other" not in said
    assert "No order was accepted: check the promo code" in said
    assert "`sesamy journal purge --yes --force`, and start over with" in said
    assert 2 == served.ledger.requests("create")
