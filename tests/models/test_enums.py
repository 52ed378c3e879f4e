"""The words that the guide names."""

from __future__ import annotations

from enum import StrEnum

import pytest

from sesamy_async._models import Gender, PaymentMethod, PaymentProvider


@pytest.mark.parametrize(
    ("enum", "expected"),
    [
        (PaymentProvider, "KLARNA STRIPE BILLOGRAM SESAMY"),
        (PaymentMethod, "BANKGIRO EXTERNAL INVOICE SWISH CARD FREE"),
        (Gender, "male female other"),
    ],
)
def test_values_are_those_of_the_guide(
    enum: type[StrEnum], expected: str
) -> None:
    """An enum has the guide's words, in its order, and is a str."""
    assert expected.split() == [str(member) for member in enum]
