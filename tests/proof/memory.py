"""Files that cost no disk."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


def memory() -> str | None:
    """Return a folder in memory; None, the usual place, where there is none.

    What a process leaves there when it ends is what it would leave on a
    disk: only a power cut makes a difference.
    """
    folder = Path("/dev/shm")  # noqa: S108 - for folders with random names
    return str(folder) if folder.is_dir() else None


@contextmanager
def folder_in_memory() -> Generator[Path]:
    """Yield a folder there, and remove it."""
    with tempfile.TemporaryDirectory(dir=memory()) as folder:
        yield Path(folder)
