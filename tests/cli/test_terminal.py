"""What is shown steers no terminal, and needs none."""

from __future__ import annotations

import io
import logging
import os
import sys
import warnings

import pytest

from sesamy_async._cli.import_progress import LogProgress, counting, watching
from sesamy_async._cli.output import logging_to_stderr
from sesamy_async.auth import TokenStoreWarning
from sesamy_async.bulk import Progress


EVIL = "a\x1b]0;evil\x07[/b]\x9b"
SHOWN = r"a\x1b]0;evil\x07[/b]\x9b"


class Gone(io.StringIO):
    """A terminal whose window is closed."""

    def write(self, text: str) -> int:
        """Fail as the system does."""
        del text
        raise OSError(5, os.strerror(5))

    def isatty(self) -> bool:
        """Say that it is one all the same."""
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let stderr pass for a terminal that is wide enough."""
    for name, value in {
        "FORCE_COLOR": "1",
        "TERM": "xterm",
        "COLUMNS": "120",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("terminal")
def test_bar(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither the name of a file nor a reason steers it."""
    with watching(EVIL) as watch:
        watch.show(Progress(rows=2, paused=EVIL))
        watch.say(EVIL)
    err = capsys.readouterr().err

    assert (3, 0) == (err.count(SHOWN), err.count("\x1b]0;"))


@pytest.mark.usefixtures("terminal")
def test_counting(capsys: pytest.CaptureFixture[str]) -> None:
    """A name with brackets is shown as it is, not read as markup."""
    with counting(EVIL) as on_rows:
        assert on_rows is not None
        on_rows(1_000)
    err = capsys.readouterr().err

    assert SHOWN in err
    assert "\x1b]0;" not in err


def test_log(capsys: pytest.CaptureFixture[str]) -> None:
    """A log that is read on a terminal steers none either."""
    LogProgress().say(EVIL)

    assert f"{SHOWN}\n" == capsys.readouterr().err


def test_talk(capsys: pytest.CaptureFixture[str]) -> None:
    """So do the logs and the warnings of the SDK."""
    with logging_to_stderr(0):
        logging.getLogger("sesamy_async").warning(EVIL)
        warnings.warn(EVIL, TokenStoreWarning, stacklevel=1)

    assert capsys.readouterr().err == (f"WARNING {SHOWN}\nWarning: {SHOWN}\n")


@pytest.mark.usefixtures("terminal")
def test_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that goes away stops neither a check nor an import."""
    monkeypatch.setattr(sys, "stderr", Gone())
    with counting("Checking") as on_rows:
        assert on_rows is not None
        on_rows(1_000)
    with watching("orders.csv") as watch:
        watch.show(Progress(rows=2))
        watch.say("Stopping")
