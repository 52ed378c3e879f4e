"""A mapping says what the columns of a file are."""

from __future__ import annotations

from typing import Any

import pytest

from sesamy_async.bulk import InputFileError, Source
from sesamy_async.bulk.check import check
from support.order_files import Folder, orders, sales, wrong


def mapped(
    folder: Folder, toml: str | bytes, *rows: str, **options: Any
) -> Source:
    """Open a CSV file with a mapping."""
    mapping = folder.write(toml, "mapping.toml")
    return folder.csv(*rows, mapping=mapping, **options)


RIGHT = """
ignore = ["Notering"]
[columns]
"Ordernr" = "externalOrderId"
"E-post" = "userData.email"
[constants]
paymentProvider = "KLARNA"
quantity = 2
promoCode = "VÅR"
vendorData.kampanj = "höst"
"userData.extraData.a.b" = "c"
ownerData.birthday = 1980-05-17
"""


def test_columns_and_constants(folder: Folder) -> None:
    """Columns get their places, and constants stand in every order."""
    source = mapped(
        folder,
        RIGHT,
        "Ordernr,E-post,Notering,userData.phone",
        "A-1,a@example.com,x,+46701740605",
    )

    [sale] = sales(source)
    assert ("VÅR", None) == (sale.promo_code, sale.vendor_id)
    assert {
        "externalOrderId": "A-1",
        "paymentProvider": "KLARNA",
        "quantity": 2,
        "vendorData": {"kampanj": "höst"},
        "userData": {
            "email": "a@example.com",
            "phone": "+46701740605",
            "extraData": {"a.b": "c"},
        },
        "ownerData": {"birthday": "1980-05-17"},
    } == sale.order.to_dict()


def test_problems_name_the_columns_of_the_file(folder: Folder) -> None:
    """Problems name the headers of the file, not the paths."""
    source = mapped(
        folder, RIGHT, "Ordernr,E-post,Notering", "A-1,nobody,", ",,x"
    )

    assert [
        "row 2, E-post: must look like name@example.com",
        "row 3, Ordernr: is missing",
    ] == wrong(source)


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ("[colums]", "colums: unknown; did you mean columns?"),
        ("columns = 1", "columns: must be a table of headers and paths"),
        ("constants = []", "constants: must be a table of paths and values"),
        ("ignore = [1]", "ignore: must be a list of headers, or"),
        ("ignore = 'x'", "ignore: must be a list of headers, or"),
        ("lines_per_order = 2", "lines_per_order: must be"),
        ("lines_per_order = ['one']", "lines_per_order: must be"),
        ("defaults = 1", "defaults: must be a table of paths and values"),
        ("[defaults]\nquantity = 0", "defaults.quantity: must be at least 1"),
        (
            "[constants]\nquantity = 1\n[defaults]\nquantity = 1",
            "defaults.quantity: is a constant already",
        ),
        ("values = 1", "values: must be a table of paths, each with"),
        ("[values]\nx = 1", "values.x: unknown"),
        ("[values.x]\ny = 1", "values.x.y: unknown"),
        (
            "[values]\nquantity = 1",
            "values.quantity: must be a table of words and values",
        ),
        (
            "[values.externalOrderId]\na = 'b'",
            "values.externalOrderId: an id stands for itself",
        ),
        (
            "[values.paymentMethod]\nKort = 'KORT'",
            "values.paymentMethod.Kort: must be one of",
        ),
        ("filter = 1", "filter: must be a table of headers and words"),
        ("[filter]\nStatus = 1", "filter.Status: must be a word in"),
        ("[filter]\nStatus = []", "filter.Status: must be a word in"),
        ("dates = 1", "dates: must be a table of paths and forms"),
        (
            "[dates]\nquantity = 'YYYY'",
            "dates.quantity: is not a date; use one of userData.birthday",
        ),
        (
            "[dates]\nuserData.birthday = 'YY'",
            "dates.userData.birthday: is not a known form; use one of",
        ),
        (
            "[columns]\na.b = 'quantity'",
            "columns.a: must be a path in quotation marks; write a header",
        ),
        (
            "[columns]\na = 'Quantity'",
            "columns.a: Quantity: unknown; did you mean quantity?",
        ),
        (
            "[columns]\na = 'quantity'\nb = 'quantity'",
            "columns.b: quantity is already a",
        ),
        (
            "[constants]\nquantiti = 1",
            "constants.quantiti: unknown; did you mean quantity?",
        ),
        (
            "[constants]\nquantity = '1'",
            "constants.quantity: write the number without quotation marks",
        ),
        (
            "[constants]\nquantity = 0",
            "constants.quantity: must be at least 1",
        ),
        (
            "[constants]\nvendorData.a = 1",
            "constants.vendorData.a: must be text, in quotation marks",
        ),
        (
            "[constants]\nuserData.gender = 'K'",
            "constants.userData.gender: must be one of male, female, other",
        ),
        ("[constants]\nvendorId = '.'", "constants.vendorId: must be an id"),
        (
            "[constants]\nexternalOrderId = 'A'",
            "constants.externalOrderId: each order needs its own id",
        ),
        ("x = ", "it is not TOML: "),
        ("ignore = ['å']".encode("cp1252"), "it is not UTF-8; save it"),
    ],
)
def test_wrong_mappings(
    folder: Folder, toml: str | bytes, problem: str
) -> None:
    """A problem of a mapping names its place in it."""
    with pytest.raises(InputFileError, match=r"mapping\.toml is") as caught:
        mapped(folder, toml, "externalOrderId", "A-1")
    [found] = caught.value.problems

    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        ("Order,E-post", "Ordernr: mapped, but not in the file; did you mean"),
        ("Ordernr,E-post,Not", "Not: unknown (map it, or list it under ign"),
        ("Ordernr,E-post,quantity", "quantity: quantity is a constant alre"),
        ("Ordernr,E-post,userData.email", "userData.email: userData.email is"),
    ],
)
def test_headers_that_are_not_as_mapped(
    folder: Folder, header: str, problem: str
) -> None:
    """A mapping of another file is refused."""
    with pytest.raises(InputFileError) as caught:
        mapped(folder, RIGHT, header, "A-1,a@example.com,1")

    assert any(each.startswith(problem) for each in caught.value.problems)


def test_headers_in_any_case(folder: Folder) -> None:
    """A mapping names headers in any case, with any spaces and hyphens."""
    source = mapped(
        folder, RIGHT, "ORDERNR , E post,NOTERING", "A-1,a@example.com,x"
    )

    assert ["A-1"] == [it["externalOrderId"] for it in orders(source)]


def test_the_rest_is_ignored(folder: Folder) -> None:
    """With "*", columns that are not named are not read."""
    source = mapped(
        folder,
        "ignore = '*'\n[columns]\nNr = 'externalOrderId'",
        "Nr,Anything,,quantity",
        "A-1,x,y,2",
    )

    assert [{"externalOrderId": "A-1", "quantity": 2}] == orders(source)


def test_a_mapped_column_wins(folder: Folder) -> None:
    """Over one that has the name of the same field, if the rest is ignored."""
    source = mapped(
        folder,
        "ignore = '*'\n[columns]\nNr = 'externalOrderId'\nLeft = 'quantity'",
        "Nr,Quantity,Left",
        "A-1,3,2",
    )

    assert [{"externalOrderId": "A-1", "quantity": 2}] == orders(source)


MEANT = """
[columns]
Nr = "externalOrderId"
[defaults]
paymentMethod = "CARD"
quantity = 1
vendorData.a = "none"
[values.paymentMethod]
Faktura = "INVOICE"
"-" = ""
[values]
"userData.gender" = { K = "female", "Okänt" = "" }
"quantity" = { En = 1 }
"""


@pytest.mark.parametrize(
    ("cells", "method", "quantity", "gender"),
    [
        ("Faktura,1,K", "INVOICE", 1, "female"),
        (" faktura ,2,male", "INVOICE", 2, "male"),
        ("INVOICE,en,", "INVOICE", 1, None),
        (",,okänt", "CARD", 1, None),
        ("-,3,", "CARD", 3, None),
    ],
)
def test_words_and_empty_cells(
    folder: Folder,
    cells: str,
    method: str,
    quantity: int,
    gender: str | None,
) -> None:
    """Words stand for values, and empty cells for defaults."""
    source = mapped(
        folder,
        MEANT,
        "Nr,paymentMethod,quantity,userData.gender",
        f"A-1,{cells}",
    )
    [order] = orders(source)

    assert (method, quantity, gender, {"a": "none"}) == (
        order["paymentMethod"],
        order["quantity"],
        order.get("userData", {}).get("gender"),
        order["vendorData"],
    )


def test_a_filter(folder: Folder) -> None:
    """Rows without the word are left out and counted; cut rows are not."""
    source = mapped(
        folder,
        "[filter]\nStatus = ['paid', 'Betald']",
        "externalOrderId,STATUS",
        "A-1, PAID",
        "A-2,open",
        "A-3,betald",
        "A-4,",
        "A-5",
    )

    with check(source, promo_code="S") as checked:
        [left_out] = checked.cleaned
        assert (3, 2, "STATUS") == (
            checked.rows,
            left_out.count,
            left_out.column,
        )
        assert [2, 4, 6] == [each.row for each in checked.planned()]
        assert 1 == checked.invalid


def test_the_fingerprint_of_a_filter(folder: Folder) -> None:
    """The words of a filter have no order."""
    words = [f"word {number}" for number in range(50)]
    toml = "[filter]\nStatus = {}"
    header = "externalOrderId,Status"

    assert 1 == len(
        {
            mapped(folder, toml.format(it), header, "A,word 1").fingerprint()
            for it in (words, words[::-1])
        }
    )


def test_a_form_of_dates(folder: Folder) -> None:
    """A mapping says how dates are written."""
    source = mapped(
        folder,
        "[dates]\nuserData.birthday = 'DD/MM/YYYY'",
        "externalOrderId,userData.birthday",
        "A-1,03/04/1981",
    )

    [order] = orders(source)
    assert {"birthday": "1981-04-03"} == order["userData"]


SEVERAL = "lines_per_order = 'several'\n[filter]\nStatus = 'paid'"


def several(folder: Folder, *rows: str) -> Source:
    """Open a file whose orders may have several lines."""
    header = "externalOrderId,quantity,userData.fullName,Status"
    toml = f"{SEVERAL}\n[constants]\nuserData.email = 'a@example.com'"
    return mapped(folder, toml, header, *rows)


def test_several_lines_of_an_order(folder: Folder) -> None:
    """The first line counts, and quantities are added up."""
    source = several(
        folder,
        "A-1,1,Kim,paid",
        "A-1,2,,",
        "",
        "A-1,,Bo,",
        "A-1,7,,open",
        "A-2,4,,open",
        "A-3,5,,paid",
    )

    assert [("A-1", 3), ("A-3", 5)] == [
        (it["externalOrderId"], it["quantity"]) for it in orders(source)
    ]
    assert [(2, 2), (8, 0)] == [
        (row.number, len(row.more)) for row in source.records()
    ]
    with check(source, promo_code="S") as checked:
        [differs] = checked.warnings
        assert ("userData.fullName", 1) == (differs.column, differs.count)


@pytest.mark.parametrize(
    ("rows", "problems"),
    [
        (["A-1,1,,paid", "A-1,x,,"], ["row 2, quantity: must be a whole"]),
        (["A-1,1,,paid", "A-1"], ["row 2: has 1 cells, and the header 4"]),
        ([",1,,paid"] * 2, ["row 2, externalOrderId: is missing"] * 2),
    ],
)
def test_wrong_lines_of_an_order(
    folder: Folder, rows: list[str], problems: list[str]
) -> None:
    """A mistake in a further line is one of its order."""
    found = wrong(several(folder, *rows))

    assert len(problems) == len(found)
    assert found[0].startswith(problems[0])


def test_lines_that_are_apart(folder: Folder) -> None:
    """Lines of an order that do not follow each other are refused."""
    source = several(folder, "A-1,1,,paid", "A-2,1,,paid", "A-1,1,,paid")
    with check(source, promo_code="S") as checked:
        assert 2 == checked.invalid


def test_unknown_words_may_be_allowed(folder: Folder) -> None:
    """In constants, in cells and in JSON Lines."""
    words = {"paymentProvider": "VIPPS", "paymentMethod": "VIPPS"}
    order = {"externalOrderId": "A-1", **words}
    table = mapped(
        folder,
        "[constants]\npaymentMethod = 'VIPPS'",
        "externalOrderId,paymentProvider",
        "A-1,VIPPS",
        allow_unknown=True,
    )

    assert [order] == orders(table)
    assert [order] == orders(folder.jsonl(order, allow_unknown=True))
