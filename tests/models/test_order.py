"""An order that is built in Python is checked, and names every problem."""

from __future__ import annotations

import copy
import inspect
import math
import pickle
from datetime import date
from types import MappingProxyType
from typing import Any

import attrs
import pytest

from sesamy_async._models import (
    Address,
    BusinessDetails,
    NewContract,
    PaymentProvider,
    User,
)
from sesamy_async._outcome import Outcome
from sesamy_async._payloads import encode_order
from sesamy_async.errors import InvalidRequestError


def test_only_the_order_id_is_required() -> None:
    """What is not given is not sent."""
    order = NewContract(external_order_id="A-1")

    assert order.to_json() == '{"externalOrderId":"A-1"}'


def test_everything_wrong_is_named_at_once() -> None:
    """One error names every wrong field."""
    build: Any = NewContract
    with pytest.raises(InvalidRequestError) as caught:
        build(
            external_order_id=" ",
            payment_provider="",
            payment_method=5,
            quantity=0,
            vendor_data={"a": 1, "b": "x", "c": None},
            provider_data=[],
            user_data={"email": "a@example.com"},
            owner_data=Address(),
        )

    assert caught.value.problems == (
        "externalOrderId: must not be blank",
        "paymentProvider: must not be blank",
        "paymentMethod: must be text, in quotation marks",
        "quantity: must be at least 1, got 0",
        "vendorData.a: must be text, in quotation marks",
        "vendorData.c: must be text, in quotation marks",
        "providerData: must be a group of fields, in braces { }",
        "userData: expected User, got dict",
        "ownerData: expected User, got Address",
    )


def test_the_error_names_the_order() -> None:
    """It also says what is wrong, and that nothing was sent."""
    with pytest.raises(InvalidRequestError) as caught:
        attrs.evolve(NewContract(external_order_id="A-1"), quantity=0)

    error = caught.value
    assert error.args[0] == (
        "NewContract has 1 problem: quantity: must be at least 1, got 0."
    )
    assert error.external_order_id == "A-1"
    assert error.outcome is Outcome.NOT_SENT
    assert isinstance(error, ValueError)


@pytest.mark.parametrize("order_id", ["", None, 5, "\ud800"])
def test_an_unusable_order_id_is_not_repeated(order_id: Any) -> None:
    """The error has no order id then."""
    with pytest.raises(InvalidRequestError) as caught:
        NewContract(external_order_id=order_id)

    assert caught.value.external_order_id is None
    assert len(caught.value.problems) == 1


def test_the_message_is_cut_after_fifty_problems() -> None:
    """`problems` has them all."""
    with pytest.raises(InvalidRequestError) as caught:
        User(extra_data={"list": [math.nan] * 1000})

    assert len(caught.value.problems) == 1000
    assert caught.value.args[0].endswith("; and 950 more.")


def test_a_missing_or_unknown_argument_is_a_type_error() -> None:
    """Arguments are checked as for any other class."""
    build: Any = NewContract
    with pytest.raises(TypeError, match="external_order_id"):
        build()
    with pytest.raises(TypeError, match="emial"):
        build(external_order_id="A-1", emial="x")

    assert "emial" not in inspect.signature(User).parameters
    assert "email" in inspect.signature(User).parameters


def test_an_order_shares_no_mappings() -> None:
    """They are copied on the way in and on the way out."""
    vendor_data = {"a": "b"}
    extra_data: dict[str, Any] = {
        "list": [{"x": 1}],
        "tuple": (1, MappingProxyType({})),
    }
    user = User(extra_data=extra_data)
    order = NewContract(
        external_order_id="A-1",
        vendor_data=vendor_data,
        provider_data=MappingProxyType(vendor_data),
        user_data=user,
    )
    before = order.to_json()
    vendor_data["a"] = "changed"
    extra_data["list"][0]["x"] = 2
    data = order.to_dict()
    data["vendorData"]["a"] = "changed"
    data["userData"]["extraData"]["list"].append(3)

    assert before == order.to_json()
    assert '"extraData":{"list":[{"x":1}],"tuple":[1,{}]}' in before


def test_orders_are_values() -> None:
    """They are frozen, compare by value, have a hash, and can be pickled."""
    one, other = (
        NewContract(
            external_order_id="A-1",
            payment_provider="KLARNA",
            vendor_data={"a": "b"},
            user_data=User(
                birthday=date(1980, 1, 1), extra_data={"a": [1, {"b": None}]}
            ),
        )
        for _ in range(2)
    )
    field: Any = "quantity"
    again = pickle.loads(pickle.dumps(one))  # noqa: S301 - our own

    assert one == other == again == copy.deepcopy(one) == copy.copy(one)
    assert hash(one) == hash(other)
    assert one != attrs.evolve(one, quantity=2)
    assert again.payment_provider is PaymentProvider.KLARNA
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(one, field, 2)


def test_repr_shows_nothing_personal() -> None:
    """It may stand in a log."""
    address = Address(city="CANARY", co="CANARY")
    user = User(email="CANARY@example.com", address=address)
    business = BusinessDetails(vat_nr="CANARY")
    order = NewContract(
        external_order_id="A-1",
        payment_provider="KLARNA",
        quantity=2,
        vendor_data={"CANARY": "CANARY"},
        user_data=user,
    )

    assert repr(order) == (
        "NewContract(external_order_id='A-1', "
        "payment_provider=<PaymentProvider.KLARNA: 'KLARNA'>, "
        "payment_method=None, quantity=2)"
    )
    assert repr(user) == "<User with email, address>"
    assert repr(address) == "<Address with city, co>"
    assert repr(business) == "<BusinessDetails with vat_nr>"
    assert repr(User()) == "<User with nothing>"


@pytest.mark.parametrize("value", [{"externalOrderId": "A-1"}, None, "A-1"])
def test_only_an_order_is_encoded(value: Any) -> None:
    """The error says how to make one."""
    with pytest.raises(InvalidRequestError, match="from_dict") as caught:
        encode_order(value)

    kind = type(value).__name__
    assert f"must be a NewContract, got {kind}; " in str(caught.value)


@pytest.mark.parametrize("loop", [False, True])
def test_an_order_that_was_changed_is_refused(loop: bool) -> None:
    """Its inner mappings are not frozen."""
    user = User(extra_data={"a": {}})
    extra_data: Any = user.extra_data
    extra_data["a"]["b"] = extra_data if loop else math.nan
    order = NewContract(external_order_id="A-1", user_data=user)

    with pytest.raises(InvalidRequestError, match="changed after") as caught:
        encode_order(order)
    assert caught.value.__context__ is None


def test_a_subclass_is_an_order() -> None:
    """It is sent as an order, and checked like one."""

    class Mine(NewContract):
        """A caller's own."""

    assert encode_order(Mine(external_order_id="A")) == (
        b'{"externalOrderId":"A"}'
    )
    with pytest.raises(InvalidRequestError, match="Mine has 1 problem"):
        Mine(external_order_id="")
