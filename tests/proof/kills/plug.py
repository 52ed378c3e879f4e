"""A power cut: what was written and not flushed may be lost, or torn."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import attrs

from sesamy_async._wal import wal_of


_SECTOR = 512
_WRITTEN = 0.5
_FLUSHED = "flushed"


def size_of(journal: Path) -> int:
    """Return how long the file of the latest changes is."""
    wal = wal_of(journal)
    return wal.stat().st_size if wal.exists() else 0


def flushed(size: int) -> str:
    """Return the line of a trace that says how much is on the disk."""
    return f"{_FLUSHED}:{size}\n"


@attrs.frozen
class Plug:
    """Pulls the plug of a machine whose process has been killed.

    A disk keeps what was flushed; of what was written since, any sector
    may be missing or hold something else, and the file may be shorter.

    Attributes:
        chance: What becomes of each byte.
        lies: How many flushes the disk has only said that it has done.
    """

    chance: random.Random
    lies: int = 0

    def pull(self, journal: Path, trace: str) -> int:
        """Lose what may be lost; return how many bytes that were.

        Args:
            journal: Its path.
            trace: What the process has passed.
        """
        wal = wal_of(journal)
        sizes = [
            int(line.partition(":")[2])
            for line in trace.splitlines()
            if line.startswith(_FLUSHED)
        ]
        if not wal.exists() or len(sizes) <= self.lies:
            return 0
        kept = sizes[-1 - self.lies]
        content = wal.read_bytes()
        tail = content[kept:]
        wal.write_bytes(content[:kept] + self._torn(tail))
        return len(tail)

    def _torn(self, tail: bytes) -> bytes:
        ways: tuple[Callable[[bytes], bytes], ...] = (
            self._cut,
            self._zeroed,
            self._garbled,
        )
        return self.chance.choice(ways)(tail)

    def _cut(self, tail: bytes) -> bytes:
        return tail[: self.chance.randint(0, len(tail))]

    def _zeroed(self, tail: bytes) -> bytes:
        return self._with(bytes, tail)

    def _garbled(self, tail: bytes) -> bytes:
        return self._with(self.chance.randbytes, tail)

    def _with(self, other: Callable[[int], bytes], tail: bytes) -> bytes:
        sectors = (
            tail[at : at + _SECTOR] for at in range(0, len(tail), _SECTOR)
        )
        return b"".join(
            each if self.chance.random() < _WRITTEN else other(len(each))
            for each in sectors
        )
