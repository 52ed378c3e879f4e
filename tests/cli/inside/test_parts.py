"""Parts of the import command, and how it shows its progress."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import attrs
import pytest

from sesamy_async._cli.import_progress import counting, line, watching
from sesamy_async._cli.import_sending import NothingSentError, heeding
from sesamy_async._cli.import_words import estimate, exit_code_of_import
from sesamy_async._cli.output import ExitCode
from sesamy_async.bulk import Confirm, Ending, ImportSummary, Progress
from sesamy_async.bulk.journal import Journal, journal_path
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
    ],
)
def test_estimate(orders: int, confirm: Confirm, told: str) -> None:
    """The calls beyond the burst go at the permitted rate."""
    assert estimate(orders * confirm.calls).startswith(told)


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
    ("folder", "taken"), [(".", {b"w", b"t"}), ("elsewhere", {b"w"})]
)
def test_report_is_taken_in(
    sesamy: CommandLine, tmp_path: Path, folder: str, taken: set[bytes]
) -> None:
    """A filled-in report may be replaced once its findings are known."""
    orders = cut_off(tmp_path)
    table = tmp_path / folder / "orders.unknown.csv"
    table.parent.mkdir(exist_ok=True)
    table.write_text("externalOrderId,contractId\nA-2,c2\n")
    with Journal.open(journal_path(orders)) as journal:
        journal.memory.add(table.name, b"w")
    digest = hashlib.sha256(table.read_bytes()).digest()
    code, _, _ = sesamy("journal", "resolve", orders, "--from", table)
    with Journal.open(journal_path(orders)) as journal:
        known = journal.memory.recall()[table.name]

    assert 0 == code
    assert taken == {b"t" if each == digest else each for each in known}


HALF = Progress(
    rows=200,
    done=90,
    rejected=7,
    unknown=3,
    strays=2,
    seconds=61.0,
    rate=4.94,
    permitted=5.0,
    left=75.0,
)
EVIL = "a\x1b]0;evil\x07[/b]\x9b"
SHOWN = r"a\x1b]0;evil\x07[/b]\x9b"


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (
            {},
            (
                "4.9 calls/s (5 permitted on average) · 7 rejected"
                " · 3 unknown · 2 strays at most · 1 min 15 s left"
            ),
        ),
        (
            {"paused": "no network", "strays": 0},
            "paused: no network · 7 rejected · 3 unknown",
        ),
        (
            {"permitted": None, "left": None, "strays": 0},
            "4.9 calls/s · 7 rejected · 3 unknown",
        ),
    ],
    ids=["running", "paused", "no limit"],
)
def test_line(facts: dict[str, object], told: str) -> None:
    """A line of a log has all that is worth knowing."""
    progress = attrs.evolve(HALF, **facts)  # type: ignore[arg-type]

    assert f"After 1 min 1 s: 100 of 200 rows · {told}" == line(progress)


def test_log_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    """There is a line a minute, and one for each pause and its end."""
    with watching("orders.csv") as watch:
        for seconds, paused in [
            (0, None),
            (30, None),
            (60, None),
            (61, None),
            (70, "no network"),
            (80, "no network"),
            (90, None),
            (120, None),
        ]:
            watch.show(attrs.evolve(HALF, seconds=seconds, paused=paused))
    lines = capsys.readouterr().err.splitlines()

    assert [each.partition(":")[0] for each in lines] == [
        "After 1 min 0 s",
        "After 1 min 10 s",
        "After 1 min 30 s",
        "After 2 min 0 s",
    ]


def test_log_is_safe(capsys: pytest.CaptureFixture[str]) -> None:
    """A log that is read on a terminal steers none, and is not wrapped."""
    with watching("orders.csv") as watch:
        watch.say(f"{EVIL} {'x' * 200}")

    assert f"{SHOWN} {'x' * 200}\n" == capsys.readouterr().err


class Gone(io.StringIO):
    """A terminal whose window is closed."""

    def write(self, text: str) -> int:
        """Fail as the system does."""
        del text
        raise OSError(5, os.strerror(5))

    def isatty(self) -> bool:
        """Say that it is one all the same."""
        return True


def closed() -> StringIO:
    """Return a stream that takes nothing."""
    stream = StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize(
    "stderr", [None, closed(), Gone()], ids=["none", "closed", "gone"]
)
@pytest.mark.parametrize("color", ["", "1"])
def test_gone(
    monkeypatch: pytest.MonkeyPatch, stderr: StringIO | None, color: str
) -> None:
    """A stderr that takes nothing stops neither a check nor an import."""
    monkeypatch.setenv("FORCE_COLOR", color)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", stderr)
    with counting("Checking") as on_rows:
        if on_rows is not None:
            on_rows(1_000)
    with watching("orders.csv") as watch:
        watch.show(attrs.evolve(HALF, seconds=60.0))
        watch.say("Stopping")


def test_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A terminal gets a bar with facts; no text steers it, or is markup."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with watching("orders.csv") as watch:
        watch.say("Continuing")
        watch.show(HALF)
    told = capsys.readouterr().err
    with watching(EVIL) as watch:
        watch.show(Progress(rows=2, paused=EVIL))
        watch.say(EVIL)
    evil = capsys.readouterr().err
    with counting(EVIL) as on_rows:
        assert on_rows is not None
        on_rows(1_000)
    counted = capsys.readouterr().err

    assert "Continuing" in told
    assert "100 of 200" in told
    assert "4.9 calls/s (5 permitted on average)" in told
    assert 3 == evil.count(SHOWN)
    assert SHOWN in counted
    assert "\x1b]0;" not in f"{evil}{counted}"
