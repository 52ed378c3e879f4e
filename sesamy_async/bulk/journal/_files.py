"""The files of a journal: where they are, and which belong together."""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from itertools import count
from pathlib import Path
from secrets import token_hex
from typing import Self

import attrs

from ._schema import APPLICATION_ID


SUFFIX = ".journal"
"""How the name of a journal ends by default."""

# A SQLite file begins so, and its head ends with the application id.
_MAGIC = b"SQLite format 3\0"
_HEAD = 72
_OURS = APPLICATION_ID.to_bytes(4, "big")


def journal_path(source: Path) -> Path:
    """Return where the journal of a file is by default: beside it.

    Of ``orders.csv`` it is ``orders.csv.journal``.  For a symbolic link, it
    is that of the file that the link leads to.
    """
    # With two journals, the orders of one file would be sent twice.
    source = followed(source)
    return source.parent / f"{source.name}{SUFFIX}"


def followed(path: Path) -> Path:
    """Return the file that a symbolic link leads to; else the path itself."""
    # Not `resolve`: it raises a `RuntimeError` for a link to itself.
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def find_journal(file: Path) -> Path:
    """Return the journal of a file of orders; that may be itself one."""
    beside = journal_path(file)
    if beside.exists():
        return beside
    if file.name.endswith(SUFFIX) or not file.is_file():
        return file
    return file if is_journal(file) else beside


def is_journal(file: Path) -> bool:
    """Whether a file of any name holds a journal."""
    try:
        with file.open("rb") as opened:
            head = opened.read(_HEAD)
    except OSError:
        return False
    return head.startswith(_MAGIC) and head.endswith(_OURS)


def same_file(path: Path, other: Path) -> bool:
    """Whether two paths lead to one file, which need not be there."""
    # A disk may ignore upper and lower case, and a file may have two names.
    if path.exists() and other.exists():
        return path.samefile(other)
    return os.path.realpath(path) == os.path.realpath(other)


def wal_of(path: Path) -> Path:
    """Return the file in which SQLite keeps the latest changes."""
    return path.parent / f"{path.name}-wal"


def set_aside(path: Path) -> None:
    """Rename a file, if it is there, to a name that is free."""
    if os.path.lexists(path):
        names = (path.with_name(f"{path.name}.{n}.aside") for n in count(1))
        path.rename(next(n for n in names if not os.path.lexists(n)))


def identities(path: Path) -> dict[Path, tuple[int, int] | None]:
    """Return which file a journal is, and which its WAL; None for none."""
    found: dict[Path, tuple[int, int] | None] = {}
    for each in (path, wal_of(path)):
        found[each] = None
        with suppress(OSError):
            facts = each.stat()
            found[each] = facts.st_dev, facts.st_ino
    return found


_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_WAL_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}
_WORD = 0x1_0000_0000


@attrs.frozen
class Mark:
    """What a journal says of its WAL.

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
