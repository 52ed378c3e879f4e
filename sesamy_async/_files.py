"""Files that appear in their place only when they are complete."""

from __future__ import annotations

import glob
import os
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Self, TextIO

import attrs


if sys.platform == "darwin":  # pragma: no cover - macOS
    import fcntl


_SUFFIX = ".new"
_RANDOM = 8  # Letters, by which files of the same place differ.
_LONGEST_NAME = 255  # Of the file systems in use; mostly in bytes.


def obstacle(path: Path) -> str:
    """Return why a file can't be written at a place; empty if it may.

    Permissions and a full disk show only when it is written.
    """
    # os.path: the methods of a path raise if its name is too long.
    if not os.path.isdir(path.parent):  # noqa: PTH112
        return f"there is no folder {path.parent}"
    if not os.access(path.parent, os.X_OK):
        return f"you may not use the folder {path.parent}"
    if os.path.isdir(path):  # noqa: PTH112
        return "there is a folder of that name"
    spare = len(f"..{_SUFFIX}") + _RANDOM  # `AtomicFile.begin` adds it.
    excess = len(os.fsencode(path.name)) + spare - _LONGEST_NAME
    if excess > 0:
        letters = f"{excess} letter{'s' * (excess > 1)}"
        return f"its name is too long; shorten it by {letters}"
    return ""


@attrs.frozen(eq=False, repr=False)
class AtomicFile:
    """A new file that is written beside its place; a context manager.

    Only this user may read it (mode 0600).  The end of the ``with`` block
    removes it unless it was put in its place.
    """

    path: Path  # Its place.
    beside: Path  # Where it is written.

    @classmethod
    def begin(cls, path: Path, *, sweep_after: float = 0.0) -> Self:
        """Make an empty file; `sweep` those that killed processes left."""
        sweep(path, sweep_after)
        handle, name = tempfile.mkstemp(
            prefix=f".{path.name}.", suffix=_SUFFIX, dir=path.parent
        )
        os.close(handle)
        return cls(path, Path(name))

    def open(self, encoding: str = "utf-8", errors: str = "strict") -> TextIO:
        """Open it for text; close that before `replace` or `place`."""
        # newline="": line breaks are written as they are.
        return self.beside.open(
            "w", encoding=encoding, errors=errors, newline=""
        )

    def replace(self) -> None:
        """Put it in its place on disk, instead of what is there."""
        _flush(self.beside, os.O_RDWR)
        self.beside.replace(self.path)
        _flush_folder(self.path)

    def place(self) -> None:
        """Put it in its place on disk, or raise FileExistsError."""
        _flush(self.beside, os.O_RDWR)
        try:
            # One step: a crash leaves no empty file in its place.
            self.path.hardlink_to(self.beside)
        except FileExistsError:
            raise
        except OSError:  # Some disks have no hard links.
            self._take_place()
        _flush_folder(self.path)

    def discard(self) -> None:
        """Remove what is not in its place."""
        self.beside.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.discard()

    def _take_place(self) -> None:
        # The name first, because a rename alone would replace a file.
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
        os.close(os.open(self.path, flags, 0o600))
        try:
            self.beside.replace(self.path)
        except BaseException:
            self.path.unlink()
            raise


def sweep(path: Path, after: float = 0.0) -> None:
    """Remove the unfinished files that killed processes left.

    They must be `after` seconds old.  With 0, a process that is still
    writing loses its file, and fails.
    """
    before = time.time() - after
    for left in path.parent.glob(f".{glob.escape(path.name)}.*{_SUFFIX}"):
        with suppress(FileNotFoundError, PermissionError):
            if not after or left.lstat().st_mtime < before:
                left.unlink()


def _flush_folder(path: Path) -> None:
    # So that its name survives a power cut, too.  Windows opens no folders,
    # and writes their names by itself.
    with suppress(PermissionError):
        _flush(path.parent, os.O_RDONLY)


def _flush(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        _sync(handle)
    finally:
        os.close(handle)


def _sync(handle: int) -> None:
    os.fsync(handle)
    if sys.platform == "darwin":  # pragma: no cover - macOS
        # There, fsync leaves it in the cache of the disk.
        with suppress(OSError):  # Some file systems can't.
            fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
