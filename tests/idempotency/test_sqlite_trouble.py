"""What goes wrong with the file of a store is told, with what to do."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import attrs
import pytest

from sesamy_async import _sqlite
from sesamy_async.bulk.journal import Journal
from sesamy_async.idempotency import (
    Holder,
    OrderKey,
    OrderRecord,
    OrderState,
    SQLiteStore,
    Step,
    StoreUnavailable,
    Write,
)
from sesamy_async.idempotency._sqlite_trouble import as_unavailable, trouble
from support.journals import new_journal
from support.users import powerless, reachable_folder


WITHIN = 20.0
KEY = OrderKey("https://api.test", "shop", "o-1")

LOCK = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
"""

FULL = """
import resource, signal, sys
from sesamy_async.idempotency import (
    Holder, OrderKey, SQLiteStore, StoreUnavailable)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = SQLiteStore(sys.argv[1])
store.salt(within=9)
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))
done = 0
try:
    while True:
        key = OrderKey("https://api.test", "shop", f"o-{done}")
        store.claim(key, Holder(token="t"), within=9)
        store.first(key, Holder(token="t"), f"c-{done}", confirmed=False,
            shared=False, within=9)
        done += 1
except StoreUnavailable as error:
    assert error.retryable
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
store.claim(OrderKey("https://api.test", "shop", "new"), Holder(token="t"),
    within=9)
print(done)
"""


def claim(store: SQLiteStore, within: float = WITHIN) -> bool:
    """Claim an order."""
    return store.claim(KEY, Holder(token="t"), within=within).done


def filled(path: Path, count: int = 1) -> None:
    """Make a store that is closed."""
    with closing(SQLiteStore(path)) as store:
        store.adopt(
            [
                OrderRecord(
                    key=attrs.evolve(KEY, external_order_id=f"o-{number}"),
                    state=OrderState.CONFIRMED,
                    contract_id=f"c-{number}",
                    at=1.0,
                )
                for number in range(count)
            ],
            within=WITHIN,
        )


def each_method(store: SQLiteStore) -> list[Callable[[], object]]:
    """Return calls of all methods that use the file."""
    return [
        lambda: store.salt(within=WITHIN),
        lambda: claim(store),
        lambda: store.look([KEY], within=WITHIN),
        lambda: store.holder("w", "v", "c", within=WITHIN),
        lambda: list(store.entries(within=WITHIN)),
        lambda: list(store.entries(external_order_id="o", within=WITHIN)),
        lambda: store.purge(0.0, within=WITHIN),
    ]


def test_waits_for_another_process(store: SQLiteStore, path: Path) -> None:
    """A lock of another process is waited for as long as there is time."""
    claim(store)
    with subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", LOCK, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert "locked\n" == holder.stdout.readline()
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match=r"orders.db is busy") as it:
            claim(store, within=0.2)
        assert 0.2 <= time.monotonic() - began < 2
        assert it.value.retryable
        # Who only reads does not wait.
        assert 1 == len(store.look([KEY], within=0.2))
        holder.communicate("done", timeout=WITHIN)

    assert claim(store)


def test_waits_until_the_lock_is_free(store: SQLiteStore, path: Path) -> None:
    """A call goes on as soon as the other process is done."""
    claim(store)
    with closing(
        sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    ) as other:
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.05, other.execute, ["ROLLBACK"])
        timer.start()

        assert claim(store)
        timer.join()


def test_waits_for_another_thread(store: SQLiteStore) -> None:
    """A thread of the same process is waited for as long as there is time."""
    holding, go_on = threading.Event(), threading.Event()

    def decide(record: OrderRecord | None, _: str | None, now: float) -> Step:
        del now
        holding.set()
        go_on.wait(WITHIN)
        return Step(done=True, record=record)

    thread = threading.Thread(
        target=store.write,
        args=([Write(KEY, decide)],),
        kwargs={"within": WITHIN},
    )
    thread.start()
    holding.wait(WITHIN)
    try:
        with pytest.raises(StoreUnavailable, match="is busy"):
            claim(store, within=0.05)
    finally:
        go_on.set()
        thread.join()


def test_waits_as_long_as_it_may(store: SQLiteStore) -> None:
    """There is no time that is too long."""
    assert claim(store, within=1e12)


@pytest.mark.skipif(os.name != "posix", reason="there is no RLIMIT")
def test_tells_of_a_full_disk(path: Path) -> None:
    """What does not fit on the disk is not done, and what fitted stays."""
    out = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", FULL, path],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()

    assert "its disk fails, or is full. Check that there is space" in out[0]
    with closing(SQLiteStore(path)) as store:
        found = [*store.entries(within=WITHIN)]
    made = [each for each in found if each.contract_id]
    assert int(out[1]) == len(made) > 2


@pytest.mark.parametrize(
    ("code", "said", "retryable"),
    [
        (sqlite3.SQLITE_FULL, "its disk is full. Free some", True),
        (sqlite3.SQLITE_IOERR_WRITE, "its disk fails, or is full", True),
        (sqlite3.SQLITE_BUSY_RECOVERY, "is busy", True),
        (sqlite3.SQLITE_READONLY_DBMOVED, "it can't be written", False),
        (sqlite3.SQLITE_CANTOPEN, "it can't be opened", False),
        (sqlite3.SQLITE_CORRUPT_VTAB, "it is damaged. Keep it", False),
        (sqlite3.SQLITE_NOTADB, "it is not a store of orders", False),
        (sqlite3.SQLITE_MISUSE, "SQLite says: SQLITE_MISUSE", False),
    ],
)
def test_says_what_sqlite_means(
    path: Path, code: int, said: str, *, retryable: bool
) -> None:
    """Each trouble of SQLite has its advice."""
    error = sqlite3.OperationalError("secret")
    error.sqlite_errorcode = code
    error.sqlite_errorname = "SQLITE_MISUSE"

    told = trouble(path, error)

    assert said in str(told)
    assert str(path) in str(told)
    assert "secret" not in str(told)
    assert retryable is told.retryable


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.OperationalError("Could not decode to UTF-8: 'anna'"),
        UnicodeDecodeError("utf-8", b"anna", 0, 1, "no"),
    ],
)
def test_shows_nothing_of_a_damaged_file(path: Path, error: Any) -> None:
    """Bytes where a text should be are not shown."""
    with (
        pytest.raises(StoreUnavailable, match="damaged") as caught,
        as_unavailable(path),
    ):
        raise error

    assert caught.value.__suppress_context__


@pytest.mark.skipif(os.name != "posix", reason="there are no such modes")
def test_tells_of_what_may_not_be_written() -> None:
    """A file that is read-only is not written, and not made elsewhere."""
    with reachable_folder() as folder:
        path = folder / "orders.db"
        filled(path)
        path.chmod(0o444)
        folder.chmod(0o555)
        with powerless():
            with (
                closing(SQLiteStore(path)) as store,
                pytest.raises(StoreUnavailable, match=r"can't be (wri|ope)"),
            ):
                claim(store)
            with (
                closing(SQLiteStore(folder / "new" / "o.db")) as store,
                pytest.raises(StoreUnavailable, match="Permission denied"),
            ):
                claim(store)


def test_tells_of_a_folder_in_its_place(tmp_path: Path) -> None:
    """A folder is no file, and a file is no folder."""
    (tmp_path / "file").touch()

    for path in (tmp_path, tmp_path / "file" / "orders.db"):
        with (
            closing(SQLiteStore(path)) as store,
            pytest.raises(StoreUnavailable, match="Check that its folder"),
        ):
            claim(store)


@pytest.mark.parametrize("count", [0, 20, 5_000])
def test_leaves_other_files_alone(path: Path, count: int) -> None:
    """A file that is no database is not written."""
    before = b"order;name\n" * count
    path.write_bytes(before)

    with closing(SQLiteStore(path)) as store:
        for do in each_method(store):
            with pytest.raises(StoreUnavailable, match="is not a store of or"):
                do()

    assert before == path.read_bytes()
    assert [path] == [*path.parent.iterdir()]


def test_leaves_other_databases_alone(path: Path) -> None:
    """A database of something else is not written."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE mine (a)")
    before = path.read_bytes()

    with (
        closing(SQLiteStore(path)) as store,
        pytest.raises(StoreUnavailable, match="is not a store of orders"),
    ):
        claim(store)

    assert before == path.read_bytes()


def test_leaves_journals_alone(path: Path) -> None:
    """A journal of an import is no store."""
    journal: Journal = new_journal(path)
    journal.close()

    with (
        closing(SQLiteStore(path)) as store,
        pytest.raises(StoreUnavailable, match="is not a store of orders"),
    ):
        claim(store)


def test_leaves_later_formats_alone(path: Path) -> None:
    """A format of a later version is not written by this one."""
    filled(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 2")
    before = path.read_bytes()

    with (
        closing(SQLiteStore(path)) as store,
        pytest.raises(StoreUnavailable, match="its format is 2, not 1"),
    ):
        claim(store)

    assert before == path.read_bytes()


def test_keeps_columns_of_a_later_version(path: Path) -> None:
    """What a later version adds to the tables stays, and does no harm."""
    filled(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("ALTER TABLE orders ADD COLUMN more TEXT DEFAULT 'd'")
        db.execute("ALTER TABLE contracts ADD COLUMN more TEXT")
        db.execute("UPDATE orders SET more = 'later', state = 'REFUSED'")
        db.execute("""UPDATE orders SET data = '{"state":"REFUSED"}'""")
        db.execute("UPDATE wal SET mark = mark")
        db.commit()

    with closing(SQLiteStore(path)) as store:
        key = attrs.evolve(KEY, external_order_id="o-0")
        assert store.claim(key, Holder(token="t"), within=WITHIN).done
        claim(store)

    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT order_id, more FROM orders").fetchall()
    assert {("o-0", "later"), ("o-1", "d")} == {*rows}


@pytest.mark.parametrize(
    "data",
    [
        '{"state":"PAUSED"}',
        "{}",
        "[]",
        "no JSON",
    ],
)
def test_does_not_guess_at_a_record_of_a_later_version(
    path: Path, data: str
) -> None:
    """An order that this version can't read is left as it is."""
    filled(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE orders SET data = ?, order_id = 'o-1'", [data])
        db.commit()

    with (
        closing(SQLiteStore(path)) as store,
        pytest.raises(StoreUnavailable, match="this version of sesamy-async"),
    ):
        claim(store)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE wal SET mark = 'x'",
        "UPDATE wal SET mark = 'x y'",
        "DELETE FROM wal",
        "DROP TABLE wal",
        "UPDATE wal SET mark = CAST(x'ff' AS TEXT)",
    ],
)
def test_tells_of_a_mark_that_is_damaged(path: Path, change: str) -> None:
    """A file that does not say whether it is whole is not used."""
    filled(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute(change)
        db.commit()

    with (
        closing(SQLiteStore(path)) as store,
        pytest.raises(StoreUnavailable, match=r"it is damaged\. Keep it"),
    ):
        claim(store)


@pytest.mark.parametrize("seed", range(12))
def test_never_repairs_what_is_damaged(path: Path, seed: int) -> None:
    """Whatever is broken in a file is told, or does not matter."""
    chance = random.Random(seed)  # noqa: S311
    filled(path, 300)
    content = bytearray(path.read_bytes())
    for _ in range(40):
        at = chance.randrange(100, len(content))
        content[at : at + 50] = chance.randbytes(50)
    path.write_bytes(content[: path.stat().st_size])

    with closing(SQLiteStore(path)) as store:
        told: list[str] = []
        for do in each_method(store):
            try:
                do()
            except StoreUnavailable as error:
                told.append(str(error))

    assert any("it is damaged. Keep it" in each for each in told)
    assert path.exists()


def test_purges_as_far_as_there_is_time(path: Path) -> None:
    """A purge that has no time left says how far it came."""
    filled(path, 1_200)

    with closing(SQLiteStore(path)) as store:
        with pytest.raises(
            StoreUnavailable, match=": 500 orders are rem"
        ) as it:
            store.purge(0.0, within=0.0)
        assert it.value.retryable
        assert 700 == store.purge(0.0, within=WITHIN)


@pytest.mark.skipif(os.name != "posix", reason="there are no such modes")
def test_is_for_one_user_only(tmp_path: Path) -> None:
    """Nobody else may read a store, nor a folder that it made."""
    folder = tmp_path / "new" / "shop"
    umask = os.umask(0)
    try:
        with closing(SQLiteStore(folder / "orders.db")) as store:
            claim(store)
            modes = {
                each.name: stat.S_IMODE(each.stat().st_mode)
                for each in (folder, *folder.iterdir())
            }
    finally:
        os.umask(umask)

    names = ("orders.db", "orders.db-wal", "orders.db-shm")
    assert {"shop": 0o700, **dict.fromkeys(names, 0o600)} == modes


def test_keeps_what_it_says_and_no_more(path: Path) -> None:
    """Of an order, the file holds its ids, its state, and times."""
    with closing(SQLiteStore(path)) as store:
        holder = Holder(token="t", digest="1:a", source="a.csv")
        store.claim(KEY, holder, within=WITHIN)
        store.first(
            KEY, holder, "c-1", confirmed=True, shared=False, within=WITHIN
        )

    with closing(sqlite3.connect(path)) as db:
        tables = db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall()
        [[data]] = db.execute("SELECT data FROM orders").fetchall()
    assert {("orders",), ("contracts",), ("salt",), ("wal",)} == {*tables}
    assert {
        *("state", "contract_id", "careful", "token", "digest", "strays"),
        *("claimed_at", "expires_at", "busy_until", "begun_at", "at"),
        "source",
    } == {*json.loads(data)}


def test_opens_nothing_before_it_is_used(path: Path) -> None:
    """To make a store does nothing to the disk; it shows its path only."""
    store = SQLiteStore(str(path))

    assert [] == [*path.parent.iterdir()]
    assert f"SQLiteStore({str(path)!r})" == repr(store)
    assert path == store.path
    store.close()


def test_stays_where_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program may change its folder meanwhile."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with closing(SQLiteStore("orders.db")) as store:
        monkeypatch.chdir("elsewhere")
        claim(store)

    assert (tmp_path / "orders.db").exists()


@pytest.mark.skipif(os.name != "posix", reason="links need rights")
def test_follows_a_link(path: Path, tmp_path: Path) -> None:
    """A link and its file are one store, with one WAL."""
    link = tmp_path / "link.db"
    link.symlink_to(path)

    with (
        closing(SQLiteStore(link)) as one,
        closing(SQLiteStore(path)) as other,
    ):
        assert claim(one)
        assert 1 == len(other.look([KEY], within=WITHIN))
        assert not link.with_name("link.db-wal").exists()


def test_needs_a_sqlite_that_has_all(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Python with an old SQLite is told so."""
    monkeypatch.setattr(_sqlite, "OLDEST", (9, 9, 9))

    with pytest.raises(StoreUnavailable, match=r"needs SQLite 9.9.9, and"):
        claim(store)
