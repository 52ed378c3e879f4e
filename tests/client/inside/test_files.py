"""A file takes its place only when it is complete."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from sesamy_async._files import AtomicFile, sweep


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a place whose name is no pattern, though it looks like one."""
    return tmp_path / "page [1].html"


def write(path: Path, text: str = "new", *, replace: bool = True) -> None:
    """Write a file, and put it in its place."""
    with AtomicFile.begin(path) as new:
        with new.open() as file:
            file.write(text)
        (new.replace if replace else new.place)()


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("replace", [True, False])
def test_in_its_place(
    path: Path, monkeypatch: pytest.MonkeyPatch, *, replace: bool, links: bool
) -> None:
    """It is there as it was written, for this user only, on any disk."""
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", refuse)
    write(path, "Åre\r\n", replace=replace)

    assert "Åre\r\n".encode() == path.read_bytes()
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert [path] == [*path.parent.iterdir()]


def test_replaced(path: Path) -> None:
    """It replaces what is there."""
    path.write_text("old")
    write(path)

    assert "new" == path.read_text()


@pytest.mark.parametrize("links", [True, False])
def test_not_replaced(
    path: Path, monkeypatch: pytest.MonkeyPatch, *, links: bool
) -> None:
    """Where it may not replace, it doesn't, with hard links or without."""
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", refuse)
    path.write_text("old")
    with pytest.raises(FileExistsError):
        write(path, replace=False)

    assert "old" == path.read_text()
    assert [path] == [*path.parent.iterdir()]


def test_place_given_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it can't be moved, nothing stays in its place."""
    monkeypatch.setattr(Path, "hardlink_to", refuse)
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(PermissionError):
        write(path, replace=False)

    assert [] == [*path.parent.iterdir()]


def test_unfinished(path: Path) -> None:
    """An error while it is written leaves what was there, and no more."""

    def stop(new: AtomicFile) -> None:
        new.beside.write_text("half")
        raise EOFError

    path.write_text("old")
    with pytest.raises(EOFError), AtomicFile.begin(path) as new:
        stop(new)

    assert "old" == path.read_text()
    assert [path] == [*path.parent.iterdir()]


def test_folder_that_can_not_be_opened(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where folders can't be flushed, a file is written all the same."""
    opened = os.open

    def opening(name: Any, *more: Any, **how: Any) -> int:
        if name == path.parent:
            raise PermissionError
        return opened(name, *more, **how)

    monkeypatch.setattr(os, "open", opening)
    write(path)

    assert "new" == path.read_text()


def test_leftovers(path: Path) -> None:
    """What a killed process left goes away; nothing else does."""
    other = path.with_name(".page 1.html.abc.new")
    left, young = (path.with_name(f".{path.name}.{x}.new") for x in "ab")
    for each in (other, left, young):
        each.touch()
    os.utime(left, (time.time() - 61, time.time() - 61))
    # What may still be written stays, where that is asked for.
    sweep(path, 60)

    assert {young, other} == {*path.parent.iterdir()}

    write(path)

    assert {path, other} == {*path.parent.iterdir()}


def test_leftovers_that_stay(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can't be removed is no hindrance."""
    path.with_name(f".{path.name}.abc.new").touch()
    monkeypatch.setattr(Path, "unlink", refuse)
    sweep(path)

    assert 1 == len([*path.parent.iterdir()])


def refuse(self: Path, *given: Any, **options: Any) -> Path:
    """Do nothing, for want of permission."""
    del self, given, options
    raise PermissionError
