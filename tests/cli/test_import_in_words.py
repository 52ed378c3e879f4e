"""What an import says, and what it understands, from template to report."""

from __future__ import annotations

import io
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from sesamy_async._cli.import_progress import watching
from sesamy_async.bulk import Note, Progress, Remark
from sesamy_async.sandbox import Sandbox
from support.command_line import IMPORT, PROMO, CommandLine, once, orders_file


@pytest.mark.parametrize(
    ("names", "written", "mapping"),
    [
        ((), ["orders.xlsx"], None),
        (("MINE.XLSX",), ["MINE.XLSX"], None),
        (("mine.csv",), ["mine.csv", "mine.toml"], "mine.toml"),
    ],
)
def test_template(
    sesamy: CommandLine,
    names: tuple[str, ...],
    written: list[str],
    mapping: Any,
) -> None:
    """Beside a spreadsheet, which explains itself, is no mapping."""
    ran = sesamy("import", *names, "--template", "--json")

    assert ran.json == {"template": written[0], "mapping": mapping}
    assert written == sorted(each.name for each in Path().iterdir())


def test_template_as_it_is(sesamy: CommandLine) -> None:
    """Its examples can be sent."""
    sesamy("import", "--template")
    ran = sesamy("import", "orders.xlsx", *PROMO, "--sandbox", "--dry-run")

    assert ran.out.startswith("2 orders can be sent. Nothing was sent.")


class Terminal(io.StringIO):
    """What somebody types on a terminal."""

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


@pytest.mark.parametrize("answer", ["Ja\n", "j\n", "kyllä\n"])
def test_yes(
    sesamy: CommandLine,
    served: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
) -> None:
    """A yes may be Swedish or Finnish; what is asked of one is in words."""
    orders_file(count=3)
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    ran = sesamy(*IMPORT, "--first", "2")

    assert "Send the other order? [y/N] " in ran.err
    assert once(served, 3)


ENCODING = Remark("the file is read as cp1252")
LOST = Remark("did a spreadsheet change it?", warning=True)


def test_in_a_log(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What two cells show is said once, without them; a question ends."""
    orders_file()
    notes = tuple(Note(row, "", ENCODING, "Å", "Å") for row in (2, 3))

    def of_file(_: object) -> tuple[Note, ...]:
        return notes

    def doubts(_: object) -> list[tuple[str, Remark]]:
        return [("userData.email", LOST)]

    # It is imported when it is needed, and would keep what is patched.
    import_module("sesamy_async._cli.import_job")
    monkeypatch.setattr("sesamy_async._cli.import_words.notes_on", of_file)
    monkeypatch.setattr("sesamy_async.bulk.reading._table.doubts", doubts)
    ran = sesamy(*IMPORT, "--sandbox", "--dry-run")

    assert 1 == ran.err.count("the file is read as cp1252.")
    assert "change it? Row 2, 3, 4." in ran.err


def test_the_question_stays(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bar of the other orders is below it, and not drawn over it."""
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with watching("orders.csv") as watch:
        watch.show(Progress(rows=5, done=2))
        agreed = watch.asks((), "Send the other 3?")
        asked = capsys.readouterr().err
        watch.show(Progress(rows=5, done=5))
    written = f"{asked}{capsys.readouterr().err}"
    below = written.partition("Send the other 3? [y/N]")[2]

    assert agreed
    assert "\x1b[1A" not in below.partition("orders.csv")[0]


def test_why_the_first_were_refused(sesamy: CommandLine) -> None:
    """Whoever is asked about the others knows what was wrong with these."""
    orders_file()
    how = ("--promo", "NONE", "--sandbox", "--first", "1")
    ran = sesamy("import", "orders.csv", *how)

    assert "  row 2  T-1  no contract  rejected\n    Sesamy answer" in ran.out
