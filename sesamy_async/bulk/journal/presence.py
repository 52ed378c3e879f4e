"""Whether the files of a journal are still where they were."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Self

import attrs


@attrs.frozen
class Presence:
    """The files, as they were.

    A file that is deleted, or replaced, can still be written by whoever
    has it open, and then nobody finds what was written.

    Attributes:
        files: Which file each path was.
    """

    files: tuple[tuple[Path, tuple[int, int] | None], ...]

    @classmethod
    def of(cls, path: Path) -> Self:
        """Remember the files of a journal that is open."""
        both = (path, wal_of(path))
        return cls(tuple((each, _identity(each)) for each in both))

    def lost(self) -> Path | None:
        """Return a file that is not there any more, if there is one."""
        for path, before in self.files:
            if _identity(path) != before:
                return path
        return None


def wal_of(path: Path) -> Path:
    """Return the file in which SQLite keeps the latest changes."""
    return path.parent / f"{path.name}-wal"


def leftovers(path: Path) -> Iterator[Path]:
    """Yield what SQLite keeps beside a journal, as far as it is there."""
    for left in (wal_of(path), path.with_name(f"{path.name}-journal")):
        if os.path.lexists(left):
            yield left


def set_aside(path: Path) -> None:
    """Give a file that may be there a name that no other one has."""
    if os.path.lexists(path):
        names = (path.with_name(f"{path.name}.{n}.aside") for n in count(1))
        path.rename(next(n for n in names if not os.path.lexists(n)))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino
