"""A file is checked as a whole before anything of it is sent."""

from __future__ import annotations

import csv
import errno
import json
import sqlite3
import stat
from pathlib import Path

import attrs
import pytest

from sesamy_async.bulk import (
    InputFileError,
    Mistaken,
    Note,
    Planned,
    Remark,
    Source,
)
from sesamy_async.bulk import check as checking
from sesamy_async.bulk.check import Checked, check, write_problems
from sesamy_async.bulk.reports._files import Sheet
from sesamy_async.sandbox import Sandbox
from support.command_line import CommandLine, orders_file
from support.order_files import Folder
from support.sources import Listed


SAME = "the same row as row 2: remove this one"


def other(row: int) -> str:
    """Say that another row has the id."""
    return f"row {row} has this externalOrderId too, with other data"


def plan(source: Source, promo_code: str | None = "S") -> list[Planned]:
    """Return what a journal would begin with."""
    with check(source, promo_code=promo_code) as checked:
        return [*checked.planned()]


def test_a_wrong_file(folder: Folder) -> None:
    """All that is wrong is told in the order of the rows."""
    source = folder.csv(
        "externalOrderId,quantity,userData.email",
        "A-1,0,nobody",
        "",
        "A-2,1,a@example.com",
        ",1,",
    )
    with check(source, promo_code="S") as checked:
        assert (3, 1, 2) == (checked.rows, checked.valid, checked.invalid)
        assert [
            "row 2, quantity: must be at least 1",
            "row 2, userData.email: must look like name@example.com",
            "row 5, externalOrderId: is missing",
        ] == [*map(str, checked.problems())]
        assert [
            (
                "A-1",
                (
                    "quantity: must be at least 1; "
                    "userData.email: must look like name@example.com"
                ),
            ),
            ("A-2", None),
            (None, "externalOrderId: is missing"),
        ] == [(each.order_id, each.reason) for each in checked.planned()]


@pytest.mark.parametrize("strict", [False, True])
def test_warnings_are_mistakes(folder: Folder, *, strict: bool) -> None:
    """What may be wrong keeps a row from being sent only if that is asked."""
    source = folder.csv(
        "externalOrderId,userData.email,userData.phone",
        "A-1,,",
        "A-2,a@example.com,'+46701740605",
    )
    with check(source, promo_code="S", strict=strict) as checked:
        [warning], [cleaned] = checked.warnings, checked.cleaned
        problems = [f"row 2: {warning.remark.text}"]

        assert 1 == warning.count == cleaned.count
        assert problems * strict == [*map(str, checked.problems())]
        assert strict == checked.invalid


def test_a_promo_code_for_all_or_for_each(folder: Folder) -> None:
    """A row without a promo code is wrong where the file has none."""
    source = folder.csv("externalOrderId,promoCode", "A-1,S", "A-2,")
    reason = "promoCode: is missing, and no promo code is given for the whole"

    assert [None, None] == [each.reason for each in plan(source)]
    [first, second] = plan(source, promo_code=None)
    assert first.reason is None
    assert str(second.reason).startswith(reason)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["A,1", "A,1"], [("A", None), (None, SAME)]),
        (["A,1", "B,1", "A,1"], [("A", None), ("B", None), (None, SAME)]),
        (["A,1", "A,2"], [("A", other(3)), (None, other(2))]),
        (
            ["A,1", "A,1", "A,2", "A,2"],
            [
                ("A", other(4)),
                (None, other(4)),
                (None, other(2)),
                (None, other(2)),
            ],
        ),
        (
            ["A,0", "A,0"],
            [
                ("A", "quantity: must be at least 1"),
                (None, f"quantity: must be at least 1; {SAME}"),
            ],
        ),
        (["A,1", "a,1"], [("A", None), ("a", None)]),
        ([",1", ",1"], [(None, "externalOrderId: is missing")] * 2),
    ],
)
def test_repeated_orders(
    folder: Folder,
    rows: list[str],
    expected: list[tuple[str | None, str | None]],
) -> None:
    """A row twice is sent once; of two different rows, neither is sent."""
    planned = plan(folder.csv("externalOrderId,quantity", *rows))

    assert expected == [(each.order_id, each.reason) for each in planned]


def test_cells_are_told_apart(folder: Folder) -> None:
    """Text that moved into the next cell makes another row."""
    header = "externalOrderId,userData.fullName,userData.phone"
    planned = plan(folder.csv(header, "A,1,23", "A,12,3"))

    assert [other(3), other(2)] == [each.reason for each in planned]


def test_it_tells_how_far_it_is(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Progress ends at the number of all rows."""
    monkeypatch.setattr(checking, "_BATCH", 2)
    seen: list[int] = []
    source = folder.csv("externalOrderId", *"ABCDE")
    check(source, promo_code="S", on_rows=seen.append).close()

    assert [2, 4, 5] == seen


def test_a_file_that_ends_badly(
    folder: Folder, notes_closed: list[bool]
) -> None:
    """What can't be read on stops the check, and nothing is left open."""
    # The first rows are read when the file is opened.
    rows = [f"A-{number}" for number in range(20)]
    source = folder.csv("externalOrderId", *rows, "A" * 1_000_001)

    with pytest.raises(InputFileError, match="row 22: it has more than"):
        check(source, promo_code="S")
    assert [True] == notes_closed


def test_no_room_for_the_notes(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is told with what to do."""

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Checked, "add", full)
    source = folder.csv("externalOrderId", "A-1")

    with pytest.raises(InputFileError, match=r"disk is full'.*TMPDIR"):
        check(source, promo_code="S")


def test_nothing_can_be_asked_after_the_end(folder: Folder) -> None:
    """The notes are gone when the check is closed."""
    with check(folder.csv("externalOrderId", "A"), promo_code="S") as checked:
        pass

    with pytest.raises(sqlite3.ProgrammingError):
        next(checked.problems())


@pytest.fixture
def checked(folder: Folder) -> Checked:
    """Check a file with problems, one of them in a harmful column."""
    content = {"externalOrderId": "A", "=1+1": "x", "quantity": 0}
    return check(folder.jsonl(json.dumps(content)), promo_code="S")


def test_problems_as_a_table(checked: Checked, tmp_path: Path) -> None:
    """A spreadsheet of this user opens the problems, and runs none."""
    path = tmp_path / "problems.csv"
    with checked:
        write_problems(checked, path)

    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert [
            ["row", "column", "reason"],
            ["1", "quantity", "must be at least 1"],
            ["1", "'=1+1", "unknown field"],
        ] == [*csv.reader(file)]


def test_problems_on_a_full_disk(
    checked: Checked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a list of problems is never left, nor put over another."""
    path = tmp_path / "problems.csv"
    path.write_text("before", encoding="utf-8")
    rows: list[object] = []
    add = Sheet.add

    def full(self: Sheet, *values: object) -> None:
        rows.append(values)
        if rows[1:]:
            raise OSError(errno.ENOSPC, "No space left on device")
        add(self, *values)

    monkeypatch.setattr(Sheet, "add", full)
    with checked, pytest.raises(InputFileError, match="No space left"):
        write_problems(checked, path)

    assert "before" == path.read_text(encoding="utf-8")
    assert 2 == len([*tmp_path.iterdir()])


def test_problems_that_can_not_be_written(
    checked: Checked, tmp_path: Path
) -> None:
    """A folder is refused, and nothing is left."""
    folder = tmp_path / "folder"
    folder.mkdir()
    before = {*tmp_path.iterdir()}
    with (
        checked,
        pytest.raises(InputFileError, match="can't be written: Is a dir"),
    ):
        write_problems(checked, folder)

    assert before == {*tmp_path.iterdir()}


@pytest.mark.parametrize("row", ["A-1,1,1", "A-1", " A-1,1", "A-1\u200b,1"])
def test_doubtful_row(folder: Folder, row: str) -> None:
    """A row without a right id counts for the order that it may be."""
    source = folder.csv("externalOrderId,quantity", "A-1,1", row, "A-2,1")
    with check(source, promo_code="S") as checked:
        reasons = [f"{each.row}: {each.reason}" for each in checked.problems()]
        ids = [each.order_id for each in checked.planned()]

    assert "2: row 3 has this externalOrderId too, with other data" in reasons
    assert "3: row 2 has this externalOrderId too, with other data" in reasons
    assert ["A-1", None, "A-2"] == ids


@pytest.mark.parametrize(
    ("line", "valid"),
    [
        ('{"externalOrderId": "47" "quantity": 1}', 0),
        ('{"externalOrderId": 47}', 0),
        ('{"externalOrderId": " 47 "}', 0),
        # Rows without any id double nothing.
        ('{"externalOrderId": ""}', 1),
        ('{"quantity": 0}', 1),
        ("{}", 1),
    ],
)
def test_doubtful_line(folder: Folder, line: str, valid: int) -> None:
    """So does a line that is no JSON, or has no text there."""
    source = folder.jsonl(line, line, {"externalOrderId": "47"})
    with check(source, promo_code="S") as checked:
        ids = [each.order_id for each in checked.planned()]

    assert valid == checked.valid
    assert [None, None, "47" if valid else None] == ids


def test_doubtful_id_is_not_shown(folder: Folder) -> None:
    """What stands there may be a name, if the row was torn apart."""
    source = folder.csv("externalOrderId,quantity", "Astrid")
    [found] = [source.read(record) for record in source.records()]

    assert isinstance(found, Mistaken)
    assert "Astrid" == found.perhaps
    assert "Astrid" not in repr(found)


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


def test_many_alike(folder: Folder) -> None:
    """They come in the order of the first of them, each with that one."""
    ids = ("äb", "A", "c", "d", "ÄB", "a", "ÄB", "Äb", "", "")

    assert [(6, 2), (9, 2), (7, 3)] == alike(folder, *ids)


def test_the_same_hash(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where only a hash is the same, nothing is told."""
    monkeypatch.setattr(checking, "hash", lambda _: 7, raising=False)

    assert [(4, 3)] == alike(folder, "A", "B", "b")


def test_told(sesamy: CommandLine, served: Sandbox, tmp_path: Path) -> None:
    """The command names the rows, and sends both."""
    path = orders_file(tmp_path / "orders.csv")
    text = path.read_text("utf-8").replace("T-3", "t-1")
    path.write_text(text, encoding="utf-8")
    command = ("import", "orders.csv", "--promo", "SPRING-12")
    tried = sesamy(*command, "--dry-run")
    ran = sesamy(*command)
    again = sesamy(*command)
    told = "Ids that look the same: row 4 (like row 2). They differ only"

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
    assert "row 46 (like row 21), and 5 more. They differ only" in ran.out


@attrs.frozen
class Doubtful(Listed):
    """Rows of a file of which something is not known."""

    @property
    def notes(self) -> tuple[Note, ...]:
        """Return what is not known, and something that is."""
        return (
            Note(0, "", Remark("zeros may be missing", warning=True)),
            Note(0, "", Remark("it is read as cp850")),
        )


def test_warnings_on_the_file_are_strict_too() -> None:
    """A warning about the whole file refuses it, if that is asked for."""
    source = Doubtful(("A-1",))
    with check(source, promo_code="S") as checked:
        assert 1 == checked.valid
    with pytest.raises(InputFileError, match="zeros may be missing"):
        check(source, promo_code="S", strict=True)


def test_the_rows_of_a_finding(folder: Folder) -> None:
    """Of many rows, the first twenty are named, and all are counted."""
    rows = (f"A-{row}" for row in range(2, 24))
    with check(
        folder.csv("externalOrderId", *rows), promo_code="S"
    ) as checked:
        [finding] = checked.warnings

    assert (22, [*range(2, 22)], 3) == (
        finding.count,
        finding.rows,
        len(finding.examples),
    )


def test_mistakes(folder: Folder) -> None:
    """The same mistakes are one, with their first rows."""
    lines = [f"A-{n},{'Lasku' if n % 2 else 'Kortti'},0" for n in range(8)]
    source = folder.csv(
        "externalOrderId,paymentMethod,quantity", *lines, "A-0,CARD,1"
    )
    with check(source, promo_code="S") as checked:
        told = [*checked.mistakes(words=True)]
        plain = [*checked.mistakes(words=False)]

    assert [
        ("paymentMethod", "Kortti", 4, "2, 4, 6"),
        ("quantity", None, 8, "2, 3, 4"),
        ("", None, 1, "2"),
        ("paymentMethod", "Lasku", 4, "3, 5, 7"),
        ("", None, 1, "10"),
    ] == [(it.column, it.word, it.count, it.rows) for it in told]
    assert [8, 8, 1, 1] == [each.count for each in plain]
    assert "Kortti" not in f"{told}{[*source.records()]}"
