"""What a search for files that are sent wrong has found."""

from __future__ import annotations

import subprocess
import sys
from contextlib import nullcontext
from typing import Any
from zipfile import ZipFile

import pytest
import xlsxwriter  # type: ignore[import-untyped]

from sesamy_async.bulk import InputFileError, Sale
from sesamy_async.bulk.check import check
from sesamy_async.bulk.reading import open_source
from support.order_files import Folder, orders, wrong


HEADER = "externalOrderId;userData.email;quantity;Status"
STATUS = "ignore = ['Status']\n"


def of(folder: Folder, toml: str, *rows: str) -> list[object]:
    """Return the ids and quantities of the orders of a file."""
    mapping = folder.write(toml, "mapping.toml")
    found = orders(folder.csv(*rows, mapping=mapping))
    return [(it["externalOrderId"], it.get("quantity")) for it in found]


_FINGERPRINT = """
import sys
from sesamy_async.bulk.reading import open_source

print(open_source(sys.argv[1], mapping=sys.argv[2]).fingerprint())
"""


def test_words_of_a_filter_are_the_same_in_each_process(
    folder: Folder,
) -> None:
    """A set has another order in each; an import must go on all the same."""
    path = folder.write(f"{HEADER}\nA-1;a@example.com;1;b\n")
    mapping = folder.write("[filter]\nStatus = ['b', 'c', 'd']", "m.toml")
    found = {
        subprocess.run(  # noqa: S603 - of this test
            [sys.executable, "-c", _FINGERPRINT, path, mapping],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in "12"
    }

    found.add(f"{open_source(path, mapping=mapping).fingerprint()}\n".encode())

    assert 1 == len(found)


@pytest.mark.parametrize(
    ("quantities", "sum_"), [(["", ""], None), (["", "2"], 2), (["1", ""], 1)]
)
def test_no_quantity_is_not_zero(
    folder: Folder, quantities: list[str], sum_: int | None
) -> None:
    """An order whose lines have no quantity is sent without one."""
    rows = (f"A-1;a@example.com;{it};" for it in quantities)

    assert [("A-1", sum_)] == of(
        folder, f"{STATUS}lines_per_order = 'several'", HEADER, *rows
    )


FILTERED = "lines_per_order = 'several'\n[filter]\nStatus = 'paid'"


def test_lines_that_a_filter_leaves_out(folder: Folder) -> None:
    """They do not count, unless they say nothing: then the first one does."""
    found = of(
        folder,
        FILTERED,
        HEADER,
        "A-1;a@example.com;1;paid",
        "A-1;;2;",
        "A-1;;4;refunded",
        "A-2;a@example.com;1;open",
        "A-2;;1;",
    )

    assert [("A-1", 3)] == found


def test_a_first_line_that_a_filter_leaves_out(folder: Folder) -> None:
    """It has the address, so without it the order can't be sent."""
    mapping = folder.write(FILTERED, "mapping.toml")
    source = folder.csv(
        HEADER,
        "A-1;a@example.com;1;open",
        "A-1;a@example.com;2;paid",
        mapping=mapping,
    )

    [problem] = wrong(source)
    assert problem.startswith("row 2, Status: the filter leaves out the first")
    with check(source, promo_code="S") as checked:
        assert (1, ()) == (checked.invalid, checked.cleaned)


def test_words_that_differ_in_a_hyphen(folder: Folder) -> None:
    """They may be ids: ``A-11`` is not ``A1-1``, and ``-`` is not empty."""
    found = of(
        folder,
        "[filter]\nStatus = ['A-11', '-']\n[values.quantity]\n'1-2' = 7",
        HEADER,
        "A-1;a@example.com;12;a-11",
        "A-2;a@example.com;1;A1-1",
        "A-3;a@example.com;1;",
        "A-4;a@example.com;1-2; -",
    )

    assert [("A-1", 12), ("A-4", 7)] == found


def test_words_that_are_cleaned(folder: Folder) -> None:
    """A word stands for its value also once it is cleaned."""
    found = of(
        folder,
        f"{STATUS}[defaults]\nquantity = 3\n"
        "[values.quantity]\n'En' = 1\n'Okänt' = ''",
        HEADER,
        "A-1;a@example.com;En\u200b;",
        "A-2;a@example.com;Okänt\u200b;",
    )

    assert [("A-1", 1), ("A-2", 3)] == found


def test_an_empty_cell_of_any_text_has_its_default(folder: Folder) -> None:
    """The default is sent, not an empty text."""
    mapping = folder.write("defaults.userData.fullName = 'Kim'", "m.toml")
    source = folder.csv(
        "externalOrderId,userData.fullName", "A-1,", mapping=mapping
    )

    [order] = orders(source)
    assert {"fullName": "Kim"} == order["userData"]


def test_a_mapped_column_beside_one_that_is_ignored(folder: Folder) -> None:
    """Columns that differ in a hyphen only are told apart by the mapping."""
    mapping = folder.write(
        "ignore = ['Epost']\n[columns]\n'E-post' = 'userData.email'", "m.toml"
    )
    source = folder.csv(
        "externalOrderId,Epost,E-post", "A-1,x,a@example.com", mapping=mapping
    )

    [order] = orders(source)
    assert {"email": "a@example.com"} == order["userData"]


def test_a_filter_takes_the_column_of_its_very_name(folder: Folder) -> None:
    """Another one that differs in case is not asked."""
    found = of(
        folder,
        "ignore = ['Status']\n[filter]\nStatus = 'paid'",
        f"{HEADER};STATUS",
        "A-1;a@example.com;1;paid;x",
        "A-2;a@example.com;1;x;paid",
    )

    assert [("A-1", 1)] == found


@pytest.mark.parametrize(
    ("toml", "header", "said"),
    [
        (
            "[columns]\n'#Mejl' = 'userData.email'",
            "#Mejl",
            "columns.#Mejl: columns whose name begins with # are not",
        ),
        (
            "ignore = ['Mejl']\n[columns]\n'Mejl' = 'userData.email'",
            "Mejl",
            "columns.Mejl: is under ignore, too",
        ),
        (
            "ignore = '*'\n[filter]\nStatus = 'paid'",
            "STATUS,status",
            "Status: in the filter, but several times here",
        ),
    ],
)
def test_mappings_that_would_lose_a_column(
    folder: Folder, toml: str, header: str, said: str
) -> None:
    """It is refused what could only be read in a way that nobody means."""
    mapping = folder.write(toml, "mapping.toml")
    with pytest.raises(InputFileError) as caught:
        folder.csv(f"externalOrderId,{header}", "A-1,a,b", mapping=mapping)

    assert said in str(caught.value)


def test_a_header_that_is_repeated(folder: Folder) -> None:
    """The header of a file that was added is not an order."""
    header = "externalOrderId,userData.fullName"
    source = folder.csv(header, "A-1,Kim", header.upper(), "A-2,Bo")

    [problem] = wrong(source)
    assert problem.startswith("row 3: repeats the header")


def test_orders_above_another_header(folder: Folder) -> None:
    """They are not skipped because the second header has more names."""
    with pytest.raises(InputFileError) as caught:
        folder.csv(
            "externalOrderId,userData.email",
            "A-1,a@example.com",
            "externalOrderId,userData.email,quantity",
            "A-2,a@example.com,1",
        )

    assert "rows 1 and 3 both have the names" in str(caught.value)


WIDE = "has 4 cells, and the header 3"


@pytest.mark.parametrize(
    ("header", "rows", "problems"),
    [
        (
            "",
            ["A-1,,a@example.com,", "A-2,a@example.com,"],
            [f"row 2: {WIDE}"],
        ),
        ("", ["A-1,a@example.com,x,", "A-2,a@example.com,,"], []),
        (",", ["A-1,a@example.com,x,", "A-2,a@example.com,"], []),
    ],
)
def test_a_delimiter_too_many(
    folder: Folder, header: str, rows: list[str], problems: list[str]
) -> None:
    """It moves cells, even if the last is empty; in all rows it is fine."""
    names = "externalOrderId,userData.email,userData.fullName"
    found = wrong(folder.csv(names + header, *rows))

    assert problems == [it[: len(f"row 2: {WIDE}")] for it in found]


@pytest.mark.parametrize("cell", ['A-1"', 'A-"1'])
def test_a_quotation_mark_in_an_id(folder: Folder, cell: str) -> None:
    """A single one is a mistake in the file."""
    [problem] = wrong(folder.csv("externalOrderId,quantity", f"{cell},1"))

    assert "must not have a quotation mark" in problem


def test_a_quotation_mark_in_a_zip(folder: Folder) -> None:
    """It is sent as it is, but not without a word."""
    source = folder.csv(
        "externalOrderId,userData.email,userData.address.zip",
        'A-1,a@example.com,1234"5',
    )
    with check(source, promo_code="S") as checked:
        [warning] = checked.warnings

    assert "has a quotation mark" in warning.remark.text


def test_lines_that_were_apart(folder: Folder) -> None:
    """They are no lines of one order because a report has them together."""
    names = "#row,externalOrderId,userData.email,quantity"
    found = of(
        folder,
        "lines_per_order = 'several'",
        names,
        "2,A-1,a@example.com,1",
        "2,A-1,a@example.com,2",
        "5,A-1,a@example.com,4",
    )

    assert [("A-1", 3), ("A-1", 4)] == found


@pytest.mark.parametrize(
    ("columns", "only_formatted", "right"),
    [(16_383, False, False), (16_383, True, True), (3, False, True)],
)
def test_a_cell_that_is_far_away(
    folder: Folder,
    columns: int,
    only_formatted: bool,
    right: bool,
) -> None:
    """The reader would end the process, as no memory holds all between."""
    path = folder.path / "orders.xlsx"
    book: Any = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["externalOrderId", "quantity"])
    sheet.write_row(1, 0, ["A-1", "1"])
    bold = book.add_format({"bold": True})
    cell = "" if only_formatted else "x"
    sheet.write(9_999, columns, cell, bold)
    book.close()
    with nullcontext() if right else pytest.raises(InputFileError) as caught:
        assert "A-1" == next(open_source(path).records()).cells[0]

    assert right is (caught is None)
    assert right or "far away from the others" in str(caught)


def test_an_archive_of_another_kind(folder: Folder) -> None:
    """Of its type, only the beginning is read."""
    path = folder.path / "book.xlsx"
    with ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
    with pytest.raises(InputFileError) as caught:
        open_source(path, format="sheet")

    assert "or no spreadsheet" in str(caught.value)


COLUMNS = "externalOrderId;userData.phone;userData.fullName;quantity"


@pytest.mark.parametrize(
    ("rows", "right", "said"),
    [
        # A line break in the first cell: "A-100" is cut, "3" is its rest.
        (
            ["A-1;;Kim;1", "A-100", "3;;Bo;1", "A-4;;Eva;1"],
            ["A-4"],
            ["may continue in row 3", "has 1 cells", "the rest of row 3"],
        ),
        # In the last one.
        (
            ["A-1;;Kim;1", "2", "A-4;;Eva;1"],
            [],
            ["may continue in row 3", "has 1 cells", "the rest of row 3"],
        ),
        (
            ["A-1;;Kim;1", "A-2;;Bo;1", "the end"],
            ["A-1"],
            ["may continue in row 4", "has 1 cells"],
        ),
    ],
)
def test_beside_a_part_of_a_row(
    folder: Folder, rows: list[str], right: list[str], said: list[str]
) -> None:
    """Beside a row of one cell, no row is certainly whole."""
    source = folder.csv(COLUMNS, *rows)
    found = [*map(source.read, source.records())]
    problems = wrong(source)

    assert right == [
        it.order.external_order_id for it in found if isinstance(it, Sale)
    ]
    assert len(said) == len(problems)
    assert all(a in b for a, b in zip(said, problems, strict=True))


def test_an_order_before_a_line_without_id(folder: Folder) -> None:
    """A line that has no id may be one of the order above it."""
    mapping = folder.write("lines_per_order = 'several'", "m.toml")
    source = folder.csv(
        "externalOrderId,quantity", "A-1,1", ",2", "A-2,3", mapping=mapping
    )

    before, after = wrong(source)
    assert before.startswith("row 2: may continue in row 3, which has no id;")
    assert "row 3, externalOrderId: is missing" == after


def test_a_cell_beside_the_table(folder: Folder) -> None:
    """In a spreadsheet, what has no header is named by its column."""
    path = folder.path / "orders.xlsx"
    book: Any = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    for row, cells in enumerate(
        [["externalOrderId", "quantity"], ["A-1", "1", "", "x"], ["A-2", "1"]]
    ):
        sheet.write_row(row, 0, cells)
    book.close()

    [said] = wrong(open_source(path))
    assert said.startswith("row 2: has a cell in column D, which has no hea")


def test_nothing_below_two_headers(folder: Folder) -> None:
    """A file of two headers has no orders."""
    source = folder.csv("externalOrderId,quantity", "Ordernr,Antal")

    assert [] == [*source.records()]


def test_no_id_in_a_row_that_is_cleaned(folder: Folder) -> None:
    """An id is missing in such a row, too."""
    source = folder.csv("externalOrderId,userData.phone", ", 12")

    assert ["row 2, externalOrderId: is missing"] == wrong(source)
