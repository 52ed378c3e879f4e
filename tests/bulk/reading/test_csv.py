"""Each row of a CSV file is an order, or all its problems are named."""

from __future__ import annotations

import csv
import itertools

import pytest

from sesamy_async.bulk import InputFileError, Mistaken
from sesamy_async.bulk.reading import _csv, open_source
from sesamy_async.bulk.reading._csv import csv_rows
from support.order_files import Folder, orders, sales, wrong


LONG = "x" * 750_000
"""Two of it are longer than a row may be."""


def test_columns_that_are_not_read(folder: Folder) -> None:
    """Columns with a # are not read, nor spaces and empty last columns."""
    source = folder.csv(
        "#row,#reason, externalOrderId , quantity,#row,,",
        "17,quantity: x,A-1,2,,,",
        "18,quantity: x,A-1,2,",
    )

    assert [{"externalOrderId": "A-1", "quantity": 2}] * 2 == orders(source)
    assert ("#row", "#reason", "externalOrderId") == source.header[:3]


@pytest.mark.parametrize("rows", [[], [","], ["", ""]])
def test_header_alone(folder: Folder, rows: list[str]) -> None:
    """A file without orders is refused."""
    with pytest.raises(InputFileError, match="a header and no orders below"):
        folder.csv("externalOrderId,quantity", *rows)


def test_paths(folder: Folder) -> None:
    """A header is the path of its cells, also below the own names."""
    source = folder.csv(
        "externalOrderId,paymentProvider,quantity,vendorData.kampanj,"
        "userData.birthday,userData.address.city,"
        "userData.businessDetails.vatNr,userData.extraData.a.b,"
        "ownerData.gender",
        "A-1,BILLOGRAM,2,vår,1980-05-17,Växjö,SE556677889901,7,female",
    )

    assert [
        {
            "externalOrderId": "A-1",
            "paymentProvider": "BILLOGRAM",
            "quantity": 2,
            "vendorData": {"kampanj": "vår"},
            "userData": {
                "birthday": "1980-05-17",
                "address": {"city": "Växjö"},
                "businessDetails": {"vatNr": "SE556677889901"},
                "extraData": {"a.b": "7"},
            },
            "ownerData": {"gender": "female"},
        }
    ] == orders(source)


def test_what_is_not_in_an_order(folder: Folder) -> None:
    """Empty cells, objects that would be empty, promoCode and vendorId."""
    first, second = sales(
        folder.csv(
            "promoCode,externalOrderId,vendorId,quantity,userData.address.zip",
            "VÅR/1,A-1,acme,,",
            ",A-1,,,",
        )
    )

    assert ("VÅR/1", "acme") == (first.promo_code, first.vendor_id)
    assert (None, None) == (second.promo_code, second.vendor_id)
    assert {"externalOrderId": "A-1"} == first.order.to_dict()
    assert first.order == second.order


WHOLE = "must be a whole number such as 1"
WORDS = "must be one of KLARNA, STRIPE, BILLOGRAM, SESAMY"
METHODS = "must be one of BANKGIRO, EXTERNAL, INVOICE, SWISH, CARD, FREE"


@pytest.mark.parametrize(
    ("header", "cell", "reason"),
    [
        ("quantity", "0", "must be at least 1"),
        ("quantity", "\u0661", WHOLE),
        ("quantity", "9" * 18, "must be at most 9007199254740991"),
        ("userData.email", "åsa", "must look like name@example.com"),
        ("ownerData.birthday", "5/17", "must be a date such as 1980-12-31"),
        ("paymentProvider", "Klarma", f"{WORDS}; did you mean KLARNA?"),
        ("paymentMethod", "VIPPS", METHODS),
        ("userData.gender", "K", "must be one of male, female, other"),
        ("promoCode", "..", "must be an id; it is empty"),
        ("vendorId", "a\x07b", "has invisible or damaged characters"),
        ("userData.fullName", "a\0b", "has an invisible character"),
    ],
)
def test_wrong_cells(
    folder: Folder, header: str, cell: str, reason: str
) -> None:
    """A problem names the row and the column, and not the value."""
    [problem] = wrong(folder.csv(f"externalOrderId,{header}", f"A-1,{cell}"))

    assert problem.startswith(f"row 2, {header}: {reason}")


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("", "is missing"),
        (" ", "must not be blank"),
        ("A-1 ", "must not begin or end with spaces"),
        ("A\ufeff-1", "must not contain invisible characters"),
        ("A\u200b-1", "must not contain invisible characters"),
    ],
)
def test_wrong_order_ids(folder: Folder, cell: str, reason: str) -> None:
    """Each row needs an id that can be told from others."""
    source = folder.csv("externalOrderId,quantity", f"{cell},1")
    [found] = map(source.read, source.records())

    assert isinstance(found, Mistaken)
    assert [f"row 2, externalOrderId: {reason}"] == [
        str(each) for each in found.problems
    ]
    assert found.external_order_id is None


def test_all_wrong_cells(folder: Folder) -> None:
    """All problems of a row are named, with its order."""
    source = folder.csv("quantity,externalOrderId,promoCode", "x,A-1,.")
    [found] = map(source.read, source.records())

    assert isinstance(found, Mistaken)
    assert "A-1" == found.external_order_id
    assert f"row 2, quantity: {WHOLE}" == str(found.problems[0])
    assert "row 2, promoCode: must be an id; it is empty, '.' or '..'" == str(
        found.problems[1]
    )


def test_wrong_number_of_cells(folder: Folder) -> None:
    """A row of another width is no order: its cells may have moved."""
    source = folder.csv("externalOrderId,quantity", "A-1", "A-1,1,x")
    short, long = wrong(source)

    assert "row 2: has 1 cells, and the header 2: the row is cut" in short
    assert "row 3: has 3 cells, and the header 2: a cell that" in long


def test_numbers_of_rows(folder: Folder) -> None:
    """Blank rows count and hold no order; a row may have many lines."""
    source = folder.csv(
        "externalOrderId,userData.fullName",
        "A-1,x",
        "",
        ",",
        '" ",',
        '"A-2","Åsa\r\n""Öberg"", x"',
        "A-3,x",
    )
    records = [*source.records()]

    assert [2, 6, 7] == [record.number for record in records]
    assert ("A-2", 'Åsa\r\n"Öberg", x') == records[1].cells


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_dialects(folder: Folder, delimiter: str, end: str) -> None:
    """Delimiter and line ends are found out, whatever is quoted."""
    odd = ",;\t".replace(delimiter, "") * 3 + "x"
    rows = [
        ["externalOrderId", f'"userData.extraData.a{odd}"', "#x"],
        ["A-1", f'"1{delimiter}2"', "x"],
    ]
    text = "".join(delimiter.join(row) + end for row in rows)
    [order] = orders(open_source(folder.write(text)))

    assert {f"a{odd}": f"1{delimiter}2"} == order["userData"]["extraData"]


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n", "\0"])
def test_given_delimiter(folder: Folder, delimiter: str) -> None:
    """Any one character may stand between cells, except quotes and breaks."""
    source = folder.csv("externalOrderId|quantity", "A-1|1", delimiter="|")

    assert [{"externalOrderId": "A-1", "quantity": 1}] == orders(source)
    with pytest.raises(InputFileError, match="delimiter must be one char"):
        folder.csv("externalOrderId", "A-1", delimiter=delimiter)


UNCLOSED = "a quotation mark opens a cell that is not closed until the end"
WRONG = "a closing quotation mark is not followed by ','"
OLD = "may be a part of the cell that is opened by a quotation mark in row 3"


@pytest.mark.parametrize(
    ("rows", "broken"),
    [
        # Each is alone, and what follows it is an order.
        (['A-2,"x,1'], {3: UNCLOSED}),
        (['"A-2,x,"1"'], {3: WRONG}),
        (['A-2,"x"y,1', "A-3,x,1"], {3: WRONG}),
        (['A-2,"x "y" z",1'], {3: WRONG}),
        (['A-2,"x "y" z, jr",1', ""], {3: WRONG}),
        (['A-2,1,"x "y" z"'], {3: WRONG}),
        (['A-2,"x,1', "", 'A-3,"x, jr",1'], {3: WRONG}),
        (['A-2,"x,1', 'A-3,"y,1'], {3: WRONG, 4: OLD}),
        # The row has two lines.
        (['A-2,"x', 'c/o "y" z",1'], {3: WRONG}),
        # An old order may stand in a cell.
        (['A-2,"x', "A-1,x,1", "y,1"], {3: UNCLOSED, 4: OLD, 5: OLD}),
        (['A-2,1,"x', "A-1,x,1"], {3: UNCLOSED, 4: OLD}),
        (['A-2,"x, y', "A-1,x,1"], {3: UNCLOSED, 4: OLD}),
        (['A-2,"x,y', "A-1,x,1", "a, b,1"], {3: UNCLOSED, 4: OLD, 5: OLD}),
        (['A-2,"x,y', "A-1,x,1", "", "b"], {3: UNCLOSED, 4: OLD, 6: OLD}),
        ([f'A-2,"{LONG}', f'{LONG}",1'], {3: "it has more than 1"}),
    ],
    ids=itertools.count(),
)
def test_quotation_marks(
    folder: Folder, rows: list[str], broken: dict[int, str]
) -> None:
    """A wrong mark is one mistaken row, and what may belong to it."""
    header = "externalOrderId,userData.fullName,quantity"
    source = folder.csv(header, "A-1,x,1", *rows, "A-8,x,1", "A-9,x,1")
    found = [*source.records()]
    told = {row.number: row.broken for row in found if row.broken}
    if OLD in broken.values():
        broken = {**broken, found[-2].number: OLD, found[-1].number: OLD}
    else:
        assert ["A-8", "A-9"] == [row.cells[0] for row in found[-2:]]

    assert {*broken} == {*told}
    assert all(told[row].startswith(why) for row, why in broken.items())
    assert all(len(row.cells) == 1 for row in found if row.broken)


@pytest.mark.parametrize(
    ("cell", "first"),
    [
        # The cell that is not closed can't be longer than any cell is.
        ("x", 3),
        # A quotation mark before a letter would have ended it.
        ('"x"', 3),
        # Between marks, nobody can tell.
        ('""', None),
        ('"x" y', None),
    ],
)
def test_end_of_doubt(
    monkeypatch: pytest.MonkeyPatch, cell: str, first: int | None
) -> None:
    """Far below an open quotation mark, rows are orders again."""
    monkeypatch.setattr(_csv, "LONGEST_CELL", 100)
    lines = ["a,b,c", "A-1,x,1", 'A-2,1,"x', *[f"A-3,{cell},1"] * 40]
    rows = [*csv_rows("x", (f"{line}\n" for line in lines), ",")]
    doubtful = [row.number for row in rows if row.broken.startswith("may be")]

    assert list(range(4, doubtful[-1] + 1)) == doubtful
    assert (first is None) == (rows[-1].number == doubtful[-1])


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([f"A-2,{LONG * 2}"], "row 2: it has more than 1000000 characters"),
        (['"'], "row 2: a quotation mark opens a cell that is not closed"),
    ],
)
def test_rows_without_end(folder: Folder, rows: list[str], what: str) -> None:
    """Without any row, or with a line of any length, nothing is known."""
    path = folder.write("\n".join(["", *rows]))

    with pytest.raises(InputFileError, match=f"orders.csv, {what}"):
        open_source(path)


def test_long_rows(folder: Folder) -> None:
    """A long row may follow another one; a limit of others stays."""
    before = csv.field_size_limit(50_000_000)
    header = "externalOrderId,userData.fullName"
    try:
        assert 2 == len(sales(folder.csv(header, *[f"A-1,{LONG}"] * 2)))
        assert 50_000_000 == csv.field_size_limit()
    finally:
        csv.field_size_limit(before)


@pytest.mark.parametrize(
    ("delimiter", "end"), [(",", "\n"), (";", "\r\n"), (",", "\r")]
)
@pytest.mark.parametrize(
    "rows",
    [
        ('A-1,"Kim,1', 'A-2,Bo",1'),
        ('A-1,"Kim,1', "A-2,Bo,1", 'A-3,Nisse",1'),
        ('A-1,"Kim,x', "A-2,Bo,1", "A-3,Bo,x", 'A-4,Nisse",1'),
    ],
)
def test_merged_rows(
    folder: Folder, rows: tuple[str, ...], delimiter: str, end: str
) -> None:
    """Rows between two stray quotation marks are a problem, and not lost."""
    lines = ["externalOrderId,userData.fullName,quantity", *rows, "A-9,Bo,1"]
    text = end.join(lines).replace(",", delimiter)
    [problem] = wrong(folder.csv(text))

    assert problem.startswith("row 2: some lines in a cell are rows of their")


@pytest.mark.parametrize(
    ("cell", "more"),
    [
        ("Storgatan 1\nc/o Bo", ",quantity"),
        ("a, b\n\nc, d, e", ",quantity"),
        ("a,b\nA-2,Bo,x", ",quantity"),
        ("x\n,c,1", ",quantity"),
        # Two cells are too few to tell a row from words with a comma.
        ("Hello\nKim, dear", ""),
    ],
)
def test_lines_that_are_no_rows(folder: Folder, cell: str, more: str) -> None:
    """A cell may have lines and delimiters."""
    source = folder.csv(
        f"externalOrderId,userData.fullName{more}",
        f'A-1,"{cell}"{",1" * bool(more)}',
    )

    assert [cell] == [each["userData"]["fullName"] for each in orders(source)]


def test_lone_surrogates(folder: Folder) -> None:
    """An odd encoding can make text that can't be sent."""
    path = folder.write("externalOrderId,userData.fullName\nA-1,+2AA-\n")
    [problem] = wrong(open_source(path, encoding="utf-7"))

    assert problem.startswith("row 2, userData.fullName: has a damaged ch")


@pytest.mark.parametrize(
    "line", ["sep=;", '"SEP=;"', "\ufeffsep=;", "sep=;\r"]
)
def test_named_delimiter(folder: Folder, line: str) -> None:
    """A first line for spreadsheets names the delimiter, and is no row."""
    header = "externalOrderId;#a,b,c,d;quantity"
    path = folder.write(f"{line}\n{header}\nA-1;x;2")
    [row] = open_source(path).records()

    assert (2, ("A-1", "x", "2")) == (row.number, row.cells)


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("externalOrderId;#a,b,c,d", "A-1;x"),
        ("externalOrderId;#a;#b,c", "A-1;x, y;z, a"),
        ("externalOrderId;#a", "A-1;1,5"),
    ],
)
def test_delimiter_of_most_rows(folder: Folder, header: str, row: str) -> None:
    """The delimiter is what gives most rows the same cells."""
    source = folder.csv(header, *[row] * 3, f"{row};x")

    assert row.split(";") == [*next(source.records()).cells]


def test_joined_files(folder: Folder) -> None:
    """Where another file was added to the end, its header is no order."""
    header = "externalOrderId,quantity"
    source = folder.csv(header, "A-1,1", f"\ufeff{header}", "A-2,1")
    rows = [*source.records()]

    assert [2, 3, 4] == [row.number for row in rows]
    assert [False, True, False] == [
        row.broken.startswith("it begins with a byte order") for row in rows
    ]


@pytest.mark.parametrize("end", ["\x1a", "\0" * 99, "\n\x1a\0", "\n,\n"])
def test_ends(folder: Folder, end: str) -> None:
    """What pads the end of a file is no row."""
    path = folder.write(f"\ufeff\ufeffexternalOrderId,#x\nA-1,x{end}")

    assert [("A-1", "x")] == [row.cells for row in open_source(path).records()]


def test_mixed_line_ends(folder: Folder) -> None:
    """Each line end counts, whatever the others are."""
    path = folder.write("externalOrderId\rA-1\nA-2\r\nA-3\r")

    assert [2, 3, 4] == [row.number for row in open_source(path).records()]
