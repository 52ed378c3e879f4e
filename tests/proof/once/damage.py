"""What can happen to a store while an order is told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from support.servers import Postgres, Redis


Damage = Callable[[Path], AbstractContextManager[object]]
"""Damages the store in a folder; leaving it repairs what can be repaired."""

_LOCK = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""
NAME = "orders.db"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Another process has the file, and does not let go of it."""
    with subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", _LOCK, str(folder / NAME)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()


@contextmanager
def deleted(folder: Path) -> Iterator[None]:
    """Somebody moves the files away, and back afterwards."""
    aside = folder / "aside"
    aside.mkdir()
    moved = [each for each in folder.glob(f"{NAME}*") if each.is_file()]
    for each in moved:
        each.rename(aside / each.name)
    try:
        yield
    finally:
        for each in moved:
            (aside / each.name).rename(each)
        aside.rmdir()


@contextmanager
def corrupted(folder: Path) -> Iterator[None]:
    """All pages of the file are overwritten but the first bytes."""
    files = [
        each for each in folder.glob(f"{NAME}*") if "-shm" not in each.name
    ]
    before = {each: each.read_bytes() for each in files}
    for each in files:
        # In place: SQLite has it open.
        with each.open("r+b") as file:
            file.seek(200)
            file.write(os.urandom(max(0, len(before[each]) - 200)))
    try:
        yield
    finally:
        for each, content in before.items():
            with each.open("r+b") as file:
                file.write(content)


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """There is no room for one more page."""
    import resource  # noqa: PLC0415 - not on Windows
    import signal  # noqa: PLC0415

    size = max(
        (each.stat().st_size for each in folder.glob(f"{NAME}*")), default=0
    )
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (min(size, 4096), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


@contextmanager
def stopped(server: Postgres | Redis) -> Iterator[None]:
    """The server is stopped, and started again afterwards."""
    server.kill()
    try:
        yield
    finally:
        server.start()
