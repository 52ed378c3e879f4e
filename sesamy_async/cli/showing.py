"""Show how a command ended, to people or to machines."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from sesamy_async.errors import SesamyError

from .answer import Answer
from .exit_codes import ExitCode
from .plain import plain


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


def show_answer(answer: Answer, *, as_json: bool) -> ExitCode:
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
