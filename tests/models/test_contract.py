"""An answer with an id becomes a contract."""

from __future__ import annotations

import copy
import json
import math
import pickle
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sesamy_async import Call, Headers, Request, Response
from sesamy_async._call.codec import Codec
from sesamy_async._models import (
    Contract,
    ContractItem,
    Discount,
    Onboarded,
    PaymentData,
)
from sesamy_async._payloads import (
    contract_of,
    read_confirmed,
    read_created,
)
from support.codecs import with_either


FULL: dict[str, Any] = {
    "id": "1d78271264b9c76d5842911dd70b4353",
    "name": "Dagbladet Helg",
    "userId": "auth2|123",
    "createdAt": "2025-01-02T03:04:05.678Z",
    "updatedAt": "2025-01-02T04:04:05+01:00",
    "price": 99.5,
    "nextBillAt": "2025-02-02",
    "nextPrice": 199,
    "currency": "SEK",
    "manageUrl": "https://example.com/manage",
    "contractDuration": "RECURRING",
    "issuesRemaining": 12,
    "items": [
        {
            "sku": "helg",
            "name": "Helg",
            "purchaseOptionId": "o1",
            "purchaseOptionName": "Månad",
            "cover": "https://example.com/a.png",
            "purchaseType": "OWN",
        }
    ],
    "status": "ACTIVE",
    "isActive": True,
    "recurringInterval": "MONTH",
    "recurringTime": 1,
    "willCancelAt": None,
    "cancelRequestedAt": "2025-01-05T00:00:00",
    "expiresAt": "2026-01-02T03:04:05Z",
    "paymentData": {"method": "CARD", "description": "1234", "brand": "visa"},
    "appliedDiscounts": [
        {"code": "VÅR", "name": "Vår", "description": "d", "id": "d1"}
    ],
}
ANY_TEXT = st.text(st.characters(codec=None))
NUMBERS = st.builds(
    Decimal.scaleb,
    st.integers(1 - 10**15, 10**15 - 1).map(Decimal),
    st.integers(-20, 20),
)
TIMES = st.datetimes(timezones=st.none() | st.timezones()).map(str)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**4000), math.nan, math.inf])
    | st.floats()
    | ANY_TEXT
    | TIMES
)
ANY_JSON = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            ANY_TEXT | st.sampled_from([*FULL, "_id", "raw", "sku", "data"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=25,
)


def read(**fields: Any) -> Contract:
    """Return the contract in an answer with these fields."""
    contract = contract_of({"id": "c1", **fields})
    assert contract is not None
    return contract


def test_every_documented_field_is_read() -> None:
    """Each has its attribute."""
    contract = contract_of(FULL)

    second = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert contract == Contract(
        id="1d78271264b9c76d5842911dd70b4353",
        name="Dagbladet Helg",
        user_id="auth2|123",
        created_at=second.replace(microsecond=678000),
        updated_at=second,
        price=99.5,
        next_bill_at=datetime(2025, 2, 2, tzinfo=UTC),
        next_price=199,
        currency="SEK",
        manage_url="https://example.com/manage",
        contract_duration="RECURRING",
        issues_remaining=12,
        items=(
            ContractItem(
                sku="helg",
                name="Helg",
                purchase_option_id="o1",
                purchase_option_name="Månad",
                cover="https://example.com/a.png",
                purchase_type="OWN",
            ),
        ),
        status="ACTIVE",
        is_active=True,
        recurring_interval="MONTH",
        recurring_time=1,
        will_cancel_at=None,
        cancel_requested_at=datetime(2025, 1, 5, tzinfo=UTC),
        expires_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        payment_data=PaymentData(
            method="CARD", description="1234", brand="visa"
        ),
        applied_discounts=(
            Discount(code="VÅR", name="Vår", description="d", id="d1"),
        ),
    )
    assert contract.raw is FULL


def test_to_dict_is_what_was_read() -> None:
    """With Sesamy's names; times in UTC are in ISO 8601."""
    contract = contract_of({**FULL, "price": 99.0, "traceId": 1}, ANSWER)
    assert contract is not None
    data = contract.to_dict()
    times = {
        "createdAt": "2025-01-02T03:04:05.678000+00:00",
        "nextBillAt": "2025-02-02T00:00:00+00:00",
        "cancelRequestedAt": "2025-01-05T00:00:00+00:00",
        "expiresAt": "2026-01-02T03:04:05+00:00",
    }
    known = {it: FULL[it] for it in FULL if FULL[it] is not None}

    assert data == {**known, "price": 99.0, **times}
    assert list(data) == list(known)
    assert json.loads(json.dumps(data)) == data
    assert contract_of(data) == contract


def test_to_dict_leaves_out_what_was_not_read() -> None:
    """Such as items that are no objects."""
    contract = read(items=["x"], paymentData={}, isActive=False, price=0)

    assert contract.to_dict() == {"id": "c1", "isActive": False, "price": 0}


@settings(max_examples=30)
@given(st.dictionaries(st.sampled_from([*FULL]), ANY_JSON))
def test_to_dict_is_json_whatever_was_answered(fields: dict[str, Any]) -> None:
    """It is read as an equal contract."""
    contract = read(**{**fields, "id": "c1"})

    assert json.loads(json.dumps(contract.to_dict())) == contract.to_dict()


@with_either
@given(NUMBERS)
@example(Decimal("99.90"))
@example(Decimal("1e2"))
@example(Decimal("0.1"))
@example(Decimal("-0.30"))
@example(Decimal("12345678901234.5"))
def test_a_decimal_is_what_the_wire_said(
    either: Codec, number: Decimal
) -> None:
    """It is exact up to 15 digits, with either parser."""
    answer = either.loads(f'{{"id":"c1","price":{number}}}'.encode())
    contract = contract_of(answer)
    assert contract is not None

    assert contract.price_decimal == number
    assert contract.next_price_decimal is None


def test_a_price_that_is_a_whole_number_is_exact() -> None:
    """It has any number of digits."""
    contract = read(price=10**5000 + 1, nextPrice=199)

    assert contract.price_decimal == 10**5000 + 1
    assert str(contract.next_price_decimal) == "199"


ANSWER = Response(
    status_code=201,
    headers=Headers(
        {"X-Request-Id": "req-1", "Set-Cookie": "CANARY", "X-Mail": "a@b"}
    ),
    content=b'{"id":"c1","name":"CANARY"}',
)
CALL = Call(
    operation="contracts.confirm",
    request=Request(method="POST", url="https://x.test"),
    deadline=1.0,
    timeout=1.0,
    contract_id="c1",
)


@pytest.mark.parametrize("body", [b'{"id":"c1","response":1}', b"{}", b""])
def test_a_contract_has_its_answer(body: bytes) -> None:
    """Also one of which the answer says nothing."""
    answer = attrs.evolve(ANSWER, content=body)
    contract = read_confirmed(CALL, answer)

    assert contract == Contract(id="c1")
    assert contract.response is answer
    assert contract.response.request_id == "req-1"
    assert read_created(CALL, ANSWER).response is ANSWER
    assert read(response=5).response is None


def test_an_answer_is_copied_with_its_contract() -> None:
    """And shown nowhere."""
    contract = contract_of(FULL, ANSWER)
    assert contract is not None
    again = pickle.loads(pickle.dumps(contract))  # noqa: S301 - our own

    for each in (again, copy.copy(contract), copy.deepcopy(contract)):
        assert each == contract
        assert each.response == ANSWER
        assert "CANARY" not in repr((each, each.response))
    data = attrs.asdict(contract)
    assert data["response"]["status_code"] == 201
    assert data["items"][0]["sku"] == "helg"


@pytest.mark.parametrize("price", [99, -1, 10**400])
def test_a_whole_number_is_a_price(price: int) -> None:
    """It stays an integer, even if it is too large for a float."""
    assert price == read(price=price).price


def test_repr_shows_nothing_personal() -> None:
    """It may stand in a log."""
    contract = contract_of(FULL)
    assert contract is not None
    shown = repr((Onboarded(contract=contract), contract.payment_data))

    assert shown == (
        "(Onboarded(contract=Contract("
        "id='1d78271264b9c76d5842911dd70b4353', name='Dagbladet Helg', "
        "status='ACTIVE', is_active=True), strays=0, repeated=False), "
        "PaymentData(method='CARD', brand='visa'))"
    )


def test_contracts_are_values() -> None:
    """They compare and hash without `raw`, and can be pickled and copied."""
    contract = contract_of(FULL)
    assert contract is not None
    other = contract_of({**FULL, "traceId": [2]})
    again = pickle.loads(pickle.dumps(contract))  # noqa: S301 - our own

    assert contract == other == again == copy.deepcopy(contract)
    assert hash(contract) == hash(other)
    assert contract.raw == again.raw


@pytest.mark.parametrize(
    ("name", "attribute", "values"),
    [
        ("name", "name", [5, ["a"]]),
        ("price", "price", ["99", True, math.nan, math.inf]),
        ("issuesRemaining", "issues_remaining", [1.5, False, "1"]),
        ("isActive", "is_active", [1, "true"]),
        ("paymentData", "payment_data", ["CARD", []]),
        ("createdAt", "created_at", [1712120510, 1712120510.5, True, ""]),
        ("createdAt", "created_at", ["1712120510123", "soon", "2025-02-30"]),
        ("createdAt", "created_at", ["2025-01-01T25:00:00Z"]),
        ("createdAt", "created_at", ["2025-01-01T00:00:00+99:00"]),
        ("createdAt", "created_at", ["2025-01-01\ud800"]),
        ("createdAt", "created_at", [f"2025-01-01T00:00:00.{'0' * 40}Z"]),
    ],
    ids=range(11),
)
def test_the_unexpected_is_none_and_stays_in_raw(
    name: str, attribute: str, values: list[Any]
) -> None:
    """So is any field of the wrong type."""
    for value in values:
        contract = read(**{name: value})

        assert getattr(contract, attribute) is None
        assert contract.raw[name] is value


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (None, ()),
        ({}, ()),
        ("abc", ()),
        ([], ()),
        (
            [{"sku": "a"}, None, 5, "b", [], {"sku": 5}],
            (ContractItem(sku="a"), ContractItem()),
        ),
    ],
)
def test_unexpected_elements_are_dropped(items: Any, expected: Any) -> None:
    """Only objects are kept."""
    assert expected == read(items=items).items


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-01-02T03:04:05Z", datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2025-01-02T03:04:05", datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2025-01-02 03:04", datetime(2025, 1, 2, 3, 4, tzinfo=UTC)),
        ("2025-01-02", datetime(2025, 1, 2, tzinfo=UTC)),
        (
            "2025-01-02T03:04:05.123456789Z",
            datetime(2025, 1, 2, 3, 4, 5, 123456, tzinfo=UTC),
        ),
        (
            "0001-01-01T00:00:00+23:59",
            datetime(
                1, 1, 1, tzinfo=timezone(timedelta(hours=23, minutes=59))
            ),
        ),
    ],
)
def test_times_are_aware(text: str, expected: datetime) -> None:
    """A time without an offset is read as UTC, a date as midnight."""
    read_time = read(createdAt=text).created_at

    assert read_time is not None
    assert read_time.tzinfo is not None
    assert expected == read_time


@settings(max_examples=30)
@given(ANY_JSON, st.dictionaries(st.sampled_from([*FULL, "raw"]), ANY_JSON))
def test_any_answer_is_read(data: Any, fields: dict[str, Any]) -> None:
    """With an id it is a contract, whatever else it holds."""
    other = contract_of(data)
    answer = {**fields, "data": data, "id": "c1"}
    contract = contract_of(answer)

    assert other is None or other.id
    assert contract is not None
    assert contract.id == "c1"
    assert contract.raw is answer
    assert repr(contract)
    assert contract == contract_of(answer)
    assert hash(contract) == hash(contract_of(answer))


def test_a_thousand_items_are_read() -> None:
    """More would take long."""
    contract = read(items=[{"id": str(n)} for n in range(1_001)])

    assert 1_000 == len(contract.items)
    assert 1_001 == len(contract.raw["items"])
