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
    # os.path: the methods of a path raise if its name is too long, or if its
    # folder is closed; it is for whoever opens the file to say so.
    is_link = os.path.islink(path)  # noqa: PTH114
    return Path(os.path.realpath(path)) if is_link else path


def same_file(path: Path, other: Path) -> bool:
    """Whether two paths lead to one file, which need not be there."""
    # A disk may ignore upper and lower case, and a file may have two names.
    if all(map(os.path.exists, (path, other))):
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
    Before SQLite copies the WAL, that says "needed", too, by its own name:
    a crash may come between any two pages.
    """

    needed: bool = False  # Whether changes may be in the WAL only.
    lineage: int = 0  # Of the WAL; see `Wal`.
    # Of the WAL that holds this mark; one that begins anew after it adds one.
    checkpoints: int = 0
    # Random, because SQLite does not write what has not changed.
    token: str = attrs.field(factory=lambda: token_hex(4))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what `dump` returned, or raise a `ValueError`."""
        needed, lineage, checkpoints, token = text.split(" ")
        return cls(
            bool(int(needed)), int(lineage, 16), int(checkpoints, 16), token
        )

    def dump(self) -> str:
        # Always of the same length, so that it stays within a sector and no
        # power cut tears it.
        return (
            f"{self.needed:d} {self.lineage:08x} {self.checkpoints:08x} "
            f"{self.token}"
        )


@attrs.frozen
class Wal:
    """What is in a WAL."""

    # The first salt minus the number of checkpoints.  SQLite draws the salt
    # when it creates the file, and adds one at each checkpoint, so this
    # stays the same.
    lineage: int
    checkpoints: int  # How often it began anew.
    pages: frozenset[int] = frozenset()  # Of the main file, that it changes.
    contents: tuple[bytes, ...] = ()  # All that was written to one of them.


def read_wal(
    path: Path, page: int = 0, *, exactly: bool = False
) -> Wal | None:
    """Read a WAL, which may be in use; None if it holds nothing.

    `page` is the one whose contents are wanted; there is no page 0.  What
    follows the last commit was cut off by a crash, and is left out.
    `exactly` checks all sums, as SQLite does, which takes about 0.1 ms for
    each frame; otherwise a frame that was cut off counts, too, with whatever
    the file held in its place before.
    """
    pages: list[int] = []
    contents: list[bytes] = []
    known = 0, 0
    # SQLite has no lock on this file, so it may be opened and closed.
    with suppress(FileNotFoundError), path.open("rb") as file:
        head = file.read(_HEADER.size)
        if not _whole(head):
            return None
        magic, _, size, checkpoints, *salts, one, two = _HEADER.unpack(head)
        sums = one, two
        while len(frame := file.read(_FRAME.size)) == _FRAME.size:
            its, commits, *own, one, two = _FRAME.unpack(frame)
            if own != salts:
                break
            wanted = exactly or its == page
            content = file.read(size if wanted else 0)
            if not wanted:
                file.seek(size, 1)
            elif exactly:
                if len(content) < size:
                    break
                sums = _add_up(_WAL_MAGIC[magic], frame[:8] + content, sums)
                if sums != (one, two):
                    break
            pages.append(its)
            if its == page:
                contents.append(content)
            if commits:
                known = len(pages), len(contents)
        return Wal(
            (salts[0] - checkpoints) % _WORD,
            checkpoints,
            frozenset(pages[: known[0]]),
            tuple(contents[: known[1]]),
        )
    return None


def fits(mark: Mark, wal: Wal | None, page: int) -> bool:
    """Whether the WAL beside a main file is the one that its mark means.

    `page` is the one that holds the mark.  A first frame that a crash cut
    off makes no difference, so the WAL need not be read exactly: of one that
    began anew only the header counts, and a mark came to the main file after
    it was flushed to the WAL.
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
    # Not begun anew: SQLite copies it, or did, and the mark came from there.
    text = mark.dump().encode()
    return own and since == 0 and any(text in each for each in wal.contents)


def torn(mark: Mark, path: Path) -> bool:
    """Whether a power cut has torn the header of a WAL that began anew.

    Then nothing is in it yet: its first commit flushes the header.  One
    that is damaged later still has its salts, in the header or in the first
    frame, which is in the same sector.  So has one that is being copied.
    """
    with suppress(FileNotFoundError), path.open("rb") as file:
        start = file.read(_HEADER.size + _FRAME.size)
        if len(start) == _HEADER.size + _FRAME.size:
            salts = {start[at : at + 4] for at in (16, _HEADER.size + 8)}
            copied = mark.lineage + mark.checkpoints
            known = {
                (each % _WORD).to_bytes(4) for each in (copied, copied + 1)
            }
            return not salts & known
    return False


def _whole(head: bytes) -> bool:
    """Whether SQLite would take it for the header of a WAL."""
    if len(head) < _HEADER.size:
        return False
    [magic] = struct.unpack(">I", head[:4])
    order = _WAL_MAGIC.get(magic)
    if order is None:
        return False
    return struct.unpack(">2I", head[24:]) == _add_up(order, head[:24])


def _add_up(
    order: str, words: bytes, start: tuple[int, int] = (0, 0)
) -> tuple[int, int]:
    """Return the two sums that SQLite keeps of what is in a WAL."""
    one, two = start
    for first, second in struct.iter_unpack(f"{order}2I", words):
        one = (one + first + two) % _WORD
        two = (two + second + one) % _WORD
    return one, two
