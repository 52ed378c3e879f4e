"""Lines fit a terminal; words, paths and what is quoted stay whole."""

from __future__ import annotations

import os
import sys
from io import StringIO
from typing import Any

import pytest

from sesamy_async._cli.output import (
    CommandResult,
    fitted,
    show_error,
    show_result,
    width_of,
)
from sesamy_async.errors import ConfigurationError, SesamyError


LINE = "\n  a"
PATH = "/home/kim/a-very-long-folder/orders.csv"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("It is short.", "It is short."),
        (
            "Nothing was sent, so it can be sent again.\nNext.",
            "Nothing was sent, so it can\nbe sent again.\nNext.",
        ),
        (
            "  row 4, order 'A-4': nobody knows it",
            "  row 4, order 'A-4': nobody\n    knows it",
        ),
        (
            "  rejected   3  they have to be corrected",
            "  rejected   3  they have to\n             be corrected",
        ),
        (
            "  a name that is very long  and its value",
            "  a name that is very long\n    and its value",
        ),
        (f"It is in {PATH} now.", f"It is in\n{PATH}\nnow."),
        (
            "It isn't known: run `sesamy journal show` or don't.",
            "It isn't known: run\n`sesamy journal show` or\ndon't.",
        ),
        (
            "  sesamy import a.rejected.csv --rate 2.0 --sandbox",
            "  sesamy import a.rejected.csv --rate 2.0 --sandbox",
        ),
        (
            "Run `sesamy journal recover it's.csv --yes` now.",
            "Run\n`sesamy journal recover it's.csv --yes`\nnow.",
        ),
        (
            "What you find: sesamy orders settle --help. Then more.",
            "What you find:\nsesamy orders settle --help.\nThen more.",
        ),
        (
            "Look: sesamy orders list --state UNKNOWN.",
            "Look:\nsesamy orders list --state UNKNOWN.",
        ),
    ],
)
def test_fitted(text: str, wanted: str) -> None:
    """A line ends between two words; what follows is indented more."""
    assert wanted == fitted(text, 28)
    assert text == fitted(text, None)


class Terminal(StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """Return that it is one."""
        return True

    def fileno(self) -> int:
        """Return any number."""
        return 1


@pytest.mark.parametrize(
    ("columns", "asked", "width"),
    [(60, "", 60), (60, "44", 44), (0, "", 80), (3, "", 20), (60, "x", 60)],
)
def test_width(
    monkeypatch: pytest.MonkeyPatch, columns: int, asked: str, width: int
) -> None:
    """It is that of the terminal, unless COLUMNS says otherwise."""
    size = os.terminal_size((columns, 24))
    monkeypatch.setattr(os, "get_terminal_size", lambda _: size)
    monkeypatch.setenv("COLUMNS", asked)

    assert width == width_of(Terminal())


class Utf8:
    """A stream with an encoding."""

    encoding = "utf-8"

    def __init__(self, stream: StringIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        """Return what the stream has."""
        return getattr(self._stream, name)


class Odd(StringIO):
    """A stream that was closed by its other end."""

    def isatty(self) -> bool:
        """Fail."""
        raise OSError


@pytest.mark.parametrize("stream", [StringIO(), Odd(), None])
def test_no_terminal(stream: object) -> None:
    """A file or a pipe gets its lines as they are."""
    assert None is width_of(stream)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (SesamyError("No."), "No. Nothing was sent, so it can be sent again."),
        (
            ConfigurationError("Bad: a; b.", problems=("a", "b")),
            "Bad:\n  a\n  b\nNothing was sent.",
        ),
        (
            ConfigurationError(
                f"Bad: {'; '.join('a' * 20)}; and 5 more. Mend it.",
                problems=["a"] * 25,
            ),
            f"Bad:{20 * LINE}\n  and 5 more\nMend it. Nothing was sent.",
        ),
        (
            ConfigurationError("Bad: a; b, or c. So.", problems=("a", "b")),
            "Bad: a; b, or c. So. Nothing was sent.",
        ),
    ],
)
def test_without_outcome(
    capsys: pytest.CaptureFixture[str], error: SesamyError, said: str
) -> None:
    """Operations read what it means, and not the name of an outcome."""
    show_error(error, as_json=False, outcome=False)

    assert f"Error: {said}\n" == capsys.readouterr().err


@pytest.mark.parametrize("as_is", [False, True])
def test_answer(monkeypatch: pytest.MonkeyPatch, *, as_is: bool) -> None:
    """What is for another program is not broken."""
    words = "word " * 9 + "end"
    stream = Terminal()
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setattr(sys, "stdout", Utf8(stream))
    show_result(CommandResult(words, {}, is_program=as_is), as_json=False)

    assert as_is == (f"{words}\n" == stream.getvalue())
