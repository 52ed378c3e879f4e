"""A contract shows every documented field, and nothing personal."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime

from sesamy_async._models import (
    Contract,
    ContractItem,
    Discount,
    Onboarded,
    PaymentData,
)
from sesamy_async._wire import contract_of
from support.contracts import FULL, read


def test_every_documented_field_is_read() -> None:
    """All fields of Sesamy's contracts have their attribute."""
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


def test_repr_shows_nothing_personal() -> None:
    """The repr of a contract and its parts may stand in a log."""
    contract = contract_of(FULL)
    assert contract is not None
    shown = repr((Onboarded(contract=contract), contract.payment_data))

    assert shown == (
        "(Onboarded(contract=Contract("
        "id='1d78271264b9c76d5842911dd70b4353', name='Dagbladet Helg', "
        "status='ACTIVE', is_active=True), strays=0), "
        "PaymentData(method='CARD', brand='visa'))"
    )


def test_raw_counts_neither_for_equality_nor_for_the_hash() -> None:
    """Contracts that show the same are the same."""
    one, other = read(traceId=1), read(traceId=[2])

    assert one == other
    assert hash(one) == hash(other)


def test_a_contract_can_be_pickled_and_copied() -> None:
    """A contract goes between processes whole."""
    contract = contract_of(FULL)
    assert contract is not None
    again = pickle.loads(pickle.dumps(contract))  # noqa: S301 - our own

    assert contract == again == copy.deepcopy(contract)
    assert contract.raw == again.raw


def test_what_json_gives_is_read() -> None:
    """A whole answer walks from its text to the contract."""
    contract = contract_of(json.loads(json.dumps(FULL)))

    assert contract_of(FULL) == contract
