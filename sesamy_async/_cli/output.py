"""What commands print, and the codes they exit with."""

from __future__ import annotations

import json
import logging
import os
import sys
import warnings
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from enum import IntEnum
from pathlib import Path
from typing import IO, Any, TextIO, cast

import attrs

from sesamy_async._call import Call, Proceed, Response
from sesamy_async._pipeline import describe
from sesamy_async.auth import TokenStoreWarning
from sesamy_async.bulk import Ending, ImportSummary
from sesamy_async.errors import (
    ConfigurationError,
    InvalidRequestError,
    SesamyError,
)


class InterruptionError(SesamyError):
    """Ctrl-C; `outcome` says what became of what was under way."""


@attrs.define
class InterruptWatch:
    """A middleware that remembers the latest call."""

    call: Call | None = None

    async def __call__(self, call: Call, proceed: Proceed) -> Response:
        """Let the call go on."""
        self.call = call
        return await proceed(call)

    def interrupted(self, interrupt: KeyboardInterrupt) -> InterruptionError:
        """Return the error that says what became of the latest call."""
        error = InterruptionError("Interrupted.")
        if self.call is not None:
            describe(self.call, error)
        # The SDK's own words for this call are the same as ours.
        known = str(error)
        notes: list[str] = getattr(interrupt, "__notes__", [])
        error.aside = " ".join(note for note in notes if note != known)
        return error


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    """What was asked for is done."""

    FAILED = 1
    """It was not done, and that is certain."""

    USAGE = 2
    """Nothing was sent: an option, a setting or the order is wrong."""

    REJECTED = 3
    """All orders were processed, and some can't be sent or were refused."""

    LOOK = 4
    """It was done or may have been: look before sending it again."""

    INTERRUPTED = 130
    """Ctrl-C or SIGTERM; it says what became of the order, or how to go on."""


def exit_code_of(error: SesamyError) -> ExitCode:
    """Return the exit code of a command that ended in an error."""
    if isinstance(error, InterruptionError):
        return ExitCode.INTERRUPTED
    # First, for a wrong setting may show when a request was lost already.
    if not error.outcome.nothing_done:
        return ExitCode.LOOK
    if isinstance(error, ConfigurationError | InvalidRequestError):
        return ExitCode.USAGE
    return ExitCode.FAILED


@attrs.frozen
class CommandResult:
    """The same for people and for machines.

    Attributes:
        headline: What was done, for people; also all that is said where
            the answer can't be written to stdout, so it holds no secret.
        data: The JSON object for machines.
        details: More lines for people.
        code: How the command ended.
    """

    headline: str
    data: Mapping[str, Any]
    details: tuple[str, ...] = ()
    code: ExitCode = ExitCode.DONE

    @property
    def text(self) -> str:
        """All that people are told."""
        return "\n".join([self.headline, *self.details])


@attrs.frozen
class Script(CommandResult):
    """An answer that is nothing but its text."""

    data: Mapping[str, Any] = attrs.field(factory=dict[str, Any])

    @property
    def text(self) -> str:
        """The script."""
        return "\n".join(self.details)


def rows(**values: object) -> tuple[str, ...]:
    """Return an indented line for each value that is not None."""
    width = max(len(name) for name in values)
    return tuple(
        f"  {name:<{width}}  {value}"
        for name, value in values.items()
        if value is not None
    )


def plain(text: str) -> str:
    """Return a text whose control characters are shown as escapes.

    Names of files, ids and what Sesamy says come from others.
    """
    return "".join(
        char
        if char.isprintable() or char == "\n"
        else char.encode("unicode_escape").decode()
        for char in text
    )


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
_WHERE_IT_HAS_THEM = (
    "status_code",
    "code",
    "error",
    "error_description",
    "retry_after",
    "problems",
)


def show_answer(answer: CommandResult, *, as_json: bool) -> ExitCode:
    """Write the answer to stdout.

    Returns:
        That of the answer; or LOOK where it can't be written, for what the
        answer tells has been done.
    """
    text = _dump(answer.data) if as_json else answer.text
    problem = _write(sys.stdout, text)
    if problem is None:
        return answer.code
    _write(
        sys.stderr,
        f"{answer.headline}\nError: It can't be written to stdout: {problem}.",
    )
    return ExitCode.LOOK


def show_error(error: SesamyError, *, as_json: bool) -> None:
    """Write the error: as JSON to stdout, or as a paragraph to stderr."""
    if as_json:
        problem = _write(sys.stdout, _dump({"error": _described(error)}))
        if problem is None:
            return
    _write(sys.stderr, f"Error: {_paragraph(error)}")


def _paragraph(error: SesamyError) -> str:
    """Return its message, with each wrong field on a line of its own."""
    text = str(error)
    problems: tuple[str, ...] = getattr(error, "problems", ())
    if len(problems) > 1:
        listed = "".join(f"\n  {each}" for each in problems)
        text = text.replace(f" {'; '.join(problems)}. ", f"{listed}\n")
    return text


def _described(error: SesamyError) -> dict[str, Any]:
    facts = {
        "type": type(error).__name__,
        "message": str(error),
        **{name: getattr(error, name) for name in _ALWAYS},
    }
    more = {name: getattr(error, name, None) for name in _WHERE_IT_HAS_THEM}
    return facts | {name: more[name] for name in more if more[name]}


def _dump(data: Mapping[str, Any]) -> str:
    # ASCII, so that any terminal, file or pipe can take it.
    return json.dumps(data)


def _write(stream: TextIO | None, text: str) -> str | None:
    """Write lines; return what went wrong, if anything did."""
    if stream is None:
        return "it is closed"
    try:
        stream.write(f"{_harmless(text, stream.encoding)}\n")
        stream.flush()
    except OSError as error:
        _discard(stream)
        return error.strerror or type(error).__name__
    return None


def _harmless(text: str, encoding: str) -> str:
    """Escape what would steer the terminal, or can't be encoded."""
    safe = plain(text)
    return safe.encode(encoding, "backslashreplace").decode(encoding)


def _discard(stream: TextIO) -> None:
    """Let the rest go nowhere, or Python complains of it at its end."""
    with suppress(OSError), Path(os.devnull).open("wb") as null:
        os.dup2(null.fileno(), stream.fileno())


_log = logging.getLogger("sesamy_async")
_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


@contextmanager
def logging_to_stderr(verbose: int) -> Generator[None]:
    """Let the SDK's logs and warnings go to stderr while the block runs.

    Args:
        verbose: 0 for warnings, 1 for a line about each call, 2 for one
            about each attempt.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_Plain("%(levelname)s %(message)s"))
    before = _log.level
    _log.addHandler(handler)
    _log.setLevel(_LEVELS[min(verbose, len(_LEVELS) - 1)])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", TokenStoreWarning)
            warnings.showwarning = _show
            yield
    finally:
        _log.setLevel(before)
        _log.removeHandler(handler)


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return plain(super().format(record))


def _show(  # noqa: PLR0917 - as the `warnings` module calls it
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    del category, filename, lineno, file, line
    sys.stderr.write(f"Warning: {plain(str(message))}\n")


_GONE = (OSError, ValueError, AttributeError)


@attrs.frozen(eq=False, repr=False)
class BestEffortStream:
    """Loses what can't be written: it is not worth stopping an import.

    A terminal goes away when its window is closed, or its connection is
    cut, and the import that it was to show may go on.
    """

    _stream: IO[str] | None

    def write(self, text: str) -> int:
        """Write it, if that is possible."""
        with suppress(*_GONE):
            cast("IO[str]", self._stream).write(text)
        return len(text)

    def flush(self) -> None:
        """Let it be seen now, if that is possible."""
        with suppress(*_GONE):
            cast("IO[str]", self._stream).flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class UsageError(ConfigurationError):
    """A command, an option or an argument is missing or wrong."""


def exit_code_of_import(summary: ImportSummary) -> ExitCode:
    """Return the exit code of an import that has run.

    What is not finished comes first, for the same command goes on; then
    what a person has to look at, then what has to be mended.
    """
    if summary.ending is Ending.INTERRUPTED:
        return ExitCode.INTERRUPTED
    if summary.unprocessed:
        return ExitCode.FAILED
    if summary.unknown:
        return ExitCode.LOOK
    return ExitCode.REJECTED if summary.rejected else ExitCode.DONE
