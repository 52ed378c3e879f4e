"""A mapping says what the columns of a file are."""

from __future__ import annotations

from typing import Any

import pytest

from sesamy_async.bulk import InputFileError, Source
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
        "row 3, Ordernr: required",
    ] == wrong(source)


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ("[colums]", "colums: unknown; did you mean columns?"),
        ("columns = 1", "columns: must be a table of headers and paths"),
        ("constants = []", "constants: must be a table of paths and values"),
        ("ignore = [1]", "ignore: must be a list of headers"),
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
            "constants.vendorData.a: expected str, got int",
        ),
        (
            "[constants]\nuserData.gender = 'K'",
            "constants.userData.gender: must be one of male, female, other",
        ),
        ("[constants]\nvendorId = '.'", "constants.vendorId: must be an id"),
        (
            "[constants]\nexternalOrderId = 'A'",
            "constants.externalOrderId: each order needs one of its own",
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
