"""Which numbers a setting may have."""

from __future__ import annotations

import sys

import pytest

from sesamy_async import ConfigurationError
from sesamy_async._checks import check_number


LARGEST = sys.float_info.max


@pytest.mark.parametrize("value", [0, 1.5, LARGEST])
def test_possible(value: float) -> None:
    """Any finite number is, the largest one too."""
    assert float(value) == check_number("x", value)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-(2**64) + 1, "-18446744073709551615"),
        (-(2**64), "one of too many digits"),
        (10**400, "one of too many digits"),
        (float("inf"), "inf"),
    ],
)
def test_impossible(value: float, shown: str) -> None:
    """What is refused is shown, if it is short."""
    with pytest.raises(ConfigurationError) as caught:
        check_number("x", value)

    assert (
        f"x must be a finite number, at least 0; got {shown}."
        == caught.value.args[0]
    )
