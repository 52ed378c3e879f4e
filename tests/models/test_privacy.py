"""The error of an order holds no personal data."""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from sesamy_async._models import (
    Address,
    BusinessDetails,
    NewContract,
    PaymentMethod,
    User,
)
from sesamy_async._models.json import read_data
from sesamy_async._payloads import encode_order
from sesamy_async.errors import InvalidRequestError
from support.leaks import told_by


CANARY = "CANARY"
FULL: dict[str, Any] = {
    "externalOrderId": "A-1",
    "quantity": 0,
    "vendorData": {"a": CANARY, "b": [CANARY]},
    "userData": {
        "email": CANARY,
        "fullName": {"a": CANARY},
        "phone": CANARY,
        "gender": [CANARY],
        "birthday": CANARY,
        "address": {"zip": [CANARY], "city": CANARY},
        "businessDetails": CANARY,
        "extraData": {"a": [CANARY, CANARY.encode()], "b": CANARY + "\ud800"},
    },
    "ownerData": [CANARY],
    "other": CANARY,
}
TEXT = json.dumps({"externalOrderId": "A-1", "phone": CANARY})
build: Any = NewContract
user: Any = User


def changed() -> NewContract:
    """Return an order that became invalid after its check."""
    payer = User(phone=CANARY, extra_data={"a": {"x": CANARY}})
    data: Any = payer.extra_data
    data["a"]["y"] = math.nan
    return NewContract(external_order_id="A-1", user_data=payer)


ATTEMPTS: dict[str, Callable[[], object]] = {
    "dict": lambda: NewContract.from_dict(FULL),
    "list": lambda: NewContract.from_dict([CANARY]),  # type: ignore[arg-type]
    "json": lambda: NewContract.from_json(TEXT),
    "bytes": lambda: NewContract.from_json(TEXT.encode()),
    "by name": lambda: NewContract.from_dict(
        {"user_data": {"phone": [CANARY], "fullName": CANARY}},
        by="name",
    ),
    "strict": lambda: NewContract.from_dict(
        {"externalOrderId": "A", "paymentMethod": f"CARD {CANARY}"},
        strict=True,
    ),
    "encode strictly": lambda: encode_order(
        NewContract(external_order_id="A", user_data=User(gender=CANARY)),
        strict=True,
    ),
    "broken": lambda: NewContract.from_json(TEXT[:-1]),
    "latin-1": lambda: NewContract.from_json(TEXT.encode() + b"\xf6"),
    "deep": lambda: NewContract.from_json(f'["{CANARY}",' + "[" * 100_000),
    "digits": lambda: NewContract.from_json(f'["{CANARY}",{"9" * 5000}]'),
    "repeated": lambda: NewContract.from_json(f'{{"phone":"{CANARY}",' * 2),
    "no text": lambda: NewContract.from_json([CANARY]),  # type: ignore[arg-type]
    "user": lambda: user(email=CANARY, phone=[CANARY], gender=CANARY),
    "user's words": lambda: user(gender=[CANARY], full_name=CANARY),
    "address": lambda: Address(zip=CANARY, city=5),  # type: ignore[arg-type]
    "business": lambda: BusinessDetails(vat_nr=[CANARY]),  # type: ignore[arg-type]
    "order": lambda: build(
        external_order_id=[CANARY],
        payment_provider={CANARY: 1},
        payment_method=PaymentMethod.CARD,
        vendor_data={"a": CANARY},
        user_data={"email": CANARY},
    ),
    "unknown argument": lambda: user(phone=CANARY, emial=CANARY),
    "missing argument": lambda: build(vendor_data={"a": CANARY}),
    "positional": lambda: user(CANARY),
    "encode a dict": lambda: encode_order(FULL),  # type: ignore[arg-type]
    "encode a changed order": lambda: encode_order(changed()),
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_no_error_holds_a_value(attempt: str) -> None:
    """Neither its message, its pickle, its chain nor the locals do."""
    with pytest.raises((InvalidRequestError, TypeError)) as caught:
        ATTEMPTS[attempt]()

    error = caught.value
    assert CANARY not in told_by(error)
    assert CANARY.encode() not in pickle.dumps(error)
    assert error.__cause__ is None
    assert error.__context__ is None


def test_the_helper_of_these_tests_sees_our_frames() -> None:
    """They would find a leak: this function is not guarded."""
    with pytest.raises(InvalidRequestError) as caught:
        read_data(NewContract, {"externalOrderId": [CANARY]})

    assert CANARY in told_by(caught.value)
