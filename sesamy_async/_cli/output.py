"""The results of commands, how they are shown, and the exit codes."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import textwrap
import warnings
from collections.abc import Generator
from contextlib import contextmanager, suppress
from enum import IntEnum
from pathlib import Path
from typing import Any, TextIO

import attrs

from sesamy_async.auth import TokenStoreWarning
from sesamy_async.errors import (
    ConfigurationError,
    InvalidRequestError,
    OrderMismatchError,
    SesamyError,
)


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    FAILED = 1  # Certainly not done.
    USAGE = 2  # An option, a setting or the order is wrong: nothing was sent.
    REJECTED = 3  # An import is complete, and some orders were rejected.
    LOOK = 4  # Done, or perhaps: check before sending it again.
    INTERRUPTED = 130  # Ctrl-C or SIGTERM.


class UsageError(ConfigurationError):
    """A command, an option or an argument is missing or wrong."""


class InterruptionError(SesamyError):
    """Ctrl-C or SIGTERM; `outcome` says what became of the order."""


_WRONG_USE = (ConfigurationError, InvalidRequestError, OrderMismatchError)


def exit_code_of(error: SesamyError) -> ExitCode:
    if isinstance(error, InterruptionError):
        return ExitCode.INTERRUPTED
    # First: a wrong setting may be found when a request is already lost.
    if not error.outcome.nothing_done:
        return ExitCode.LOOK
    if isinstance(error, _WRONG_USE):
        return ExitCode.USAGE
    return ExitCode.FAILED


@attrs.frozen
class CommandResult:
    """The result of a command: text for people, or JSON."""

    # Without secrets: it goes to stderr if stdout can't be written.
    headline: str
    data: dict[str, Any]
    details: tuple[str, ...] = ()
    code: ExitCode = ExitCode.DONE
    is_program: bool = False  # The text is for a program: not wrapped.


def rows(**values: object) -> tuple[str, ...]:
    """Return an indented line for each value that is not None."""
    given = {k: one_line(str(v)) for k, v in values.items() if v is not None}
    width = max(map(len, given), default=0)
    return tuple(f"  {name:<{width}}  {given[name]}" for name in given)


def show_result(result: CommandResult, *, as_json: bool) -> ExitCode:
    """Write the result to stdout; return its code, or LOOK if that fails."""
    # As ASCII, which any terminal, file or pipe can take.
    text = json.dumps(result.data)
    if not as_json:
        text = "\n".join([result.headline, *result.details])
    problem = _write(sys.stdout, text, as_is=as_json or result.is_program)
    if problem is None:
        return result.code
    _write(
        sys.stderr,
        f"{result.headline}\nError: The result can't be written to stdout: "
        f"{problem}.",
    )
    return ExitCode.LOOK


def show_error(
    error: SesamyError, *, as_json: bool, outcome: bool = True
) -> None:
    """Write the error: as JSON to stdout, or as text to stderr.

    The text has the name of the `outcome` only if people know this term of
    the Python API; it always says what the outcome means.
    """
    if as_json:
        text = json.dumps({"error": _described(error)})
        if _write(sys.stdout, text, as_is=True) is None:
            return
    text = str(error)
    if not outcome:
        text = text.replace(f" Outcome: {error.outcome}.", "")
    problems: tuple[str, ...] = getattr(error, "problems", ())
    _write(sys.stderr, f"Error: {_paragraph(text, problems)}")


_MOST_NAMED = 20


def _paragraph(text: str, problems: tuple[str, ...]) -> str:
    """Return a message that has each problem on its own line."""
    if len(problems) < 2:  # noqa: PLR2004 - one needs no list
        return text
    numbered = " ".join(f"({n}) {each}" for n, each in enumerate(problems, 1))
    # A message has all of them, or the first ones.
    more = len(problems) - _MOST_NAMED
    first = (*problems[:_MOST_NAMED], f"and {more:,} more")
    for run, lines in (
        (numbered, problems),
        (f"{'; '.join(problems)}.", problems),
        (f"{'; '.join(first)}.", first),
    ):
        listed = "".join(f"\n  {each}" for each in lines)
        text = text.replace(f" {run} ", f"{listed}\n")
    return text


_ALWAYS = (
    "outcome",
    "retryable",
    "operation",
    "external_order_id",
    "contract_id",
    "step",
    "attempts",
    "request_id",
)
_WHERE_KNOWN = (
    "status_code",
    "code",
    "error",
    "error_description",
    "retry_after",
    "problems",
    "told_at",
    "state",
)


def _described(error: SesamyError) -> dict[str, Any]:
    known = {name: getattr(error, name, None) for name in _WHERE_KNOWN}
    return {
        "type": type(error).__name__,
        "message": str(error),
        **{name: getattr(error, name) for name in _ALWAYS},
        **{name: value for name, value in known.items() if value},
    }


def _write(
    stream: TextIO | None, text: str, *, as_is: bool = False
) -> str | None:
    """Write lines, fitted to a terminal; return why that fails, if it does."""
    if stream is None:
        return "it is closed"
    safe = fitted(plain(text), None if as_is else width_of(stream))
    encoded = safe.encode(stream.encoding, "backslashreplace")
    try:
        stream.write(f"{encoded.decode(stream.encoding)}\n")
        stream.flush()
    except OSError as error:
        # Otherwise Python complains about the unwritten rest at its exit.
        with suppress(OSError), Path(os.devnull).open("wb") as null:
            os.dup2(null.fileno(), stream.fileno())
        return error.strerror or type(error).__name__
    return None


def plain(text: str) -> str:
    """Return a text with its control characters escaped.

    File names, ids and Sesamy's texts must not control the terminal.
    """
    return "".join(
        char
        if char.isprintable() or char == "\n"
        else char.encode("unicode_escape").decode()
        for char in text
    )


def one_line(text: str) -> str:
    """Return a text that can't begin a new line."""
    return text.replace("\n", "\\n")


_USUAL, _LEAST = 80, 20
_KEPT = "\0"  # Instead of a space at which no line ends.
# An id, a value or a command in quotation marks; no apostrophe.
_QUOTED = re.compile(r"`[^`\n]+`|(?<!\w)(['\"])[^'\"`\n]+\1(?!\w)")
# A command within a sentence, such as sesamy orders settle --help.
_COMMAND = re.compile(r"\bsesamy(?: [a-z]+){1,2}(?: --[a-z-]+(?: [A-Z]+)?)*")
# A command on its own line: a part of it would be another command.
_COMMAND_LINE = re.compile(r" *sesamy [a-z]")
_NEXT_CELL = re.compile(r"(?<=\S)  +(?=\S)")


def width_of(stream: Any) -> int | None:
    """Return how many columns a terminal has; None if it is none."""
    # ValueError: it is closed.  AttributeError: it is None.
    with suppress(OSError, ValueError, AttributeError):
        if stream.isatty():
            asked = os.environ.get("COLUMNS", "")
            width = (
                int(asked)
                if asked.isdecimal()
                else os.get_terminal_size(stream.fileno()).columns
            )
            return max(width or _USUAL, _LEAST)
    return None


def fitted(text: str, width: int | None) -> str:
    """Return a text whose lines are no longer than the width, if given.

    Words, quotations and commands stay whole.  The rest of an indented line
    is indented more, or stays in its column.
    """
    if width is None:
        return text
    for whole in (_QUOTED, _COMMAND):
        text = whole.sub(lambda it: it[0].replace(" ", _KEPT), text)
    lines = (_broken(each, width) for each in text.split("\n"))
    return "\n".join(lines).replace(_KEPT, " ")


def _broken(line: str, width: int) -> str:
    command = _COMMAND_LINE.match(line.replace(_KEPT, " "))
    if command or len(line) <= width:
        return line
    indent = len(line) - len(line.lstrip(" "))
    below = indent + 2 if indent else 0
    cell = _NEXT_CELL.search(line, indent)
    if indent and cell is not None and cell.end() <= width // 2:
        below = cell.end()
    return textwrap.fill(
        line,
        width,
        subsequent_indent=" " * below,
        break_long_words=False,
        break_on_hyphens=False,
        expand_tabs=False,
        replace_whitespace=False,
    )


_log = logging.getLogger("sesamy_async")
_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


@contextmanager
def logging_to_stderr(verbose: int) -> Generator[None]:
    """Write the SDK's log and warnings to stderr while the block runs."""
    handler = logging.StreamHandler()
    handler.setFormatter(_PlainFormatter("%(levelname)s %(message)s"))
    if not verbose:
        # The command says itself how a call ended.
        handler.addFilter(lambda record: not hasattr(record, "operation"))
    before = _log.level
    _log.addHandler(handler)
    _log.setLevel(_LEVELS[min(verbose, len(_LEVELS) - 1)])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", TokenStoreWarning)
            warnings.showwarning = _show_warning
            yield
    finally:
        _log.setLevel(before)
        _log.removeHandler(handler)


class _PlainFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return plain(super().format(record))


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    _write(sys.stderr, f"Warning: {message}")


@attrs.frozen(eq=False, repr=False)
class BestEffortStream:
    """A stream that drops what it can't write.

    An import continues when its terminal is closed or disconnected.
    """

    _stream: Any

    def write(self, text: str) -> int:
        # ValueError: it is closed.  AttributeError: it is None.
        with suppress(OSError, ValueError, AttributeError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError, AttributeError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
