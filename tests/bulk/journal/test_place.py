"""A journal is found by its own name, or by that of its file."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sesamy_async.bulk.journal import journal_path
from sesamy_async.bulk.journal._files import find_journal
from support.journals import new_journal


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """Return a file of orders, without a journal."""
    path = tmp_path / "orders.csv"
    path.write_text("externalOrderId;quantity\nA-1;1\n")
    return path


def test_beside_its_file(orders: Path) -> None:
    """The journal of a file stands beside it, under its name and more."""
    assert orders.parent / "orders.csv.journal" == journal_path(orders)


def test_one_journal_for_one_file(orders: Path) -> None:
    """A link to a file leads to the journal of the file."""
    folder = orders.parent / "elsewhere"
    folder.mkdir()
    link = folder / "link.csv"
    link.symlink_to(orders)

    assert journal_path(orders) == journal_path(link)


def test_a_name_through_a_linked_folder(orders: Path) -> None:
    """The folder is called as the caller calls it."""
    link = orders.parent / "linked"
    link.symlink_to(orders.parent)

    assert link / "orders.csv.journal" == journal_path(link / "orders.csv")


def test_file_of_orders(orders: Path) -> None:
    """Who names a file of orders means its journal, there or not."""
    beside = journal_path(orders)
    before = find_journal(orders)
    new_journal(beside).close()

    assert (beside, beside) == (before, find_journal(orders))


@pytest.mark.parametrize("name", ["orders.csv.journal", "renamed.db"])
def test_journal_itself(tmp_path: Path, name: str) -> None:
    """A journal is known by its name, or by what it holds."""
    path = tmp_path / name
    new_journal(path).close()

    assert path == find_journal(path)


def test_database_of_others(tmp_path: Path) -> None:
    """A database that is no journal has its journal beside it."""
    path = tmp_path / "orders.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (c)")

    assert tmp_path / "orders.db.journal" == find_journal(path)


def test_file_that_only_looks_so(tmp_path: Path) -> None:
    """What is no database is no journal either."""
    path = tmp_path / "renamed.db"
    new_journal(path).close()
    path.write_bytes(b"-" + path.read_bytes()[1:])

    assert tmp_path / "renamed.db.journal" == find_journal(path)


@pytest.mark.parametrize("name", ["gone.journal", "gone.csv"])
def test_nothing_there(tmp_path: Path, name: str) -> None:
    """What is not there is called as the caller calls it."""
    assert tmp_path / name == find_journal(tmp_path / name)


def test_name_of_a_journal_is_enough(tmp_path: Path) -> None:
    """A damaged journal is still the journal that is meant."""
    path = tmp_path / "orders.csv.journal"
    path.write_bytes(b"")

    assert path == find_journal(path)


def test_file_that_can_not_be_read(
    orders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody can look into is a file of orders."""

    def denied(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", denied)

    assert journal_path(orders) == find_journal(orders)


def test_pipe(tmp_path: Path) -> None:
    """A pipe is not waited for."""
    path = tmp_path / "orders"
    os.mkfifo(path)

    assert path == find_journal(path)
