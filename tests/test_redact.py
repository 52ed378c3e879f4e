"""Blotting out in Sesamy's words what was sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sesamy_async.core.redact import redact


SENT = json.dumps(
    {
        "externalOrderId": "order-1",
        "userData": {
            "email": "kim@example.se",
            "fullName": "Kim Å",
            "tags": ["vän", 7, "ab"],
        },
    }
).encode()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("KIM@example.se is wrong", "*** is wrong"),
        ("Kim Å is wrong", "*** is wrong"),
        ("vän is wrong", "*** is wrong"),
        ("ab is wrong", "ab is wrong"),
        ("order-1 is wrong", "order-1 is wrong"),
        ("other@example.org is wrong", "*** is wrong"),
        (["Kim Å", {"Kim Å": "Kim Å"}, 5], ["***", {"***": "***"}, 5]),
        (None, None),
    ],
)
def test_redact(said: Any, expected: Any) -> None:
    """Personal strings that were sent, and any address, are blotted out."""
    assert expected == redact(said, SENT)


@pytest.mark.parametrize("sent", [b"", b"a=b", b"[]", b"\xff"])
def test_nothing_sent(sent: bytes) -> None:
    """Where no JSON was sent there is nothing to look for."""
    assert "wrong" == redact("wrong", sent)
