"""Reasons of the Python API become words for people who do not program."""

from __future__ import annotations

import pytest

from sesamy_async.bulk._words import plain_reason


@pytest.mark.parametrize(
    ("reason", "plain"),
    [
        ("expected str, got int", "must be text, in quotation marks"),
        (
            "expected str, got int (the key)",
            "must be text, in quotation marks (the name of the field)",
        ),
        ("must be a str, got int", "must be text, in quotation marks"),
        ("expected int, got str", "must be a whole number such as 1"),
        (
            "must be an ISO 8601 date such as 1980-12-31",
            "must be a date such as 1980-12-31",
        ),
        (
            "a time of day needs a UTC offset",
            (
                "has a time of day without a time zone; it must be a date "
                "such as 1980-12-31"
            ),
        ),
        (
            "must be an object, got list",
            "must be a group of fields, in braces { }",
        ),
        ("required", "is missing"),
        (
            "required, because no promo code is given for the whole file",
            "is missing, and no promo code is given for the whole file",
        ),
        (
            "unknown field; did you mean email?",
            "is not the name of a field; did you mean email?",
        ),
        (
            "not JSON: broken at column 3: Expecting value",
            "is not complete: it is broken at column 3: Expecting value",
        ),
        ("must be at least 1", "must be at least 1"),
        ("unknown word", "unknown word"),
    ],
)
def test_plain(reason: str, plain: str) -> None:
    """No reason names a type or a standard; a plain one stays as it is."""
    once = plain_reason(reason)

    assert plain == once
    assert plain == plain_reason(once)
