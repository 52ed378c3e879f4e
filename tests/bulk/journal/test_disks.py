"""Odd disks take a journal all the same, or nothing of it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from sesamy_async.bulk import JournalError, State
from sesamy_async.bulk.journal import Journal
from support.journals import in_the_way, new_journal, overtaken


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a journal can be."""
    return tmp_path / "orders [1].csv.journal"


@pytest.fixture
def left(path: Path) -> Path:
    """Return where a crash leaves a journal half written."""
    return path.with_name(f"{path.name}.1.new")


def test_folder_that_can_not_be_opened(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where folders can't be flushed, a journal is made all the same."""
    opened = os.open

    def opening(name: Any, *more: Any, **how: Any) -> int:
        if name == path.parent:
            raise PermissionError(13, "Permission denied")
        return opened(name, *more, **how)

    monkeypatch.setattr(os, "open", opening)
    with new_journal(path) as journal:
        assert 3 == journal.counts()[State.PENDING]


def test_remains_that_can_not_be_removed(
    path: Path, left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where half a journal can't be removed, a whole one is made."""
    left.touch()
    unlink = Path.unlink

    def unlinking(self: Path, **how: Any) -> None:
        if self == left:
            raise PermissionError(13, "Permission denied")
        unlink(self, **how)

    monkeypatch.setattr(Path, "unlink", unlinking)
    with new_journal(path) as journal:
        assert 3 == journal.counts()[State.PENDING]


def test_disk_that_fails_at_remains(
    path: Path, left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal that is opened meanwhile is named."""
    new_journal(path).close()
    left.touch()

    def failing(self: Path, **how: Any) -> None:
        del self, how
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "unlink", failing)
    with pytest.raises(JournalError) as raised:
        Journal.open(path)

    assert f"The journal {path} can't be used: Input" in str(raised.value)


def test_remains_that_another_removes(
    path: Path, left: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two that clean up at once, neither minds the other."""
    left.touch()
    unlink = Path.unlink

    def unlinking(self: Path, **how: Any) -> None:
        if self == left:
            unlink(self)
        unlink(self, **how)

    monkeypatch.setattr(Path, "unlink", unlinking)
    new_journal(path).close()

    assert [path] == list(path.parent.iterdir())


@pytest.fixture
def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the disk have no hard links."""

    def fail(self: Path, target: Path) -> None:
        raise PermissionError(1, "not permitted", str(self), str(target))

    monkeypatch.setattr(Path, "hardlink_to", fail)


@pytest.mark.usefixtures("no_links")
def test_without_links(path: Path) -> None:
    """A disk without hard links does as well, and no file is replaced."""
    with pytest.raises(JournalError, match=f"^{in_the_way(path)}"):
        new_journal(path, rows=overtaken(path))
    with Journal.open(path) as journal:
        assert 7 == sum(journal.counts().values())

    assert [path] == list(path.parent.iterdir())


@pytest.mark.usefixtures("no_links")
def test_place_is_taken_away(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the finished file can't be moved, nothing looks like a journal."""
    modes: list[int] = []

    def fail(self: Path, target: Path) -> Path:
        modes.append(stat.S_IMODE(target.stat().st_mode))
        raise PermissionError(13, "Permission denied", str(self), str(target))

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(JournalError, match="Permission denied"):
        new_journal(path)

    assert [] == list(path.parent.iterdir())
    assert [0o600] == modes
