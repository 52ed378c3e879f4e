"""SQLite's files: where they are, which they are, and what a WAL says."""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Self

import attrs


def followed(path: Path) -> Path:
    """Return the file that a symbolic link leads to; else the path itself."""
    # Not `resolve`: it raises a `RuntimeError` for a link to itself.
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def same_file(path: Path, other: Path) -> bool:
    """Whether two paths lead to one file, which need not be there."""
    # A disk may ignore upper and lower case, and a file may have two names.
    if path.exists() and other.exists():
        return path.samefile(other)
    return os.path.realpath(path) == os.path.realpath(other)


def wal_of(path: Path) -> Path:
    """Return the file in which SQLite keeps the latest changes."""
    return path.parent / f"{path.name}-wal"


def identities(*files: str) -> tuple[tuple[int, int] | None, ...]:
    """Return which files they are; None for one that is not there."""
    return tuple(map(_identity, files))


def _identity(file: str) -> tuple[int, int] | None:
    try:
        facts = os.stat(file)  # noqa: PTH116 - many times for each order
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_WAL_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}
_WORD = 0x1_0000_0000


@attrs.frozen
class Mark:
    """What a main file says of its WAL.

    The main file says that it needs a WAL; that WAL says that it does not.
    So SQLite itself takes the mark back when it copies the WAL into the
    main file: no crash can come between the two.

    Attributes:
        needed: Whether changes may be in the WAL only.
        lineage: Of the WAL; see `Wal`.
        checkpoints: Of the WAL, when this was written; the first change
            after that adds one.
    """

    needed: bool = False
    lineage: int = 0
    checkpoints: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what was dumped, or raise a `ValueError`."""
        needed, lineage, checkpoints, _ = text.split(" ")
        return cls(bool(int(needed)), int(lineage, 16), int(checkpoints, 16))

    def dump(self) -> str:
        """Return it as a text."""
        # Always of the same length, so that it stays within a sector and no
        # power cut tears it.  Never the same twice, because SQLite does not
        # write what has not changed.
        return (
            f"{self.needed:d} {self.lineage:08x} {self.checkpoints:08x} "
            f"{token_hex(4)}"
        )


@attrs.frozen
class Wal:
    """What the header of a WAL says.

    Attributes:
        lineage: The first salt minus the number of checkpoints.  SQLite
            draws the salt when it makes the file, and adds one at each
            checkpoint, so this stays the same.
        checkpoints: How often it began anew.
        pages: The pages of the main file that it changes; at most two.
    """

    lineage: int
    checkpoints: int
    pages: frozenset[int] = frozenset()


def read_wal(path: Path) -> Wal | None:
    """Read a WAL, which may be in use; None if it holds nothing."""
    # SQLite has no lock on this file, so it may be opened and closed.
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
    """Whether the WAL beside a main file is the one that its mark means.

    Args:
        mark: What the main file says.
        wal: What is beside it.
        page: The page that holds the mark.
    """
    if wal is None:
        return not mark.needed
    own = wal.lineage == mark.lineage
    since = wal.checkpoints - mark.checkpoints
    if own and since == 1:
        return True
    if not mark.needed:
        # A crash before the first change leaves a WAL with a mark only.
        return wal.pages <= {page}
    # Not begun anew: it holds the mark only, as the main file does.
    return own and since == 0 and wal.pages == frozenset({page})


@attrs.frozen
class Committed:
    """What the transactions in a WAL have changed.

    Attributes:
        pages: The pages of the main file that they change.
        contents: All that they have written to one of these pages.
    """

    pages: frozenset[int]
    contents: tuple[bytes, ...]


def read_commits(path: Path, page: int) -> Committed | None:
    """Read a WAL, which may be in use; None if it holds nothing.

    What follows the last commit is not in it: that was cut off by a crash.
    """
    pages: list[int] = []
    contents: list[bytes] = []
    known = 0, 0
    with suppress(FileNotFoundError), path.open("rb") as file:
        head = file.read(_HEADER.size)
        if not _whole(head):
            return None
        _, _, size, _, *salts, _, _ = _HEADER.unpack(head)
        while len(frame := file.read(_FRAME.size)) == _FRAME.size:
            its, commits, *own, _, _ = _FRAME.unpack(frame)
            if own != salts:
                break
            pages.append(its)
            if its == page:
                contents.append(file.read(size))
            else:
                file.seek(size, 1)
            if commits:
                known = len(pages), len(contents)
        return Committed(
            frozenset(pages[: known[0]]), tuple(contents[: known[1]])
        )
    return None


def torn(mark: Mark, path: Path) -> bool:
    """Whether a power cut has torn the header of a WAL that began anew.

    Then nothing is in it yet: its first commit flushes the header.  One
    that is damaged later still has its salts, in the header or in the first
    frame, which is in the same sector.
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
    order = _WAL_MAGIC.get(magic)
    if order is None:
        return False
    words = struct.unpack(f"{order}6I", head[:24])
    one = two = 0
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + two) % _WORD
        two = (two + second + one) % _WORD
    return struct.unpack(">2I", head[24:]) == (one, two)
