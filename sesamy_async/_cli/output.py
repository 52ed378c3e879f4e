"""The results of commands, how they are shown, and the exit codes."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import warnings
from collections.abc import Generator, Iterable
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

from .wrapping import fitted, width_of


class ExitCode(IntEnum):
    """How a command ended.

    Attributes:
        DONE: What was asked for is done.
        FAILED: It was certainly not done.
        USAGE: Nothing was sent: an option, a setting or the order is wrong.
        REJECTED: All orders are processed; some can't be sent or were
            refused.
        LOOK: It was done or may have been: check before sending it again.
        INTERRUPTED: Ctrl-C or SIGTERM.
    """

    DONE = 0
    FAILED = 1
    USAGE = 2
    REJECTED = 3
    LOOK = 4
    INTERRUPTED = 130


class UsageError(ConfigurationError):
    """A command, an option or an argument is missing or wrong."""


class InterruptionError(SesamyError):
    """Ctrl-C or SIGTERM; `outcome` says what became of the order."""


_WRONG_USE = (ConfigurationError, InvalidRequestError, OrderMismatchError)


def exit_code_of(error: SesamyError) -> ExitCode:
    """Return the exit code of a command that ended in an error."""
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
    """The result of a command, for people and for machines.

    Attributes:
        headline: What was done, for people.  It goes to stderr if stdout
            can't be written to, so it holds no secret.
        data: The JSON object for machines.
        details: More lines for people.
        code: How the command ended.
        is_program: Whether the text is for another program, so that no line
            of it may be broken.
    """

    headline: str
    data: dict[str, Any]
    details: tuple[str, ...] = ()
    code: ExitCode = ExitCode.DONE
    is_program: bool = False


def rows(**values: object) -> tuple[str, ...]:
    """Return an indented line for each value that is not None."""
    given = {k: v for k, v in values.items() if v is not None}
    width = max(map(len, given), default=0)
    return tuple(f"  {name:<{width}}  {given[name]}" for name in given)


def show_answer(answer: CommandResult, *, as_json: bool) -> ExitCode:
    """Write the answer to stdout, and return its code.

    That is LOOK if it can't be written, because it was done.
    """
    # As ASCII, which any terminal, file or pipe can take.
    text = json.dumps(answer.data)
    if not as_json:
        text = "\n".join([answer.headline, *answer.details])
    problem = _write(sys.stdout, text, as_is=as_json or answer.is_program)
    if problem is None:
        return answer.code
    _write(
        sys.stderr,
        f"{answer.headline}\nError: It can't be written to stdout: {problem}.",
    )
    return ExitCode.LOOK


def show_error(
    error: SesamyError, *, as_json: bool, outcome: bool = True
) -> None:
    """Write the error: as JSON to stdout, or as a paragraph to stderr.

    Args:
        error: How the command ended.
        as_json: Whether it is for machines.
        outcome: Whether people are told the name of the outcome, which is a
            word of the Python API; what it means is always said.
    """
    if as_json:
        text = json.dumps({"error": _described(error)})
        if _write(sys.stdout, text, as_is=True) is None:
            return
    text = _paragraph(error)
    if not outcome:
        text = text.replace(f" Outcome: {error.outcome}.", "")
        text = text.replace(f"\nOutcome: {error.outcome}. ", "\n")
    _write(sys.stderr, f"Error: {text}")


def _paragraph(error: SesamyError) -> str:
    """Return the message, with each wrong field on a line of its own."""
    text = str(error)
    problems: tuple[str, ...] = getattr(error, "problems", ())
    if len(problems) < 2:  # noqa: PLR2004 - one needs no list
        return text
    numbered = " ".join(f"({n}) {each}" for n, each in enumerate(problems, 1))
    text = text.replace(f" {numbered} ", f"{_listed(problems)}\n")
    # A message has all of them, or the first ones.
    for shown in (problems, problems[:_MOST_NAMED]):
        before, run, after = text.partition(f" {'; '.join(shown)}")
        more, _, rest = after.partition(". ")
        if run and (not more or _MORE.fullmatch(more)):
            lines = [*shown, *filter(None, [more.removeprefix("; ")])]
            return f"{before}{_listed(lines)}\n{rest}"
    return text


_MOST_NAMED = 20
_MORE = re.compile(r"; and [\d,]+ more")


def _listed(lines: Iterable[str]) -> str:
    return "".join(f"\n  {each}" for each in lines)


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
    """Write lines, fitted to a terminal; return the reason if that fails."""
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


_log = logging.getLogger("sesamy_async")
_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


@contextmanager
def logging_to_stderr(verbose: int) -> Generator[None]:
    """Write the SDK's logs and warnings to stderr while the block runs.

    Args:
        verbose: 0 for warnings, 1 for a line about each call, 2 for one
            about each attempt.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_PlainFormatter("%(levelname)s %(message)s"))
    if not verbose:
        # How a call ended is what the command says itself.
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
        """Write the text, if possible."""
        # ValueError: it is closed.  AttributeError: it is None.
        with suppress(OSError, ValueError, AttributeError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream, if possible."""
        with suppress(OSError, ValueError, AttributeError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
