"""Whether the WAL beside a journal is the one that belongs to it.

While a journal is open, its latest changes are in its WAL only.  SQLite
takes a file without one for complete, and replays any WAL that it finds.
So the main file itself says whether a WAL belongs to it, and which.
"""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Self

import attrs


_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}
_WORD = 0x1_0000_0000


@attrs.frozen
class Mark:
    """What a journal says of its WAL.

    The main file says that a WAL belongs to it; its own WAL, as soon as
    there is one, says the opposite.  So it is SQLite that takes the mark
    back, when it copies the last of a WAL into the main file and removes
    it: there is no moment at which one is done without the other.

    Attributes:
        needed: Whether changes may be in the WAL only.
        lineage: Of the WAL; see `Wal`.
        checkpoints: Of the WAL, when this was written; with the first
            change after that it begins anew, once.
    """

    needed: bool = False
    lineage: int = 0
    checkpoints: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what was dumped.

        Raises:
            ValueError: It is damaged.
        """
        needed, lineage, checkpoints, _ = text.split(" ")
        return cls(bool(int(needed)), int(lineage, 16), int(checkpoints, 16))

    def dump(self) -> str:
        """Return it as a text, always of the same length.

        So a power cut can't tear it: it stays within a sector.  No two
        are the same, for SQLite does not write what has not changed.
        """
        return (
            f"{self.needed:d} {self.lineage:08x} {self.checkpoints:08x} "
            f"{token_hex(4)}"
        )


@attrs.frozen
class Wal:
    """What the header of a WAL says.

    Attributes:
        lineage: The first salt without the number of checkpoints.  SQLite
            draws that salt when it makes the file, and then adds one each
            time the file begins anew, so this stays the same.
        checkpoints: How often it began anew.
        pages: The pages of the main file that it changes; at most two.
    """

    lineage: int
    checkpoints: int
    pages: frozenset[int] = frozenset()


def read_wal(path: Path) -> Wal | None:
    """Read a WAL, which may be in use; None where it holds nothing.

    SQLite has no lock on this file, so it may be opened and closed.

    Raises:
        OSError: It is there and can't be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER.size)
            if not _whole(head):
                return None
            _, _, size, checkpoints, *salts, _, _ = _HEADER.unpack(head)
            lineage = (salts[0] - checkpoints) % _WORD
            pages: set[int] = set()
            while len(pages) < 2:  # noqa: PLR2004 - more make no difference
                frame = file.read(_FRAME.size)
                if len(frame) < _FRAME.size:
                    break
                page, _, *its, _, _ = _FRAME.unpack(frame)
                if its != salts:
                    break
                pages.add(page)
                file.seek(size, 1)
            return Wal(lineage, checkpoints, frozenset(pages))
    except FileNotFoundError:
        return None


def fits(mark: Mark, wal: Wal | None, page: int) -> bool:
    """Whether nothing is lost, and nothing changed that should not be.

    Args:
        mark: What the main file says.
        wal: What is beside it.
        page: The one that holds the mark.
    """
    if wal is None:
        return not mark.needed
    since = wal.checkpoints - mark.checkpoints
    if wal.lineage == mark.lineage and since == 1:
        return True
    if not mark.needed:
        # A crash before the first change leaves a WAL that only marks.
        return wal.pages <= {page}
    # The same, and what it marks is in the main file, too.
    return wal.lineage == mark.lineage and not since and wal.pages == {page}


def torn(mark: Mark, path: Path) -> bool:
    """Whether a power cut has torn the header of a WAL that began anew.

    Then nothing is in it yet: its first commit flushes the header.  In one
    that is damaged later, the salts of its time are still to be found, in
    the header or in the first frame, which is in the same sector.

    Raises:
        OSError: It is there and can't be read.
    """
    with suppress(FileNotFoundError), path.open("rb") as file:
        start = file.read(_HEADER.size + _FRAME.size)
        if len(start) == _HEADER.size + _FRAME.size:
            salts = {start[at : at + 4] for at in (16, _HEADER.size + 8)}
            began = (mark.lineage + mark.checkpoints + 1) % _WORD
            return began.to_bytes(4) not in salts
    return False


def _whole(head: bytes) -> bool:
    """Whether SQLite would take it for the header of a WAL."""
    if len(head) < _HEADER.size:
        return False
    [magic] = struct.unpack(">I", head[:4])
    order = _MAGIC.get(magic)
    if order is None:
        return False
    words = struct.unpack(f"{order}6I", head[:24])
    one = two = 0
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + two) % _WORD
        two = (two + second + one) % _WORD
    return struct.unpack(">2I", head[24:]) == (one, two)
