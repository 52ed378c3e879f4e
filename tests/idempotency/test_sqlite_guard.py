"""No order is lost with the files that SQLite keeps beside its own."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import attrs
import pytest

from sesamy_async._wal import mark_of, read_wal, wal_of
from sesamy_async.idempotency import (
    Holder,
    OrderKey,
    OrderRecord,
    OrderState,
    SQLiteStore,
    Step,
    StoreUnavailable,
    Write,
    _sqlite,
    _sqlite_file,
)
from sesamy_async.idempotency._sqlite_file import (
    Database,
    _read_mark,
    patiently,
)


WITHIN = 20.0
KEY = OrderKey("https://api.test", "shop", "o-1")

# Claims an order as process `argv[2]`, and ends as `argv[3]` says.
PROGRAM = """
import os, signal, sys
from sesamy_async.idempotency import Holder, OrderKey, SQLiteStore
store = SQLiteStore(sys.argv[1])
key = OrderKey("https://api.test", "shop", sys.argv[2])
assert store.claim(key, Holder(token="t"), within=20).done
end = sys.argv[3]
if end == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
if end == "collected":
    del store
    os._exit(0)
if end == "raised":
    raise SystemExit(1)
"""

posix = pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL")


def run(path: Path, order_id: str, end: str) -> None:
    """Claim an order in a process of its own."""
    subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", PROGRAM, path, order_id, end], check=False
    )


def claim(store: SQLiteStore, order_id: str = "o-1") -> OrderRecord | None:
    """Claim an order."""
    key = OrderKey("https://api.test", "shop", order_id)
    return store.claim(key, Holder(token="t"), within=WITHIN).record


def ids(store: SQLiteStore) -> set[str]:
    """Return all orders of a store."""
    return {
        each.key.external_order_id for each in store.entries(within=WITHIN)
    }


@posix
def test_kills(tmp_path: Path) -> None:
    """However processes are killed, no order is lost, and no alarm false.

    A main file alone is refused, unless it has all.
    """
    done = subprocess.run(  # noqa: S603 - our own words
        (sys.executable, "-m", "idempotency.killed", tmp_path, "25", "1"),
        check=False,
        capture_output=True,
        text=True,
    )

    assert 0 == done.returncode, done.stderr
    seen = json.loads(done.stdout)
    assert 0 == seen["missing"]
    assert "lost" not in seen
    assert "lost when closed" not in seen
    assert seen["refused"] > 5
    assert seen["orders"] > 20


@pytest.mark.parametrize("end", ["returned", "raised", "collected"])
def test_leaves_one_file_when_a_program_ends(path: Path, end: str) -> None:
    """A program need not close a store: its file is whole all the same."""
    run(path, "o-1", end)

    assert [path] == [*path.parent.iterdir()]
    with closing(SQLiteStore(path)) as store:
        assert {"o-1"} == ids(store)


@posix
def test_refuses_a_file_that_lost_its_wal(path: Path) -> None:
    """After a kill, the main file is nothing without its WAL."""
    run(path, "o-1", "kill")
    aside = path.with_name("aside")
    wal_of(path).rename(aside)
    before = path.read_bytes()

    with closing(SQLiteStore(path)) as store:
        for _ in range(2):
            with pytest.raises(
                StoreUnavailable, match=r"orders.db-wal, and that is not be"
            ) as caught:
                claim(store)
        assert not caught.value.retryable
        assert before == path.read_bytes()
        aside.rename(wal_of(path))

        assert {"o-1"} == ids(store)


@posix
def test_refuses_the_wal_of_another_file(path: Path, tmp_path: Path) -> None:
    """A WAL of another store, or of another time, is not mixed in."""
    other = tmp_path / "other" / "orders.db"
    run(path, "o-1", "kill")
    run(other, "o-2", "kill")
    shutil.copy(wal_of(other), wal_of(path))

    with (
        closing(SQLiteStore(path)) as store,
        pytest.raises(StoreUnavailable, match="from another time"),
    ):
        ids(store)


@posix
def test_refuses_a_backup_beside_a_newer_wal(path: Path) -> None:
    """A file that comes back from a backup has no WAL of today."""
    with closing(SQLiteStore(path)) as store:
        claim(store)
    backup = path.read_bytes()
    run(path, "o-2", "returned")
    run(path, "o-3", "kill")
    path.write_bytes(backup)

    with (
        closing(SQLiteStore(path)) as store,
        pytest.raises(StoreUnavailable, match="from another time"),
    ):
        ids(store)


@posix
def test_makes_no_file_where_one_was(path: Path) -> None:
    """A WAL that is left says that a store was there."""
    run(path, "o-1", "kill")
    path.rename(path.with_name("aside"))

    with (
        closing(SQLiteStore(path)) as store,
        pytest.raises(StoreUnavailable, match=r"orders.db-wal, which"),
    ):
        claim(store)

    assert not path.exists()


@posix
@pytest.mark.parametrize("cut", [0, 20])
def test_takes_a_file_that_was_begun(path: Path, cut: int) -> None:
    """A kill before the first change needs no WAL."""
    with closing(SQLiteStore(path)) as store:
        store.salt(within=WITHIN)
    wal_of(path).write_bytes(b"x" * cut)

    with closing(SQLiteStore(path)) as store:
        claim(store)
        assert {"o-1"} == ids(store)


@posix
def test_takes_a_wal_whose_first_change_was_cut_off(path: Path) -> None:
    """A WAL that was begun anew without a change has nothing to lose."""
    run(path, "o-1", "kill")
    wal = wal_of(path).read_bytes()
    # Only its header, as if nothing was committed since the last copy.
    wal_of(path).write_bytes(wal[:32])

    with closing(SQLiteStore(path)) as store:
        assert set() == ids(store)


@posix
@pytest.mark.parametrize("at", ["first", "later"])
def test_goes_on_after_a_kill_while_changes_are_copied(
    path: Path, at: str
) -> None:
    """A mark that a crash left does no harm, and goes at the next close."""
    with closing(SQLiteStore(path)) as store:
        store.salt(within=WITHIN)
        if at == "later":
            claim(store, "o-0")
    _leave_mark(path)
    with closing(SQLiteStore(path)) as store:
        ids(store)

    assert not wal_of(path).exists()
    with closing(SQLiteStore(path)) as store:
        claim(store)
        assert "o-1" in ids(store)


def _leave_mark(path: Path) -> None:
    """Commit "needed" to the WAL, and die."""
    code = (
        "import os, signal, sqlite3, sys; db = sqlite3.connect(sys.argv[1]);"
        "db.execute(\"UPDATE wal SET mark = '1 0123456789abcdef'\");"
        "db.commit(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", code, path], check=False
    )
    assert wal_of(path).stat().st_size


def test_takes_turns_in_copying(path: Path) -> None:
    """The WAL begins anew while several handles write."""
    with (
        pytest.MonkeyPatch.context() as patch,
        closing(SQLiteStore(path)) as one,
        closing(SQLiteStore(path)) as other,
    ):
        patch.setattr(_sqlite_file, "_CHANGES", 5)
        for number in range(200):
            claim((one, other)[number % 2], f"o-{number}")

        assert wal_of(path).stat().st_size < 1_000_000
        assert 200 == len(ids(one))


def test_writes_once_the_file_says_that_it_needs_its_wal(
    store: SQLiteStore, path: Path
) -> None:
    """Nothing is written as long as a reader keeps the mark from the file.

    It is held to the time that it has.
    """
    store.salt(within=WITHIN)
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM orders").fetchall()

        with pytest.raises(StoreUnavailable, match="is busy"):
            store.claim(KEY, Holder(token="t"), within=0.1)
        reader.execute("COMMIT")

    claim(store)
    assert {"o-1"} == ids(store)


def copy(store: SQLiteStore, *, before: int, do: Callable[[], object]) -> None:
    """Copy the changes of a store; do something before one of the steps."""
    real, number = Database._transaction, count()
    copied: list[Database] = []

    @contextmanager
    def transaction(self: Database, until: float) -> Generator[None]:
        if self in copied and next(number) == before:
            do()
        with real(self, until):
            yield

    def copy_all(database: Database) -> None:
        copied.append(database)
        database.copy(database.until)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "_transaction", transaction)
        store._opened.ask(time.monotonic() + WITHIN, copy_all)


class Killed(Exception):  # noqa: N818 - ends a block
    """As if the process ended here."""


def kill() -> None:
    """End a copy."""
    raise Killed


@pytest.fixture
def other(path: Path, store: SQLiteStore) -> Iterator[SQLiteStore]:
    """Return another handle; orders are written by both."""
    with closing(SQLiteStore(path)) as opened:
        claim(opened, "o-other")
        claim(store)
        yield opened


def test_copies_no_mark_that_somebody_took_back(
    store: SQLiteStore, other: SQLiteStore, path: Path
) -> None:
    """Another process may copy in the middle of a copy.

    Else the main file would say that it needs no WAL.
    """

    def copy_too() -> None:
        copy(other, before=9, do=kill)
        assert not mark_in_wal(path)

    before, _ = _read_mark(path)
    copy(store, before=1, do=copy_too)

    assert before != _read_mark(path)[0]
    assert _read_mark(path)[0].needed


@posix
@pytest.mark.parametrize("when", ["before", "after"])
def test_closes_a_file_whose_last_user_is_killed_meanwhile(
    path: Path, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mark that a process leaves while another one closes does no harm."""
    real = Database._close_only

    def close_only(self: Database) -> None:
        if when == "before":
            _leave_mark(path)
        real(self)
        if when == "after":
            _leave_mark(path)

    with closing(SQLiteStore(path)) as store:
        claim(store)
        monkeypatch.setattr(Database, "_close_only", close_only)

    assert [path] == [*path.parent.iterdir()]
    with closing(SQLiteStore(path)) as store:
        assert {"o-1"} == ids(store)


def test_closes_a_file_that_another_one_made_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two that close at once, one copies the changes."""
    real = Database._close_only

    def close_only(self: Database) -> None:
        real(self)
        monkeypatch.setattr(Database, "_close_only", real)
        with closing(SQLiteStore(path)) as other:
            assert {"o-1"} == ids(other)

    with closing(SQLiteStore(path)) as store:
        claim(store)
        monkeypatch.setattr(Database, "_close_only", close_only)

    assert [path] == [*path.parent.iterdir()]


def test_needs_its_wal_until_all_is_copied(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill while the last one closes leaves no part that seems whole.

    SQLite copies page after page.  So the mark is copied by itself.
    """
    marks: list[tuple[bool, frozenset[int]]] = []
    unlink = Path.unlink

    def look(self: Path, *, missing_ok: bool = False) -> None:
        if self.name == f"{path.name}-shm":
            mark, page = _read_mark(path)
            commits = read_wal(wal_of(path), page, exactly=True)
            assert commits
            marks.append((mark.needed, commits.pages - {page}))
        unlink(self, missing_ok=missing_ok)

    with closing(SQLiteStore(path)) as store:
        claim(store)
        monkeypatch.setattr(Path, "unlink", look)

    assert [(True, frozenset())] == marks
    assert not _read_mark(path)[0].needed


def test_is_whole_if_its_close_is_interrupted(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The WAL goes with a mark that says that none is needed."""
    real = _sqlite_file._all

    def every(db: sqlite3.Connection, query: str, *values: object) -> object:
        found = real(db, query, *values)
        if "checkpoint" in query:
            raise KeyboardInterrupt
        return found

    store = SQLiteStore(path)
    claim(store)
    monkeypatch.setattr(_sqlite_file, "_all", every)
    with pytest.raises(KeyboardInterrupt):
        store.close()
    monkeypatch.undo()

    assert not wal_of(path).exists()
    with closing(SQLiteStore(path)) as opened:
        assert {"o-1"} == ids(opened)


@pytest.mark.parametrize("cut", [None, 100])
def test_takes_a_wal_that_was_begun_anew_in_part(
    store: SQLiteStore, other: SQLiteStore, path: Path, cut: int | None
) -> None:
    """A kill between the head of the first frame and its content is no loss.

    What was in its place before has the name of an older WAL.
    """
    with pytest.raises(Killed):
        copy(store, before=2, do=kill)
    left = path.parent / "left" / path.name
    left.parent.mkdir()
    shutil.copy(path, left)
    old = wal_of(path).read_bytes()
    copy(other, before=9, do=kill)
    new = wal_of(path).read_bytes()
    heads = 32 + 24
    assert old[:heads] != new[:heads]
    wal_of(left).write_bytes(new[:heads] + old[heads:][:cut])

    with closing(SQLiteStore(left)) as whole:
        assert ids(store) == ids(whole)


def mark_in_wal(path: Path) -> bool:
    """Return whether the file says that it needs its WAL, for readers."""
    with closing(sqlite3.connect(path)) as db:
        [[mark]] = db.execute("SELECT mark FROM wal").fetchall()
    return bool(mark.startswith("1 "))


def test_copies_while_others_write(
    store: SQLiteStore, other: SQLiteStore, path: Path
) -> None:
    """A change between the steps of a copy does not end it."""
    before, _ = _read_mark(path)

    copy(store, before=1, do=lambda: claim(other, "o-2"))

    assert before != _read_mark(path)[0]
    assert not mark_in_wal(path)


def test_is_copied_by_nobody_else(
    store: SQLiteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite does not copy changes by itself, however many they are."""
    monkeypatch.setattr(_sqlite_file, "_CHANGES", 1_000_000)
    claim(store)
    before, _ = _read_mark(path)

    store.adopt(
        [
            OrderRecord(
                key=attrs.evolve(KEY, external_order_id=f"n-{number}"),
                state=OrderState.CONFIRMED,
            )
            for number in range(12_000)
        ],
        within=WITHIN,
    )

    assert wal_of(path).stat().st_size > 4_500_000
    assert before == _read_mark(path)[0]


def test_reads_a_file_that_grows(store: SQLiteStore, path: Path) -> None:
    """While changes are copied, a file is shorter than it says."""
    claim(store)
    store.close()
    with path.open("r+b") as file:
        file.seek(28)
        pages = int.from_bytes(file.read(4))
        file.seek(28)
        file.write((pages + 10).to_bytes(4))

    assert not _read_mark(path)[0].needed


@pytest.mark.parametrize("step", range(3))
@pytest.mark.parametrize("then", ["claim", "copy", "close", 0, 1, 2])
def test_knows_its_wal_whoever_begins_it_anew(
    store: SQLiteStore,
    other: SQLiteStore,
    path: Path,
    step: int,
    then: str | int,
) -> None:
    """A copy may end at each step, and another process goes on from there.

    What a kill of all then leaves is taken with the WAL, and refused
    without.
    """
    with pytest.raises(Killed):
        copy(store, before=step, do=kill)
    if isinstance(then, int):
        with pytest.raises(Killed):
            copy(other, before=then, do=kill)
        claim(other, "o-3")
    elif then == "copy":
        copy(other, before=9, do=kill)
    elif then == "close":
        other.close()
    claim(other, "o-4")
    left = path.parent / "left"
    left.mkdir()
    for each in (path, wal_of(path)):
        shutil.copy(each, left)
    lone = shutil.copy(path, path.with_name("lone.db"))

    with closing(SQLiteStore(left / path.name)) as whole:
        assert ids(store) == ids(whole)
    with (
        closing(SQLiteStore(lone)) as lost,
        pytest.raises(StoreUnavailable, match="is not beside it"),
    ):
        ids(lost)


def test_saves_what_is_in_a_wal_that_was_deleted(
    store: SQLiteStore, path: Path
) -> None:
    """A WAL that is deleted while it is open comes into the main file."""
    claim(store)
    wal_of(path).unlink()

    assert {"o-1"} == ids(store)
    claim(store, "o-2")
    assert {"o-1", "o-2"} == ids(store)


def test_saves_it_when_the_last_one_closes(
    store: SQLiteStore, path: Path
) -> None:
    """As long as others have the deleted WAL, no new one is created."""
    with closing(SQLiteStore(path)) as other:
        claim(store)
        assert {"o-1"} == ids(other)
        wal_of(path).unlink()

        with pytest.raises(StoreUnavailable, match="is not beside it"):
            ids(store)
        assert {"o-1"} == ids(other)

        claim(store, "o-2")
        assert {"o-1", "o-2"} == ids(other)


@pytest.mark.parametrize("which", ["main", "wal"])
def test_stops_when_a_file_was_replaced(
    store: SQLiteStore, path: Path, which: str
) -> None:
    """Nothing goes into a file that nobody will find."""
    claim(store)
    lost = path if which == "main" else wal_of(path)
    aside, copy = path.with_name("aside"), path.with_name("copy")
    shutil.copy(lost, copy)
    lost.rename(aside)
    if which == "wal":
        copy.rename(lost)

    for do in (claim, ids):
        with pytest.raises(StoreUnavailable, match="moved or replaced"):
            do(store)
    aside.replace(lost)

    claim(store, "o-2")
    assert {"o-1", "o-2"} == ids(store)


def test_leaves_the_wal_of_the_file_that_is_there_now(
    store: SQLiteStore, path: Path
) -> None:
    """To close a file that was moved deletes nothing beside its successor."""
    claim(store)
    for each in (path, wal_of(path), path.with_name(f"{path.name}-shm")):
        each.rename(path.with_name(f"moved{each.name.removeprefix('orders')}"))
    with closing(SQLiteStore(path)) as other:
        claim(other, "o-2")
        store.close()

        assert wal_of(path).exists()
        assert {"o-2"} == ids(other)


@pytest.mark.parametrize("which", ["main", "wal", "another"])
def test_opens_no_file_that_goes_meanwhile(
    store: SQLiteStore,
    path: Path,
    which: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is deleted or replaced while it is opened is not used."""
    claim(store)
    store.close()
    aside, copy = path.with_name("aside"), path.with_name("copy")
    shutil.copy(path, copy)
    lost = wal_of(path) if which == "wal" else path

    def read(until: float, do: partial[Any]) -> Any:
        found = patiently(until, do)
        if do.func is mark_of and not aside.exists():
            lost.rename(aside)
            if which == "another":
                copy.rename(path)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(f"{Database.__module__}.patiently", read)
        with pytest.raises(StoreUnavailable, match="was deleted, moved"):
            ids(store)
    aside.replace(lost)

    assert {"o-1"} == ids(store)


def test_commits_nothing_to_a_file_that_goes_meanwhile(
    store: SQLiteStore, path: Path
) -> None:
    """That the path leads to the file is seen before each commit."""
    claim(store)
    aside = path.with_name("aside")

    def decide(record: OrderRecord | None, _: str | None, now: float) -> Step:
        del record, now
        path.rename(aside)
        return Step(done=True, record=None)

    with pytest.raises(StoreUnavailable, match="was deleted, moved"):
        store.write([Write(KEY, decide)], within=WITHIN)
    aside.rename(path)

    assert {"o-1"} == ids(store)


@posix
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_has_its_own_connection_in_a_child(
    store: SQLiteStore, path: Path
) -> None:
    """A child holds locks of its own, so what it uses stays for it."""
    claim(store)
    (heard, said), (told, say) = os.pipe(), os.pipe()
    child = os.fork()
    if not child:  # pragma: no cover - ends without its report
        code = 1
        try:
            os.close(say)  # So the end of the parent ends it, too.
            claim(store, "o-2")
            os.write(said, b".")
            os.read(told, 1)
            claim(store, "o-3")
            code = 0 if ids(store) == {"o-1", "o-2", "o-3"} else 2
        finally:
            os._exit(code)
    os.close(said)
    os.read(heard, 1)
    assert {"o-1", "o-2"} == ids(store)
    # Whoever is the last one takes the WAL along.
    store.close()
    assert wal_of(path).exists()
    os.write(say, b".")

    assert 0 == os.waitpid(child, 0)[1]
    assert {"o-1", "o-2", "o-3"} == ids(store)
    for each in (heard, told, say):
        os.close(each)


@contextmanager
def held(store: SQLiteStore) -> Generator[None]:
    """Let another thread use the store."""
    holding, go_on = threading.Event(), threading.Event()

    def decide(record: OrderRecord | None, _: str | None, now: float) -> Step:
        del now
        holding.set()
        go_on.wait(WITHIN)
        return Step(done=True, record=record)

    thread = threading.Thread(
        target=store.write, args=([Write(KEY, decide)],), kwargs={"within": 9}
    )
    thread.start()
    holding.wait(WITHIN)
    yield
    go_on.set()
    thread.join()


@posix
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_refuses_a_file_that_could_not_be_closed_at_a_fork(
    store: SQLiteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its locks would not work in the child, for no store that is there."""
    monkeypatch.setattr(_sqlite, "_FORKING", 0.01)
    claim(store)
    with held(store):
        child = os.fork()
        if not child:  # pragma: no cover - ends without its report
            code = 1
            try:
                for each in (store, SQLiteStore(path)):
                    with pytest.raises(StoreUnavailable, match="was forked"):
                        claim(each, "o-2")
                code = 0
            finally:
                os._exit(code)

    assert 0 == os.waitpid(child, 0)[1]
    claim(store, "o-2")
    assert {"o-1", "o-2"} == ids(store)


def test_knows_at_a_fork_what_could_not_be_closed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another file, and one that nobody has made yet, can be used."""
    monkeypatch.setattr(_sqlite, "_FORKING", 0.01)
    forks = _sqlite._Forks()
    monkeypatch.setattr(_sqlite, "_forks", forks)
    store, other = SQLiteStore(path), SQLiteStore(path.with_name("other"))
    unused = SQLiteStore(path.with_name("unused"))
    claim(store)
    claim(other)
    with held(store), unused._opened._locked(1.0):
        forks.before()
        forks.in_child()
        with pytest.raises(StoreUnavailable, match="was forked") as caught:
            claim(store, "o-2")

    assert not caught.value.retryable
    for each in (other, unused):
        claim(each, "o-2")
        each.close()


@posix
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forks_before_it_is_open(store: SQLiteStore) -> None:
    """A store that was made before the fork is opened in the child."""
    child = os.fork()
    if not child:  # pragma: no cover - ends without its report
        code = 1
        try:
            claim(store)
            store.close()
            code = 0
        finally:
            os._exit(code)

    assert 0 == os.waitpid(child, 0)[1]
    assert {"o-1"} == ids(store)


@posix
def test_leaves_the_parents_file_when_a_child_ends(path: Path) -> None:
    """Not even the end of the child's interpreter closes it."""
    code = (
        "import os, sys, signal; from idempotency.test_sqlite_guard import *;"
        "store = SQLiteStore(sys.argv[1]); claim(store);\n"
        "told, say = os.pipe(); child = os.fork();\n"
        "if not child: os.read(told, 1); raise SystemExit(0)\n"
        "claim(store, 'o-2'); os.write(say, b'.'); os.waitpid(child, 0);"
        "assert os.path.exists(sys.argv[1] + '-wal');"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", code, path], check=False
    )

    with closing(SQLiteStore(path)) as store:
        assert {"o-1", "o-2"} == ids(store)
