"""Each row of a CSV file is an order, or all its problems are named."""

from __future__ import annotations

import csv

import pytest

from sesamy_async.bulk import InputFileError, Mistaken
from sesamy_async.bulk.reading import open_source
from support.order_files import Folder, orders, sales, wrong


LONG = "x" * 750_000
"""Two of it are longer than a row may be."""


def refused(folder: Folder, *header: str) -> tuple[str, ...]:
    """Return the problems of a header."""
    with pytest.raises(InputFileError, match="The header of") as caught:
        folder.csv(",".join(header), "A-1")
    return caught.value.problems


def test_misspelt_headers(folder: Folder) -> None:
    """The error for a misspelt header says what it may have been."""
    hints = {
        "userdata.Email": "userData.email",
        "email": "userData.email",
        "City": "userData.address.city",
        "userData.adress.city": "userData.address.city",
        "vendordata.kampanj": "vendorData.kampanj",
        "vendorData": "vendorData.anything",
        "vendorData.": "vendorData.anything",
        "userData.extradata.Nr": "userData.extraData.Nr",
        "promocode": "promoCode",
    }

    assert refused(folder, "externalOrderId", *hints) == tuple(
        f"{header}: unknown; did you mean {hint}?"
        for header, hint in hints.items()
    )


def test_wrong_headers(folder: Folder) -> None:
    """All problems of a header are named at once."""
    assert (
        "column 2 has no header",
        "quantity: quantity is given twice",
        "column 5 has a NUL character in its header",
        "xyz: unknown",
        "externalOrderId: no column has it",
    ) == refused(folder, "quantity", "", "quantity", "#a", "a\0b", "xyz")


def test_long_wrong_header(folder: Folder) -> None:
    """The message shows twenty problems, the error has all."""
    header = ",".join(f"x{n}q" for n in range(100)) + ",promoCode"
    with pytest.raises(InputFileError, match="and 81 more") as caught:
        folder.csv(header, "1")

    assert 101 == len(caught.value.problems)


def test_header_that_is_an_order(folder: Folder) -> None:
    """If the header is missing, the message holds no cell."""
    [problem] = refused(folder, "A-1", "KLARNA", "Åsa Öberg", "a@example.com")

    assert problem.startswith("its first row has no documented name, such")
    with pytest.raises(InputFileError, match="has no documented name"):
        folder.csv(",,", ",,")


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
        ("ownerData.birthday", "5/17", "must be an ISO 8601 date such as 1"),
        ("paymentProvider", "Klarna", f"{WORDS}; did you mean KLARNA?"),
        ("paymentMethod", "VIPPS", METHODS),
        ("paymentMethod", " ", "must not be blank"),
        ("userData.gender", "K", "must be one of male, female, other"),
        ("promoCode", "..", "must be an id; it is empty, '.' or '..'"),
        (
            "vendorId",
            "a\x07",
            "contains control characters or invalid Unicode",
        ),
        (
            "userData.fullName",
            "a\0b",
            "has a NUL character, which is not text",
        ),
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
        ("", "required"),
        (" ", "must not be blank"),
        ("A-1 ", "must not begin or end with spaces"),
        ("\ufeffA-1", "must not contain invisible characters"),
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
    assert str(found.problems[1]).startswith("row 2, promoCode: must be an id")


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


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ('A-2,"x', "a quotation mark opens a cell that is not closed"),
        ('A-2,"x"y', "a closing quotation mark is not followed by ','"),
        (f'A-2,"{LONG}\n{LONG}"', "it has more than 1000000 characters"),
        (f"A-2,{LONG * 2}", "it has more than 1000000 characters"),
    ],
    ids=["unclosed", "closed", "lines", "line"],
)
def test_rows_without_end(folder: Folder, row: str, what: str) -> None:
    """If a row has no end, nobody can tell where the next one begins."""
    source = folder.csv("externalOrderId,userData.fullName", "A-1,x", row)

    with pytest.raises(InputFileError, match=f"orders.csv, row 3: {what}"):
        [*source.records()]


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

    assert problem.startswith("row 2, userData.fullName: has a lone surrog")
