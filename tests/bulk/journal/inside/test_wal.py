"""A journal is used only with the WAL that belongs to it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sesamy_async import _wal
from sesamy_async._wal import (
    Mark,
    Wal,
    fits,
    followed,
    read_mark,
    read_wal,
    wal_of,
)
from sesamy_async.bulk import JournalError, State
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.journal import _database as store_module
from sesamy_async.bulk.journal._database import Store
from sesamy_async.bulk.journal._journal import MISSING
from support.command_line import CommandLine
from support.journals import bring, new_journal


def files(path: Path) -> list[Path]:
    """Return the files of a journal, the main one first."""
    return sorted(path.parent.glob(f"{path.name}*"))


def crash(path: Path, *rows: int) -> None:
    """Confirm rows, and leave the files as a process does that dies."""
    at_work = path.parent / "at work"
    at_work.mkdir()
    for each in files(path):
        each.rename(at_work / each.name)
    live = at_work / path.name
    journal = (
        Journal.open(live) if live.exists() else new_journal(live, rows=20)
    )
    with journal:
        for row in rows:
            bring(journal, row, State.CONFIRMED)
        for each in files(live):
            shutil.copy(each, path.parent)
    shutil.rmtree(at_work)


def confirmed(path: Path) -> int:
    """Return how many orders a journal has as confirmed."""
    with Journal.open(path) as journal:
        return journal.counts()[State.CONFIRMED]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a journal can be."""
    return tmp_path / "orders.csv.journal"


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda wal: wal.unlink(), id="missing"),
        pytest.param(lambda wal: wal.write_bytes(b""), id="empty"),
        pytest.param(lambda wal: os.truncate(wal, 20), id="cut"),
        pytest.param(
            lambda wal: wal.write_bytes(b"\0" + wal.read_bytes()[1:]),
            id="no WAL",
        ),
        pytest.param(
            lambda wal: wal.write_bytes(
                wal.read_bytes()[:31] + b"?" + wal.read_bytes()[32:]
            ),
            id="flipped",
        ),
    ],
)
def test_spoiled(path: Path, spoil: Callable[[Path], None]) -> None:
    """Without the head of its WAL nothing of it is believed or touched."""
    crash(path, 2)
    spoil(wal_of(path))
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(JournalError, match="is incomplete") as raised:
            Journal.open(path)

    wal = wal_of(path).name
    said = str(raised.value)

    assert raised.value.unsent
    assert "Nothing was sent." in said
    assert f"Find the {wal} that was beside this journal" in said
    assert before == path.read_bytes()


def test_of_another_time(path: Path) -> None:
    """A WAL of before, or of another journal, is not mixed in."""
    crash(path, 2)
    old = wal_of(path).read_bytes()
    crash(path, 3)
    new = wal_of(path).read_bytes()
    wal_of(path).write_bytes(old)
    before = path.read_bytes()
    with pytest.raises(JournalError, match="beside it is from another time"):
        Journal.open(path)
    untouched = (path.read_bytes(), wal_of(path).read_bytes())
    wal_of(path).write_bytes(new)
    found = confirmed(path)
    # It was closed, and needs none.
    assert not wal_of(path).exists()
    assert found == confirmed(path)
    wal_of(path).write_bytes(old)
    with pytest.raises(JournalError, match="beside it is from another time"):
        Journal.open(path)

    assert (before, old) == untouched
    assert 2 == found


def test_only_opened(path: Path) -> None:
    """What was opened, and nothing more, needs no WAL."""
    crash(path)
    wal_of(path).unlink()

    # To look at it and close it leaves a file that is whole.
    assert [0, 0] == [confirmed(path), confirmed(path)]


def test_cut_as_it_begins(path: Path) -> None:
    """A WAL that was begun anew without a change has nothing to lose."""
    crash(path, 2)
    os.truncate(wal_of(path), 32)

    assert [0, 0] == [confirmed(path), confirmed(path)]
    crash(path, 3)
    assert 1 == confirmed(path)


def test_cut_in_the_middle(path: Path) -> None:
    """As after a power cut, what is whole of it counts."""
    crash(path, *range(2, 12))
    wal = wal_of(path)
    os.truncate(wal, wal.stat().st_size // 2)

    assert 0 < confirmed(path) < 10


def test_many_changes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The WAL begins anew now and then, and stays the one that is needed."""
    monkeypatch.setattr(store_module, "_CHANGES", 5)
    with new_journal(path, rows=20) as journal:
        for row in range(2, 22):
            bring(journal, row, State.CONFIRMED)
        begun_anew = int.from_bytes(wal_of(path).read_bytes()[12:16])
        copy = path.with_name("copy.journal")
        shutil.copy(path, copy)
        with pytest.raises(JournalError, match="is incomplete"):
            Journal.open(copy)
        shutil.copy(wal_of(path), wal_of(copy))
        found = confirmed(copy)

    assert 3 <= begun_anew
    assert 20 == found


Found = tuple[bytes, bytes]
"""A main file and its WAL."""


def watched(
    path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, *changed: int
) -> list[Found]:
    """Confirm rows; return the files at each step.

    Those are: before each statement, before SQLite closes it, and at last.
    """
    new_journal(path, rows=rows).close()
    found: list[Found] = []

    def look(_: str = "") -> None:
        wal = wal_of(path)
        found.append(
            (path.read_bytes(), wal.read_bytes() if wal.exists() else b"")
        )

    begin = Store._begin

    def begin_and_look(self: Store) -> None:
        begin(self)
        look()

    monkeypatch.setattr(Store, "_begin", begin_and_look)
    monkeypatch.setattr(store_module, "_CHANGES", 4)
    with Journal.open(path) as journal:
        journal._store._db.set_trace_callback(look)
        for row in changed:
            bring(journal, row, State.CONFIRMED)
        look()
    monkeypatch.setattr(Store, "_begin", begin)
    look()
    return found


def put(path: Path, main: bytes, wal: bytes | None) -> Path:
    """Write the files of a journal."""
    path.write_bytes(main)
    wal_of(path).unlink(missing_ok=True)
    if wal is not None:
        wal_of(path).write_bytes(wal)
    return path


def test_kills_between_statements(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between any two steps, and looked at, it needs nothing more."""
    steps = watched(path, monkeypatch, 20, 2, 3, 4)
    found = [confirmed(put(path, *step)) for step in steps]
    again = [
        confirmed(path) for step in steps if confirmed(put(path, *step)) >= 0
    ]

    assert len(found) > 20
    assert sorted(found) == found == again
    assert {0, 1, 2, 3} == set(found)


def test_kills_while_it_is_copied(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A main file that has only some of the pages is refused without a WAL.

    SQLite copies them in their order.  What changes is behind the mark.
    """
    changed = (500, 510, 520)
    steps = watched(path, monkeypatch, 600, *changed)
    size = int.from_bytes(steps[0][0][16:18])
    refused = 0
    for (main, wal), (then, _) in pairwise(steps):
        ends = [
            end
            for end in range(size, len(then) + 1, size)
            if then[end - size : end] != main[end - size : end]
        ]
        for end in ends:
            part = then[:end] + main[end:]
            count = confirmed(put(path, part, wal))
            try:
                assert count == confirmed(put(path, part, None))
            except JournalError as error:
                assert "is incomplete" in str(error)  # noqa: PT017
                refused += 1

    assert refused > 5


def test_kills_in_the_first_frame(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was in place of a frame that was cut off makes no difference."""
    heads = 32 + 24
    steps = watched(path, monkeypatch, 20, 2, 3, 4)
    begun = [
        (main, new[:heads] + old[heads:], new[:32] + old[32:])
        for (main, old), (_, new) in pairwise(steps)
        if old and new and old[:32] != new[:32]
    ]
    found = [
        [confirmed(put(path, main, wal)) for wal in wals]
        for main, *wals in begun
    ]

    assert [[0, 0], [2, 2], [3, 3]] == found


def test_not_recovered(path: Path) -> None:
    """What was opened to recover it, and was not, stays incomplete."""
    crash(path, 2)
    wal_of(path).unlink()
    Store.open(path, without_wal=True).close()

    with pytest.raises(JournalError, match="is incomplete"):
        Journal.open(path)
    assert 20 == Journal.recover(path)


def test_mark() -> None:
    """A mark is always as long, and each has another name."""
    mark = Mark(needed=True)

    assert mark == Mark.parse(mark.dump())
    assert Mark() != Mark()
    assert len(Mark().dump()) == len(mark.dump())


def test_sums_are_checked_only_if_need_be(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They take long: of a WAL that belongs, only the head's is."""
    steps = watched(path, monkeypatch, 20, 2, 3)
    added: list[int] = []
    add_up = _wal._add_up

    def count(order: str, words: bytes, *start: Any) -> tuple[int, int]:
        added.append(len(words))
        return add_up(order, words, *start)

    monkeypatch.setattr(_wal, "_add_up", count)
    seen: set[tuple[bool, bool]] = set()
    for main, wal in steps:
        mark, page = read_mark(put(path, main, wal), lambda _, __: None)
        added.clear()

        assert fits(mark, page, wal_of(path))
        assert [24] * (len(wal) > 0) == added

        found = read_wal(wal_of(path), page)
        seen.add((mark.needed, bool(found and found.pages <= {page})))

    # With a mark only, too.
    assert {(False, True), (True, False)} <= seen


A, B, C = (bytes([each]) * 16 for each in b"abc")


def a_wal(order: str, *frames: tuple[int, int, bytes]) -> bytes:
    """Return a WAL of frames: the page, whether it commits, the content."""
    magic = 0x377F0682 + (order == ">")
    head = struct.pack(">6I", magic, 3_007_000, 16, 0, 11, 12)
    sums = _wal._add_up(order, head)
    parts = [head, struct.pack(">2I", *sums)]
    for page, commits, content in frames:
        facts = struct.pack(">2I", page, commits)
        sums = _wal._add_up(order, facts + content, sums)
        parts += [facts, struct.pack(">4I", 11, 12, *sums), content]
    return b"".join(parts)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("frames", "pages", "contents"),
    [
        ([], set(), ()),
        ([(2, 0, A)], set(), ()),
        ([(2, 0, A), (1, 9, B)], {1, 2}, (A,)),
        ([(1, 0, A), (2, 9, B), (1, 0, C), (2, 0, C)], {1, 2}, (B,)),
        ([(2, 9, A), (1, 9, B), (2, 9, C)], {1, 2}, (A, C)),
    ],
)
def test_what_is_in_a_wal(
    path: Path,
    order: str,
    frames: list[tuple[int, int, bytes]],
    pages: set[int],
    contents: tuple[bytes, ...],
) -> None:
    """What is committed, and of one page all that was written to it."""
    path.write_bytes(a_wal(order, *frames))
    pages_only = Wal(frozenset(pages))
    expected = Wal(frozenset(pages), contents)

    assert pages_only == read_wal(path)
    assert pages_only == read_wal(path, exactly=True)
    assert expected == read_wal(path, 2)
    assert expected == read_wal(path, 2, exactly=True)


FRAME = 24 + 16


@pytest.mark.parametrize(
    ("spoil", "roughly", "exactly"),
    [
        # Whatever the file held in place of a frame that was cut off.
        (lambda wal: wal[:-1] + b"?", {1, 2, 3}, {1, 2}),
        # Cut within a frame, or in its head.
        (lambda wal: wal[:-1], {1, 2, 3}, {1, 2}),
        (lambda wal: wal[: -FRAME + 23], {1, 2}, {1, 2}),
        # Of before it was begun anew: with another salt.
        (lambda wal: wal[: -FRAME + 11] + b"?" * 29, {1, 2}, {1, 2}),
        (lambda wal: wal + b"\0" * 999, {1, 2, 3}, {1, 2, 3}),
        # One in the middle is the end.
        (lambda wal: wal[: -FRAME - 1] + b"?" + wal[-FRAME:], {1, 2, 3}, {1}),
        (lambda _: b"", None, None),
        (lambda wal: wal[:31], None, None),
        (lambda wal: b"\0" + wal[1:], None, None),
        (lambda wal: wal[:24] + b"?" + wal[25:], None, None),
    ],
)
def test_where_a_wal_ends(
    path: Path,
    spoil: Callable[[bytes], bytes],
    roughly: set[int] | None,
    exactly: set[int] | None,
) -> None:
    """It ends where SQLite would; without its sums it may seem longer."""
    path.write_bytes(spoil(a_wal(">", (1, 9, A), (2, 9, B), (3, 9, C))))

    wals = [read_wal(path), read_wal(path, exactly=True)]

    assert [roughly, exactly] == [
        None if wal is None else {*wal.pages} for wal in wals
    ]


def test_no_wal(path: Path) -> None:
    """One that is not there holds nothing."""
    assert None is read_wal(path)


@pytest.mark.parametrize("linked", ["file", "folder", "nothing"])
def test_followed(tmp_path: Path, linked: str) -> None:
    """SQLite keeps a WAL beside the file itself; else a path stays."""
    (tmp_path / "there").mkdir()
    (tmp_path / "folder").symlink_to("there")
    real = tmp_path / "there" / "x"
    link = tmp_path / "link"
    link.symlink_to(real)
    expected = {"file": real, "folder": tmp_path / "folder" / "x"}
    given = {**expected, "file": link}
    path = tmp_path / "x"

    assert expected.get(linked, path) == followed(given.get(linked, path))


def test_recover(sesamy: CommandLine, path: Path) -> None:
    """What may have been sent since is unknown; what is known, stays so."""
    crash(path, *range(2, 6))
    wal_of(path).unlink()
    with closing(sqlite3.connect(path)) as db:
        sent = {"CREATED": 2, "CONFIRMED": 3, "REJECTED": 4, "INTENT": 5}
        for state, row in sent.items():
            db.execute(
                "UPDATE orders SET state = ?, contract_id = 'c' || row "
                "WHERE row = ?",
                (state, row),
            )
        db.commit()
    refused = sesamy("journal", "recover", path)
    done = sesamy("journal", "recover", path, "--yes")
    with Journal.open(path) as journal:
        states = [each.state for each in journal.entries()]
        reasons = {
            each.reason for each in journal.entries(states={State.UNKNOWN})
        }

    assert [State.CREATED, State.CONFIRMED, State.REJECTED] == states[:3]
    assert [State.UNKNOWN] * 17 == states[3:]
    assert {MISSING} == reasons
    assert (2, "") == (refused.code, refused.out)
    assert "says which orders were sent last. Look for it" in refused.err
    assert (
        0,
        f"{path} can be used again; 17 orders became unknown.\n",
        "",
    ) == done
    with pytest.raises(JournalError, match="there is nothing to recover"):
        Journal.recover(path)


def test_recover_beside_a_foreign_wal(path: Path) -> None:
    """A WAL that is not its own is kept, under a name of its own."""
    crash(path, 2)
    other = path.with_name("other.journal")
    crash(other, 2)
    foreign = wal_of(other).read_bytes()
    kept = [path.with_name(f"{path.name}-wal.{n}.aside") for n in (1, 2)]
    kept[0].write_bytes(b"of before")
    wal_of(path).write_bytes(foreign)
    Journal.recover(path)

    assert b"of before" == kept[0].read_bytes()
    assert foreign == kept[1].read_bytes()
    assert not wal_of(path).exists()
