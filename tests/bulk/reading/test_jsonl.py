"""Each line of JSON Lines is an order, or all that is wrong is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sesamy_async.bulk import InputFileError, Mistaken
from sesamy_async.bulk.reading import open_source
from support.order_files import Folder, orders, sales, wrong


SENT: dict[str, Any] = {
    "externalOrderId": "A-1",
    "paymentProvider": "KLARNA",
    "paymentMethod": "CARD",
    "quantity": 1,
    "vendorData": {"kampanj": "vår 😀"},
    "userData": {
        "email": "åsa@example.com",
        "birthday": "1980-05-17",
        "address": {"city": "Växjö"},
        "extraData": {"crm": {"id": 17, "vip": True}},
    },
}
ORDER = {
    **SENT,
    "userData": {**SENT["userData"], "fullName": None},
    "ownerData": None,
}


@pytest.mark.parametrize("escaped", [False, True])
def test_a_line_is_an_order(folder: Folder, *, escaped: bool) -> None:
    """A line holds what is sent, in Sesamy's own names."""
    source = folder.jsonl(json.dumps(ORDER, ensure_ascii=escaped))

    assert [SENT] == orders(source)
    assert () == source.header
    assert "orders.jsonl" == source.name


def test_blank_lines_count(folder: Folder) -> None:
    """The number of a row is that of the line, as an editor shows it."""
    first, second = (
        json.dumps({"externalOrderId": each}) for each in ("A-1", "A-2")
    )
    path = folder.write(f"\ufeff\n{first}\r\n \n{second}", "orders.jsonl")
    records = [*open_source(path).records()]

    assert [2, 4] == [record.number for record in records]
    assert [(first,), (second,)] == [record.cells for record in records]


def test_overrides_and_reports(folder: Folder) -> None:
    """A line may name promo code and vendor; keys with "#" are ignored."""
    added = {"#row": 17, "promoCode": "VÅR/1", "vendorId": "acme"}
    [sale] = sales(folder.jsonl({"#reason": ["x"], **ORDER, **added}))

    assert ("VÅR/1", "acme") == (sale.promo_code, sale.vendor_id)
    assert SENT == sale.order.to_dict()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("null", "row 2: must be a group of fields, in braces { }"),
        ('{"a" 1}', "row 2: not JSON: broken at column 6"),
        ("{}", "row 2, externalOrderId: is missing"),
        ('{"externalOrderId": null}', "row 2, externalOrderId: is missing"),
        ('{"externalOrderId": " A"}', "row 2, externalOrderId: must not beg"),
        ('{"externalOrderId": 5}', "row 2, externalOrderId: must be text"),
    ],
)
def test_lines_without_an_order(
    folder: Folder, line: str, problem: str
) -> None:
    """If a line holds no order, the problem names the line."""
    source = folder.jsonl(ORDER, line)
    [_, found] = [source.read(record) for record in source.records()]
    [told] = wrong(source)

    assert told.startswith(problem)
    assert isinstance(found, Mistaken)
    assert found.external_order_id is None


@pytest.mark.parametrize(
    ("member", "problem"),
    [
        ('"quantity": -5', "quantity: must be at least 1"),
        ('"quantity": "1"', "quantity: must be a whole number"),
        ('"paymentProvider": "VIPPS"', "paymentProvider: must be one of"),
        ('"paymentProvider": ""', "paymentProvider: must not be blank"),
        ('"ownerData": []', "ownerData: must be a group of fields"),
        ('"ownerData": {"gender": "x"}', "ownerData.gender: must be one of"),
        ('"ownerData": {"mail": "x"}', "ownerData.mail: unknown field"),
        ('"ownerData": {"phone": 5}', "ownerData.phone: must be text"),
        ('"ownerData": {"phone": "\\ud800"}', "ownerData.phone: has a dam"),
        ('"ownerData": {"co": 1, "co": 2}', "ownerData.co: unknown field"),
        ('"vendorData": {"a": 1}', "vendorData.a: must be text, in quot"),
        ('"vendorData": {"a": "", "a": ""}', "vendorData.a: given more"),
        ('"promoCode": "."', "promoCode: must be an id; it is empty"),
        ('"promoCode": 5', "promoCode: must be text, in quot"),
        ('"quantity": 1, "quantity": 2', "quantity: given more than once"),
    ],
)
def test_wrong_members(folder: Folder, member: str, problem: str) -> None:
    """A problem names the line and the path, and the order is known."""
    source = folder.jsonl(f'{{"externalOrderId": "A-1", {member}}}')
    [found] = [source.read(record) for record in source.records()]

    assert wrong(source)[0].startswith(f"row 1, {problem}")
    assert isinstance(found, Mistaken)
    assert "A-1" == found.external_order_id


def test_a_line_has_an_end(folder: Folder) -> None:
    """What is longer than any order is not kept in memory."""
    source = folder.jsonl(ORDER)
    folder.write("x" * 1_000_001, "orders.jsonl")

    with pytest.raises(InputFileError, match=r"orders\.jsonl, row 1: it has"):
        [*source.records()]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("[]", "has no orders"),
        ("\ufeff", "has no orders"),
        ("\n \n", "is empty"),
    ],
)
def test_no_json_lines(folder: Folder, content: str, problem: str) -> None:
    """A file without orders is refused."""
    path = folder.write(content, "orders.jsonl")

    with pytest.raises(InputFileError, match=f"^orders.jsonl {problem}"):
        open_source(path)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"phone": "NULL"}, "userData.phone: looks like a word for an empty"),
        ({"address": {"zip": '"352"'}}, "userData.address.zip: has a quotat"),
        ({"extraData": {"a": "#REF!"}}, "userData.extraData.a: is an error"),
        ({"address": {"country": "Norge"}}, "userData.address.country: 'Nor"),
    ],
)
def test_warnings(folder: Folder, given: dict[str, Any], said: str) -> None:
    """A text is sent as it is; what may be wrong is told as of a cell."""
    user = {"email": "a@example.com", **given}
    [sale] = sales(folder.jsonl({"externalOrderId": "A-1", "userData": user}))
    [note] = sale.notes

    assert user == sale.order.to_dict()["userData"]
    assert f"{note.column}: {note.remark.text}".startswith(said)


def test_nothing_is_cleaned(folder: Folder) -> None:
    """A program writes JSON: what is cleaned in a table is wrong there."""
    user = {
        "email": " a@b.se",
        "birthday": "19.6.1981",
        "gender": "FEMALE",
        "phone": "n/a",
    }
    source = folder.jsonl(
        {"externalOrderId": "A-1", "x": " ", "userData": user}
    )
    [found] = map(source.read, source.records())

    assert [
        "row 1, userData.email: must not have spaces in it",
        "row 1, userData.birthday: must be a date such as 1980-12-31",
        "row 1, userData.gender: must be one of male, female, other",
        "row 1, x: unknown field",
    ] == [each.partition(";")[0] for each in wrong(source)]
    assert ["userData.phone"] == [note.column for note in found.notes]
