"""Ids that look the same are told, and are orders of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from sesamy_async.bulk import check as checking
from sesamy_async.bulk._check_notes import Alike
from sesamy_async.bulk.check import check
from sesamy_async.sandbox import Sandbox
from support.command_line import CommandLine, orders_file
from support.order_files import Folder


def alike(folder: Folder, *ids: str) -> list[tuple[int, int]]:
    """Return the rows that look alike of a file with these ids."""
    rows = (f"{each},1" for each in ids)
    source = folder.csv("externalOrderId,quantity", *rows)
    with check(source, promo_code="S") as checked:
        return [(each.row, each.other) for each in checked.alike()]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a-1", "A-1"),
        ("Å1", "å1"),
        ("\u00c51", "A\u030a1"),
        ("\u00e51", "A\u030a1"),
        ("straße", "STRASSE"),
        ("\ufb03", "FFI"),
    ],
)
def test_alike(folder: Folder, one: str, other: str) -> None:
    """Case and Unicode form make no difference to whoever reads."""
    assert [(4, 2)] == alike(folder, one, "B", other)
    assert [(4, 2)] == alike(folder, other, "B", one)


@pytest.mark.parametrize(
    "ids", [("A1", "A2"), ("A", "Å"), ("1", "\uff11"), ("A", "A")]
)
def test_not_alike(folder: Folder, ids: tuple[str, ...]) -> None:
    """What can be told apart, and the very same id, is something else."""
    assert [] == alike(folder, *ids)


def test_many(folder: Folder) -> None:
    """They come in the order of the first of them, each with that one."""
    assert [(6, 2), (9, 2), (7, 3)] == alike(
        folder, "äb", "A", "c", "d", "ÄB", "a", "ÄB", "Äb"
    )


def test_the_same_hash(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where only a hash is the same, nothing is told."""
    monkeypatch.setattr(checking, "hash", lambda _: 7, raising=False)

    assert [(4, 3)] == alike(folder, "A", "B", "b")


def test_rows_without_an_id(folder: Folder) -> None:
    """A row without an id looks like no other."""
    assert [(5, 3)] == alike(folder, "", "a", "", "A")


def test_a_value() -> None:
    """Whoever calls the check gets the rows."""
    assert 3 == Alike(row=4, other=3).other


def test_told(sesamy: CommandLine, served: Sandbox, tmp_path: Path) -> None:
    """The command names the rows, and sends both."""
    path = orders_file(tmp_path / "orders.csv")
    text = path.read_text("utf-8").replace("T-3", "t-1")
    path.write_text(text, encoding="utf-8")
    command = ("import", "orders.csv", "--promo", "SPRING-12")
    tried = sesamy(*command, "--dry-run")
    ran = sesamy(*command)
    again = sesamy(*command)
    told = "Ids that look the same: row 4 (like row 2) differ in upper"

    assert (0, 0, 0) == (tried.code, ran.code, again.code)
    assert told in tried.out
    assert told in ran.err
    assert "look the same" not in again.err
    assert 3 == served.ledger.total


def test_many_are_told(
    sesamy: CommandLine, served: Sandbox, tmp_path: Path
) -> None:
    """The first twenty are named, and how many more there are."""
    del served
    path = orders_file(tmp_path / "orders.csv", 25)
    head, *rows = path.read_text("utf-8").splitlines()
    twice = [*rows, *(each.replace("T-", "t-") for each in rows)]
    path.write_text("\n".join([head, *twice]), encoding="utf-8")
    ran = sesamy("import", path, "--promo", "SPRING-12", "--dry-run")

    assert 0 == ran.code
    assert "row 27 (like row 2), row 28 (like row 3)," in ran.out
    assert "row 46 (like row 21), and 5 more differ in upper" in ran.out
