"""Ctrl-C and SIGTERM at each stage of an import."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from sesamy_async.bulk import Importer, ImportSummary
from sesamy_async.bulk.check import Checked, check
from sesamy_async.bulk.journal import Journal
from sesamy_async.sandbox import Sandbox
from support.command_line import IMPORT, CommandLine, once, orders_file


SAID = (
    "Error: Interrupted. Outcome: NOT_SENT. This run has sent nothing; give "
    "the same command again.\n"
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
            checks = "sesamy_async._cli.import_job.check"
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

    assert (0, "") == (ran.code, ran.err.partition("\n")[2])
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
    assert "Stopping: what is in flight is finished" in ran.err
    assert "Not all is done: it was interrupted." in ran.out
    assert "give the same command again" in ran.out
    assert 0 == again.code
    assert once(served, 3)
