"""What an import is about to send is on the disk before it leaves.

The system calls of the real command are looked at, because nothing else can
tell what is on the disk from what the system still holds in memory.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import pytest

from proof.kills.served import Served, served
from support.command_line import orders_file


STRACE = shutil.which("strace")
COMMAND = Path(sys.executable).with_name("sesamy")
CALLS = "fsync,fdatasync,sendto,pwrite64,link,linkat"

# Such as: 12 pwrite64(3</tmp/a.journal-wal>, "...", 24, 32) = 24
_CALL = re.compile(r"^\d+ +(\w+)\((?:\d+<([^>]*)>)?(.*)")


@attrs.define
class Disk:
    """What of a journal is on the disk, as the calls come.

    Attributes:
        name: Of the journal.
        dirty: What was written, and not flushed.
        flushes: How often the latest changes were, since a request left.
    """

    name: str
    dirty: set[str] = attrs.field(factory=set[str])
    flushes: int = 0

    def see(self, call: str, path: str, rest: str) -> None:
        """Take note of a call."""
        if call.startswith("link") and self.name in rest:
            self.dirty.add("folder")
        elif call == "pwrite64" and self.name in path:
            self.dirty.add(path)
        elif call in {"fsync", "fdatasync"}:
            known = "folder" if Path(path).is_dir() else path
            self.dirty.discard(known)
            self.flushes += path.endswith("-wal")


def watched(lines: Sequence[str], name: str) -> Iterator[tuple[set[str], int]]:
    """Yield for each order or confirmation that leaves what is not flushed.

    Args:
        lines: As strace writes them.
        name: Of the journal.

    Yields:
        What is not, and how often changes were flushed since the last one.
    """
    disk = Disk(name)
    for line in lines:
        found = _CALL.match(line)
        if found is None:
            continue
        call, path, rest = found[1], found[2] or "", found[3]
        if call == "sendto" and "POST /payments" in rest:
            yield set(disk.dirty), disk.flushes
            disk.flushes = 0
        disk.see(call, path, rest)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a sandbox in another process."""
    notes = tmp_path_factory.mktemp("sandbox") / "notes"
    with served(notes, 1, {}) as sandbox:
        yield sandbox


def may_trace() -> bool:
    """Whether the system has strace, and lets it look."""
    look = ("-qq", "-e", "trace=none", sys.executable, "-c", "")
    return STRACE is not None and not subprocess.call([STRACE, *look])  # noqa: S603 - our own words


@pytest.mark.skipif(not may_trace(), reason="there is no strace")
@pytest.mark.parametrize("confirm", ["separately", "at-once"])
def test_synced_before_sent(
    sandbox: Served, tmp_path: Path, confirm: str
) -> None:
    """No order and no confirmation leaves before its change is on disk."""
    orders_file(tmp_path / "orders.csv")
    sandbox.reset()
    ran = subprocess.run(  # noqa: S603 - our own words
        [
            *(STRACE or "", "-f", "-y", "-s", "40", "-e", f"trace={CALLS}"),
            *("-o", "calls", COMMAND, "import", "orders.csv"),
            *("--promo", "SPRING-12", "--confirm", confirm),
            *("--concurrency", "1"),
        ],
        cwd=tmp_path,
        env={
            **os.environ,
            **sandbox.settings,
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
        },
        capture_output=True,
        timeout=120,
        check=False,
    )
    lines = (tmp_path / "calls").read_text(errors="replace").splitlines()
    left = [*watched(lines, "orders.csv.journal")]

    assert 0 == ran.returncode
    assert (6 if confirm == "separately" else 3) == len(left)
    assert [set[str]()] * len(left) == [dirty for dirty, _ in left]
    assert all(flushes for _, flushes in left)
