"""Each line of JSON Lines is an order, or all that is wrong is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sesamy_async.bulk import InputFileError, Mistaken
from sesamy_async.bulk.reading import open_source
from support.order_files import Folder, orders, sales, wrong


ORDER: dict[str, Any] = {
    "externalOrderId": "A-1",
    "paymentProvider": "KLARNA",
    "paymentMethod": "CARD",
    "quantity": 1,
    "vendorData": {"kampanj": "vår"},
    "userData": {
        "email": "åsa@example.com",
        "fullName": None,
        "birthday": "1980-05-17",
        "address": {"city": "Växjö"},
        "extraData": {"crm": {"id": 17, "vip": True}},
    },
    "ownerData": None,
}
SENT: dict[str, Any] = {
    "externalOrderId": "A-1",
    "paymentProvider": "KLARNA",
    "paymentMethod": "CARD",
    "quantity": 1,
    "vendorData": {"kampanj": "vår"},
    "userData": {
        "email": "åsa@example.com",
        "birthday": "1980-05-17",
        "address": {"city": "Växjö"},
        "extraData": {"crm": {"id": 17, "vip": True}},
    },
}


def test_a_line_is_an_order(folder: Folder) -> None:
    """A line holds what is sent, in Sesamy's own names."""
    source = folder.jsonl(json.dumps(ORDER, ensure_ascii=False))

    assert [SENT] == orders(source)
    assert () == source.header
    assert "orders.jsonl" == source.name


def test_escaped_text_is_text(folder: Folder) -> None:
    """Letters and emoji may be escaped."""
    text = json.dumps({**ORDER, "vendorData": {"å": "😀"}})
    [order] = orders(folder.jsonl(text))

    assert {"å": "😀"} == order["vendorData"]


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
    line = {
        "#row": 17,
        "#reason": ["x"],
        **ORDER,
        "promoCode": "VÅR/1",
        "vendorId": "acme",
    }
    [sale] = sales(folder.jsonl(line))

    assert ("VÅR/1", "acme") == (sale.promo_code, sale.vendor_id)
    assert SENT == sale.order.to_dict()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("[1]", "row 1: must be an object, got list"),
        ("1", "row 1: must be an object, got int"),
        ("null", "row 1: must be an object, got None"),
        ('{"a" 1}', "row 1: no JSON: broken at column 6"),
        ("{}", "row 1, externalOrderId: required"),
        ('{"externalOrderId": null}', "row 1, externalOrderId: required"),
        ('{"externalOrderId": " A"}', "row 1, externalOrderId: must not beg"),
        ('{"externalOrderId": 5}', "row 1, externalOrderId: expected str"),
    ],
)
def test_lines_without_an_order(
    folder: Folder, line: str, problem: str
) -> None:
    """What is no order is told by its line, and nothing else is read."""
    source = folder.jsonl(ORDER, line)
    [_, found] = [source.read(record) for record in source.records()]
    [told] = wrong(source)

    assert told.startswith(problem.replace("row 1", "row 2"))
    assert isinstance(found, Mistaken)
    assert found.external_order_id is None


@pytest.mark.parametrize(
    ("member", "problem"),
    [
        ('"quantity": -5', "quantity: must be at least 1"),
        ('"quantity": "1"', "quantity: expected int, got str"),
        ('"paymentProvider": "VIPPS"', "paymentProvider: must be one of"),
        ('"paymentProvider": ""', "paymentProvider: must not be blank"),
        ('"ownerData": []', "ownerData: expected an object, got list"),
        ('"ownerData": {"gender": "x"}', "ownerData.gender: must be one of"),
        ('"ownerData": {"mail": "x"}', "ownerData.mail: unknown field"),
        ('"ownerData": {"phone": 5}', "ownerData.phone: expected str"),
        ('"ownerData": {"phone": "\\ud800"}', "ownerData.phone: has a lone"),
        ('"ownerData": {"co": 1, "co": 2}', "ownerData.co: unknown field"),
        ('"vendorData": {"a": 1}', "vendorData.a: expected str, got int"),
        ('"vendorData": {"a": "", "a": ""}', "vendorData.a: given more"),
        ('"promoCode": "."', "promoCode: must be an id; it is empty"),
        ('"promoCode": 5', "promoCode: expected str, got int"),
        ('"vendorId": "a", "vendorId": "b"', "vendorId: given more than"),
        ('"quantity": 1, "quantity": 2', "quantity: given more than once"),
    ],
)
def test_wrong_members(folder: Folder, member: str, problem: str) -> None:
    """What is wrong is told by line and path, with the order's id."""
    source = folder.jsonl(f'{{"externalOrderId": "A-1", {member}}}')
    [found] = [source.read(record) for record in source.records()]

    assert wrong(source)[0].startswith(f"row 1, {problem}")
    assert isinstance(found, Mistaken)
    assert "A-1" == found.external_order_id


def test_unknown_words_may_be_allowed(folder: Folder) -> None:
    """Sesamy may know more words than its guide."""
    source = folder.jsonl(
        {**ORDER, "paymentMethod": "VIPPS"}, allow_unknown=True
    )

    assert ["VIPPS"] == [each["paymentMethod"] for each in orders(source)]


def test_a_line_has_an_end(folder: Folder) -> None:
    """What is longer than any order is not kept in memory."""
    source = folder.jsonl(ORDER)
    folder.write("x" * 1_000_001, "orders.jsonl")

    with pytest.raises(InputFileError, match=r"orders\.jsonl, row 1: it has"):
        [*source.records()]


def test_an_array_is_no_json_lines(folder: Folder) -> None:
    """Who has one array is told to write lines."""
    path = folder.write(json.dumps([ORDER]), "orders.json")

    with pytest.raises(InputFileError, match=r"orders\.json is a JSON array"):
        open_source(path)


@pytest.mark.parametrize("content", ["\ufeff", "\n \n", ""])
def test_no_orders(folder: Folder, content: str) -> None:
    """A file without orders is a mistake."""
    path = folder.write(content, "orders.jsonl")

    with pytest.raises(InputFileError, match=r"orders.jsonl (is empty|has)"):
        open_source(path)
