"""SQLite's files: where they are, and how a lost WAL is noticed.

After a crash the latest changes are in the WAL only, the file beside the main
one.  If that got lost, the main file would look fine, and its orders would
be sent again.  So the main file says whether it needs a WAL, and which:

- Before its first change, a process sees that the main file says "needed".
  The WAL says "not needed".
- Whoever closes the file last copies all changes into the main file, and then
  "not needed".  Nobody else can open it meanwhile.
- While changes are copied at other times, the WAL says "needed" for a moment,
  with a new name: SQLite copies page after page, and a crash may come in
  between.
- Once the main file says so too, the next change may begin the WAL anew.  So
  it takes "needed" back: each WAL with a change in it has the name that the
  main file has.
"""

from __future__ import annotations

import os
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from secrets import token_hex
from typing import Self

import attrs

from ._sqlite import connect


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


@attrs.frozen
class Mark:
    """What a file says of its WAL.

    Attributes:
        needed: Whether changes may be in the WAL only.
        name: Of the WAL that is meant; random.
    """

    needed: bool = False
    name: str = attrs.field(factory=lambda: token_hex(8))

    @classmethod
    def parse(cls, text: object) -> Self:
        """Return what was dumped, or raise a `ValueError`."""
        needed, name = str(text).split()
        return cls(bool(int(needed)), name)

    def dump(self) -> str:
        """Return it as a text."""
        # Always of the same length, so that it stays within a sector and no
        # power cut tears it.
        return f"{self.needed:d} {self.name}"


_MARK = "SELECT mark FROM wal"
_MARK_PAGE = "SELECT rootpage FROM sqlite_master WHERE name = 'wal'"


def mark_of(db: sqlite3.Connection) -> Mark:
    """Return what the main file and its WAL say together."""
    [[text]] = db.execute(_MARK).fetchall()
    return Mark.parse(text)


def set_mark(db: sqlite3.Connection, mark: Mark) -> None:
    """Write a mark, into the WAL."""
    db.execute("UPDATE wal SET mark = ?", (mark.dump(),))


def read_mark(
    path: Path, check: Callable[[int, int], None]
) -> tuple[Mark, int]:
    """Return what the main file alone says of its WAL, and on which page.

    `check` gets the application id and the version of the file, and raises
    if they are others.  Raises a `ValueError` if there is no mark.
    """
    # So SQLite reads this file alone.  If the file is open in this process,
    # SQLite knows, and keeps the locks.
    with closing(connect(path, "mode=ro&immutable=1")) as db:
        # Else SQLite refuses a file that is shorter than it says, as it is
        # while changes are copied into it, and after a crash meanwhile.
        db.execute("PRAGMA writable_schema = ON")
        [[marked]] = db.execute("PRAGMA application_id")
        [[version]] = db.execute("PRAGMA user_version")
        check(marked, version)
        [[page]] = db.execute(_MARK_PAGE).fetchall()
        return mark_of(db), page


def fits(mark: Mark, page: int, path: Path) -> bool:
    """Whether the WAL at a path is the one that a mark on a page means.

    Ask before SQLite opens both files, which would mix them for good.
    """
    # Only after a crash there is more in it than SQLite would take.
    return any(
        _agrees(mark, page, read_wal(path, page, exactly=exactly))
        for exactly in (False, True)
    )


def _agrees(mark: Mark, page: int, wal: Wal | None) -> bool:
    if wal is None:
        return not mark.needed
    if not wal.pages:
        # It was begun anew, or made, and a crash cut its first change off.
        return True
    if any(mark.name.encode() in each for each in wal.contents):
        return True
    # A crash before the first change leaves a WAL with a mark only.
    return not mark.needed and wal.pages <= {page}


_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_WAL_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}
_WORD = 0x1_0000_0000


@attrs.frozen
class Wal:
    """What is in a WAL."""

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
        magic, _, size, _, *salts, one, two = _HEADER.unpack(head)
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
        return Wal(frozenset(pages[: known[0]]), tuple(contents[: known[1]]))
    return None


def _whole(head: bytes) -> bool:
    """Whether SQLite would take it for the header of a WAL."""
    if len(head) < _HEADER.size:
        return False
    magic, *_, one, two = _HEADER.unpack(head)
    order = _WAL_MAGIC.get(magic)
    return order is not None and (one, two) == _add_up(order, head[:24])


def _add_up(
    order: str, words: bytes, start: tuple[int, int] = (0, 0)
) -> tuple[int, int]:
    """Return the two sums that SQLite keeps of what is in a WAL."""
    one, two = start
    for first, second in struct.iter_unpack(f"{order}2I", words):
        one = (one + first + two) % _WORD
        two = (two + second + one) % _WORD
    return one, two
