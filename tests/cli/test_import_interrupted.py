"""Ctrl-C and SIGTERM before an import sends, and after it has sent."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from sesamy_async.bulk.check import Checked, check
from sesamy_async.bulk.journal import Journal
from sesamy_async.sandbox import Sandbox
from support.command_line import CommandLine, once, orders_file


IMPORT = ("import", "orders.csv", "--promo", "SPRING-12")
SAID = (
    "Error: Interrupted. Outcome: NOT_SENT. This run has sent nothing; give "
    "the same command again.\n"
)

either = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


@either
def test_while_checking(
    sesamy: CommandLine,
    served: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    """It ends at once, says that nothing was sent, and leaves nothing."""

    def stopped(*arguments: Any, **options: Any) -> Checked:
        signal.raise_signal(number)
        return check(*arguments, **options)

    orders_file(tmp_path / "orders.csv")
    with monkeypatch.context() as interrupted:
        interrupted.setattr("sesamy_async._cli.import_check.check", stopped)
        ran = sesamy(*IMPORT)
    left = [each.name for each in tmp_path.iterdir()]
    total = served.ledger.total
    again = sesamy(*IMPORT)

    assert (130, SAID) == (ran.code, ran.err)
    assert (["orders.csv"], 0) == (left, total)
    assert 0 == again.code
    assert once(served, 3)


@either
def test_while_the_journal_is_opened(
    sesamy: CommandLine,
    served: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    """What was written down by then is gone on with."""
    create = Journal.create

    def stopped(*arguments: Any) -> Journal:
        create(*arguments).close()
        signal.raise_signal(number)
        raise AssertionError

    orders_file(tmp_path / "orders.csv")
    with monkeypatch.context() as interrupted:
        interrupted.setattr(Journal, "create", stopped)
        ran = sesamy(*IMPORT)
    total = served.ledger.total
    again = sesamy(*IMPORT)

    assert (130, SAID, 0) == (ran.code, ran.err, total)
    assert 0 == again.code
    assert once(served, 3)


@either
def test_when_all_is_sent(
    sesamy: CommandLine,
    served: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    """From then on it has no effect: what was sent is told and reported."""
    close = Journal.close

    def stopped(journal: Journal) -> None:
        signal.raise_signal(number)
        close(journal)

    orders_file(tmp_path / "orders.csv")
    monkeypatch.setattr(Journal, "close", stopped)
    ran = sesamy(*IMPORT)

    assert (0, "") == (ran.code, ran.err.partition("\n")[2])
    assert "All 3 orders are confirmed." in ran.out
    assert once(served, 3)
