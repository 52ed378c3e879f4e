"""Read the order that a command is given."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from sesamy_async.errors import InvalidRequestError
from sesamy_async.models import NewContract

from .usage import UsageError


_STDIN = "-"
_LARGEST = 10_000_000
_MOST_PROBLEMS = 50
_WORDS = {
    errno.ENOENT: "there is no such file",
    errno.EISDIR: "it is a directory",
    errno.EACCES: "you may not read it",
}


def read_order(file: str) -> NewContract:
    """Read an order in Sesamy's JSON.

    Args:
        file: Its path; "-" for stdin.

    Raises:
        InvalidRequestError: It can't be read, or holds no order; the
            message names the file, and every field that is wrong.
        UsageError: It is an option rather than a file.
    """
    if file.startswith("-") and file != _STDIN:
        # What stands behind "=" may be a secret.
        raise UsageError(
            f"There is no option {file.partition('=')[0]}; the path of a "
            "file that begins so is written ./-."
        )
    name = "stdin" if file == _STDIN else str(Path(file))
    content = _content(file, name)
    try:
        return NewContract.from_json(content)
    except InvalidRequestError as error:
        problems, order = error.problems, error.external_order_id
    refused = InvalidRequestError(_message(name, problems), problems=problems)
    if order is not None:
        refused.operation = "read"
        refused.external_order_id = order
    raise refused


def _content(file: str, name: str) -> bytes:
    try:
        with _opened(file) as opened:
            content = opened.read(_LARGEST + 1)
    except OSError as error:
        reason = _WORDS.get(error.errno or 0, error.strerror)
    else:
        if len(content) <= _LARGEST:
            return content
        reason = f"it has more than {_LARGEST} bytes"
    raise InvalidRequestError(f"{name} can't be read: {reason}.")


def _opened(file: str) -> BinaryIO:
    if file == _STDIN:
        # By its number, for Python has no sys.stdin where it is closed.
        return open(0, "rb", closefd=False)
    return Path(file).open("rb")


def _message(name: str, problems: Sequence[str]) -> str:
    count = len(problems)
    shown = [*problems[:_MOST_PROBLEMS]]
    if count > _MOST_PROBLEMS:
        shown.append(f"and {count - _MOST_PROBLEMS} more")
    what = "a problem" if count == 1 else f"{count} problems"
    return f"{name} has {what}: {'; '.join(shown)}."
