"""Each row of a CSV file is an order, or all that is wrong is named."""

from __future__ import annotations

from typing import Any

import pytest

from sesamy_async.bulk import InputFileError, Mistaken
from sesamy_async.bulk.reading import open_source
from support.order_files import Folder, orders, sales, wrong


FULL = {
    "externalOrderId": "A-1",
    "paymentProvider": "BILLOGRAM",
    "paymentMethod": "INVOICE",
    "quantity": "2",
    "vendorData.kampanj": "vår",
    "providerData.ref": "9",
    "userData.email": "åsa@example.com",
    "userData.birthday": "1980-05-17",
    "userData.gender": "female",
    "userData.address.city": "Växjö",
    "userData.businessDetails.vatNr": "SE556677889901",
    "userData.extraData.a.b": "7",
    "ownerData.fullName": "Bjørn Løvås",
}


def test_every_path_finds_its_place(folder: Folder) -> None:
    """A header is the path of what its cells become, also of own names."""
    source = folder.csv(",".join(FULL), ",".join(FULL.values()))

    assert [
        {
            "externalOrderId": "A-1",
            "paymentProvider": "BILLOGRAM",
            "paymentMethod": "INVOICE",
            "quantity": 2,
            "vendorData": {"kampanj": "vår"},
            "providerData": {"ref": "9"},
            "userData": {
                "email": "åsa@example.com",
                "birthday": "1980-05-17",
                "gender": "female",
                "address": {"city": "Växjö"},
                "businessDetails": {"vatNr": "SE556677889901"},
                "extraData": {"a.b": "7"},
            },
            "ownerData": {"fullName": "Bjørn Løvås"},
        }
    ] == orders(source)


def test_an_empty_cell_is_not_given(folder: Folder) -> None:
    """Nothing is sent of an empty cell, nor of what would hold it alone."""
    source = folder.csv(
        "externalOrderId,quantity,userData.email,vendorData.a,promoCode",
        "A-1,,,,",
    )

    assert [{"externalOrderId": "A-1"}] == orders(source)
    assert [None] == [sale.promo_code for sale in sales(source)]


def test_a_row_may_have_its_own_promo_code_and_vendor(folder: Folder) -> None:
    """The columns promoCode and vendorId are not part of the order."""
    [sale] = sales(
        folder.csv("promoCode,externalOrderId,vendorId", "VÅR/1,A-1,acme")
    )

    assert ("VÅR/1", "acme") == (sale.promo_code, sale.vendor_id)
    assert {"externalOrderId": "A-1"} == sale.order.to_dict()


@pytest.mark.parametrize(
    ("header", "cell", "reason"),
    [
        ("quantity", "0", "must be at least 1"),
        ("quantity", "1.0", "must be a whole number such as 1"),
        ("quantity", "-1", "must be a whole number such as 1"),
        ("quantity", "\u0661", "must be a whole number such as 1"),
        ("quantity", "9" * 18, "must be at most 9007199254740991"),
        ("userData.email", "åsa", "must look like name@example.com"),
        ("userData.invoiceEmail", " ", "must look like name@example.com"),
        (
            "ownerData.birthday",
            "17/5 1980",
            "must be an ISO 8601 date such as 1980-12-31",
        ),
        (
            "paymentProvider",
            "Klarna",
            (
                "must be one of KLARNA, STRIPE, BILLOGRAM, SESAMY; "
                "did you mean KLARNA?"
            ),
        ),
        (
            "paymentMethod",
            "VIPPS",
            "must be one of BANKGIRO, EXTERNAL, INVOICE, SWISH, CARD, FREE",
        ),
        ("paymentMethod", " ", "must not be blank"),
        ("userData.gender", "K", "must be one of male, female, other"),
        ("promoCode", "..", "must be an id; it is empty, '.' or '..'"),
        (
            "vendorId",
            "a\x07",
            "holds control characters or broken Unicode",
        ),
        ("userData.fullName", "a\0b", "has a NUL character, which is no text"),
    ],
)
def test_wrong_cells(
    folder: Folder, header: str, cell: str, reason: str
) -> None:
    """What is wrong with a cell is told by row and column, not by value."""
    source = folder.csv(f"externalOrderId,{header}", f"A-1,{cell}")

    assert [f"row 2, {header}: {reason}"] == wrong(source)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("", "required"),
        (" ", "must not be blank"),
        ("A-1 ", "must not begin or end with spaces"),
        ("\ufeffA-1", "must not hold characters that nobody can see"),
        ("A\u200b-1", "must not hold characters that nobody can see"),
        ("A\xa0-1", "must not hold characters that nobody can see"),
    ],
)
def test_every_row_needs_an_order_id(
    folder: Folder, cell: str, reason: str
) -> None:
    """Without an id of its own, nobody can tell what became of an order."""
    source = folder.csv("externalOrderId,quantity", f"{cell},1")
    [found] = [source.read(record) for record in source.records()]

    assert [f"row 2, externalOrderId: {reason}"] == wrong(source)
    assert isinstance(found, Mistaken)
    assert found.external_order_id is None


def test_all_wrong_cells_of_a_row_are_named(folder: Folder) -> None:
    """One look at a row is enough to mend it."""
    source = folder.csv(
        "quantity,externalOrderId,userData.email", "x,A-1,nobody"
    )
    [found] = [source.read(record) for record in source.records()]

    assert isinstance(found, Mistaken)
    assert "A-1" == found.external_order_id
    assert (
        "quantity: must be a whole number such as 1; "
        "userData.email: must look like name@example.com" == found.reason
    )


def test_unknown_words_may_be_allowed(folder: Folder) -> None:
    """Sesamy may know more words than its guide."""
    source = folder.csv(
        "externalOrderId,paymentProvider", "A-1,VIPPS", allow_unknown=True
    )

    assert ["VIPPS"] == [each["paymentProvider"] for each in orders(source)]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("A-1", "has 1 cells, and the header 2: the row is cut, or"),
        ("A-1,1,x", "has 3 cells, and the header 2: a cell that holds the"),
    ],
)
def test_cells_that_do_not_fit(folder: Folder, row: str, why: str) -> None:
    """A row of another width is no order: its cells may have moved."""
    [problem] = wrong(folder.csv("externalOrderId,quantity", row))

    assert problem.startswith(f"row 2: {why}")


def test_empty_cells_beside_the_table_do_no_harm(folder: Folder) -> None:
    """Spreadsheets leave empty columns behind, with a header or without."""
    source = folder.csv("externalOrderId,quantity,,", "A-1,1,,", "A-2,1")

    assert ["A-1", "A-2"] == [it["externalOrderId"] for it in orders(source)]


def test_rows_are_counted_as_a_spreadsheet_does(folder: Folder) -> None:
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
def test_tables_of_all_systems(
    folder: Folder, delimiter: str, end: str
) -> None:
    """Delimiter and line ends are found out, whatever is quoted."""
    odd = ",;\t".replace(delimiter, "") * 3 + "x"
    rows = [
        ["externalOrderId", f'"userData.extraData.a{odd}"', "#x"],
        ["A-1", f'"1{delimiter}2"', "x"],
    ]
    text = "".join(delimiter.join(row) + end for row in rows)
    [order] = orders(open_source(folder.write(text)))

    assert {f"a{odd}": f"1{delimiter}2"} == order["userData"]["extraData"]


def test_a_delimiter_may_be_given(folder: Folder) -> None:
    """Any one character may stand between cells."""
    source = folder.csv("externalOrderId|quantity", "A-1|1", delimiter="|")

    assert [{"externalOrderId": "A-1", "quantity": 1}] == orders(source)


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ('A-2,"x', "a quotation mark opens a cell that is not closed"),
        ('A-2,"x"y', "a closing quotation mark is not followed by ','"),
    ],
)
def test_broken_quotes_stop_the_reading(
    folder: Folder, row: str, what: str
) -> None:
    """Nobody can tell where the row after it begins."""
    source = folder.csv("externalOrderId,userData.fullName", "A-1,x", row)

    with pytest.raises(InputFileError, match=f"orders.csv, row 3: {what}"):
        [*source.records()]


def test_lone_surrogates_are_no_text(folder: Folder) -> None:
    """An odd encoding can say what no text can hold."""
    text = b"externalOrderId,userData.fullName,quantity\nA-1,+2AA-,1\n"
    path = folder.write(text)

    assert [
        "row 2, userData.fullName: has a lone surrogate, which is no text"
    ] == wrong(open_source(path, encoding="utf-7"))


def test_no_cell_is_in_a_repr(folder: Folder) -> None:
    """What a row holds is personal."""
    source = folder.csv("externalOrderId,userData.email", "A-1,åsa@b.example")
    seen: list[Any] = [source, *source.records(), *sales(source)]

    assert "åsa" not in repr(seen)
