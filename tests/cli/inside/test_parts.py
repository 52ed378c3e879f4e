"""Parts of the command that no run of it shows alone."""

from __future__ import annotations

import hashlib
import signal
from pathlib import Path
from typing import Any

import attrs
import pytest

from sesamy_async._cli.import_check import estimate
from sesamy_async._cli.import_ending import exit_code_of_import
from sesamy_async._cli.import_job import NothingSentError, heeding
from sesamy_async._cli.output import ExitCode
from sesamy_async.bulk import Confirm, Ending, ImportSummary
from sesamy_async.bulk.journal import Journal, Rows, Written, journal_path
from support.command_line import CommandLine
from support.cut_off import cut_off


@pytest.mark.parametrize(
    ("orders", "confirm", "told"),
    [
        (1, Confirm.NO, "1 call; a burst of 500 is permitted at once"),
        (250, Confirm.SEPARATELY, "500 calls; a burst of 500"),
        (251, Confirm.SEPARATELY, "502 calls; at least less than 1 s at the"),
        (100_000, Confirm.SEPARATELY, "200,000 calls; at least 11 h 5 min"),
        (100_000, Confirm.AT_ONCE, "100,000 calls; at least 5 h 32 min"),
        (100_000, Confirm.NO, "100,000 calls; at least 5 h 32 min"),
    ],
)
def test_estimate(orders: int, confirm: Confirm, told: str) -> None:
    """The calls beyond the burst go at the permitted rate."""
    assert estimate(orders, confirm).startswith(told)


def test_presses_are_not_lost() -> None:
    """A press that comes before anything can be stopped counts too."""
    done = list[str]()
    with heeding() as presses:
        presses.then()
        signal.raise_signal(signal.SIGINT)
        presses.then(lambda: done.append("stop"), lambda: done.append("now"))
        first = [*done]
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)

    assert ["stop"] == first
    assert ["stop", "now"] == done


def test_presses_end() -> None:
    """A press ends the block at first; then Ctrl-C is Ctrl-C again."""
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(NothingSentError), heeding():
        signal.raise_signal(signal.SIGINT)

    assert before == signal.getsignal(signal.SIGINT)


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({}, ExitCode.DONE),
        ({"rejected": 1}, ExitCode.REJECTED),
        ({"rejected": 1, "unknown": 1}, ExitCode.LOOK),
        (
            {"unknown": 1, "unprocessed": 1, "ending": Ending.OUTAGE},
            ExitCode.FAILED,
        ),
        ({"unprocessed": 1, "ending": Ending.REFUSED}, ExitCode.FAILED),
        ({"unprocessed": 1, "ending": Ending.JOURNAL}, ExitCode.FAILED),
        (
            {"unprocessed": 1, "ending": Ending.INTERRUPTED},
            ExitCode.INTERRUPTED,
        ),
    ],
)
def test_exit_codes(facts: dict[str, Any], code: ExitCode) -> None:
    """An unfinished import comes first, then orders to look at."""
    summary = attrs.evolve(ImportSummary(rows=9), **facts)

    assert code is exit_code_of_import(summary)


@pytest.mark.parametrize(
    ("folder", "taken"), [(".", [b"w", b"t"]), ("elsewhere", [b"w"])]
)
def test_report_is_taken_in(
    sesamy: CommandLine, tmp_path: Path, folder: str, taken: list[bytes]
) -> None:
    """A filled-in report may be replaced once its findings are known."""
    orders = cut_off(tmp_path)
    table = tmp_path / folder / "orders.unknown.csv"
    table.parent.mkdir(exist_ok=True)
    table.write_text("externalOrderId,contractId\nA-2,c2\n")
    with Journal.open(journal_path(orders)) as journal:
        written = Written(b"w", Rows())
        journal.memory.remember({table.name: (written,)})
    digest = hashlib.sha256(table.read_bytes()).digest()
    code, _, _ = sesamy("journal", "resolve", orders, "--from", table)
    with Journal.open(journal_path(orders)) as journal:
        known = journal.memory.recall()[table.name]

    assert 0 == code
    assert taken == [
        b"t" if each.digest == digest else each.digest for each in known
    ]
