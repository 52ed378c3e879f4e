"""Webhooks are read tolerantly, and compared in constant time."""

from __future__ import annotations

import json
import pickle
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from sesamy_async import ConfigurationError, Secret
from sesamy_async.webhooks import (
    LARGEST_EVENT,
    Event,
    authorized,
    parse_event,
)
from support.canaries import CANARIES, found_in
from support.leaks import told_by


BODY = {
    "eventType": "contract.1#purchased",
    "vendorId": "acme",
    "userId": "u-1",
    "occured_at": "2026-11-29T08:00:00Z",
    "contractId": "c-1",
    "entitlementId": "e-1",
    "checkoutId": "x-1",
}


def test_an_event() -> None:
    """All documented fields are read, and the body is kept."""
    event = parse_event(json.dumps(BODY))

    assert event == Event(
        event_type="contract.1#purchased",
        vendor_id="acme",
        user_id="u-1",
        occurred_at=datetime(2026, 11, 29, 8, tzinfo=UTC),
        contract_id="c-1",
        entitlement_id="e-1",
        checkout_id="x-1",
        raw=BODY,
    )
    assert event == parse_event(json.dumps(BODY).encode())
    assert event == pickle.loads(pickle.dumps(event))  # noqa: S301 - ours


def test_an_event_of_an_unknown_kind() -> None:
    """Unknown types and fields are accepted; wrong ones are None."""
    event = parse_event('{"eventType": "new!", "vendorId": 7, "more": [1]}')

    assert ("new!", None) == (event.event_type, event.vendor_id)
    assert {"eventType": "new!", "vendorId": 7, "more": [1]} == event.raw


# From 3.14 on, Python reads JSON of any depth that fits into an event.
TOO_DEEP = (
    "its JSON is nested too deeply"
    if sys.version_info < (3, 14)
    else "it is not a JSON object"
)


@pytest.mark.parametrize(
    "name", ["occured_at", "occurred_at", "occuredAt", "occurredAt"]
)
def test_each_spelling_of_the_time(name: str) -> None:
    """The time is found under each of its names."""
    body = {"eventType": "a", name: "2026-11-29T09:00:00+01:00"}
    event = parse_event(json.dumps(body))

    zone = timezone(timedelta(hours=1))
    assert datetime(2026, 11, 29, 9, tzinfo=zone) == event.occurred_at


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-29T08:00:00", datetime(2026, 11, 29, 8, tzinfo=UTC)),
        ("yesterday", None),
        (1764403200, None),
    ],
)
def test_a_time_that_is_odd(value: object, expected: object) -> None:
    """Without a zone it is UTC; what is no time is None."""
    body = {"eventType": "a", "occured_at": value}

    assert expected == parse_event(json.dumps(body)).occurred_at


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "its JSON is broken at line 1 column 1: Expecting value"),
        (b"\xff", "its JSON is not UTF-8 at byte 0"),
        ("[" * 30_000 + "]" * 30_000, TOO_DEEP),
        ("[]", "it is not a JSON object"),
        ("{}", "eventType is missing"),
        ('{"eventType": ""}', "eventType is missing"),
        ('{"eventType": 1}', "eventType is missing"),
        (b" " * (LARGEST_EVENT + 1), "it has more than 65536 bytes"),
    ],
)
def test_what_is_no_event(body: Any, why: str) -> None:
    """It is refused, and the reason is named."""
    with pytest.raises(ValueError, match="not an event") as caught:
        parse_event(body)

    assert f"The body is not an event of Sesamy's: {why}." == str(caught.value)


def test_the_largest_event() -> None:
    """A body of just the permitted size is read."""
    text = '{"eventType": "a"}'

    assert "a" == parse_event(text.ljust(LARGEST_EVENT)).event_type


def test_nothing_personal_is_shown() -> None:
    """Neither the repr of an event nor an error shows what came."""
    body = {**BODY, "userId": CANARIES["email"], **CANARIES}
    shown = repr(parse_event(json.dumps(body)))

    assert set() == found_in(shown)
    assert "c-1" in shown
    with pytest.raises(ValueError, match="eventType is missing") as caught:
        parse_event(json.dumps([CANARIES]).replace("[", "").rstrip("]"))
    assert set() == found_in(told_by(caught.value))


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ("Bearer new", True),
        ("Bearer old", True),
        ("Bearer new ", False),
        ("bearer new", False),
        ("Bearer ne", False),
        ("", False),
        (None, False),
        ("Bearer n\xe9w", False),
        ("\ud800", False),
    ],
)
def test_authorized(value: str | None, right: bool) -> None:
    """Each of the secrets is accepted, and nothing else."""
    assert right is authorized(value, ["Bearer new", Secret("Bearer old")])


@pytest.mark.parametrize("secret", ["Bearer x", Secret("Bearer x")])
def test_one_secret(secret: Any) -> None:
    """A single secret need not be in a list, and is no list of letters."""
    assert authorized("Bearer x", secret)
    assert not authorized("B", secret)


@pytest.mark.parametrize("secrets", [[], "", [""], [" x"], ["é"], [None]])
def test_secrets_that_protect_nothing(secrets: Any) -> None:
    """They are refused, for anybody could send events, or nobody."""
    with pytest.raises(ConfigurationError, match="secret"):
        authorized("", secrets)


def test_all_secrets_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time does not tell which of them was right."""
    compared: list[bytes] = []

    def compare(given: bytes, expected: bytes) -> bool:
        compared.append(expected)
        return given == expected

    monkeypatch.setattr("hmac.compare_digest", compare)

    assert authorized("a", ["a", "b"])
    assert [b"a", b"b"] == compared


def test_secrets_do_not_show_in_errors() -> None:
    """A refused secret is not repeated, nor left in the traceback."""
    with pytest.raises(ConfigurationError) as caught:
        authorized("x", [CANARIES["secret"], "öl"])

    assert set() == found_in(told_by(caught.value))
