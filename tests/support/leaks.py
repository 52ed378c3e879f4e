"""What an error would tell a tool that logs it with all its locals."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path

import sesamy_async


_PACKAGE = str(Path(sesamy_async.__file__).parent)


def told_by(error: BaseException) -> str:
    """Return all that our frames and the chained errors would show."""
    return " ".join(_tell(error))


def locals_of(error: BaseException) -> str:
    """Return the locals of our frames in the traceback of an error."""
    return " ".join(
        f"{frame.f_code.co_name}: {frame.f_locals!r}"
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if is_ours(frame.f_code.co_filename)
    )


def is_ours(filename: str) -> bool:
    """Whether code is of the package, wherever tests and package lie.

    What attrs and cattrs generate for our classes counts as ours.
    """
    return filename.startswith((_PACKAGE, "<"))


def _tell(error: BaseException | None) -> Iterator[str]:
    if error is None:
        return
    yield repr(error)
    yield str(error)
    yield repr(vars(error))
    yield locals_of(error)
    yield from _tell(error.__cause__)
    yield from _tell(error.__context__)
