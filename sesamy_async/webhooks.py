"""Webhooks: the events that Sesamy posts, without a web framework.

`sesamy_async.fastapi.webhooks` is a route that uses this.  In any other
framework, three steps are needed: refuse a request that is not `authorized`
(401), refuse one that `parse_event` can't read (400), and answer 5xx if
handling the event failed, so that Sesamy sends it again.
"""

# Without `from __future__ import annotations`: see `_models/order.py`.

import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import attrs

from ._call import Secret, guarded
from ._headers import is_header_value
from ._models import CONVERTER, is_mapping, parse
from .errors import ConfigurationError


__all__ = ["LARGEST_EVENT", "Event", "authorized", "parse_event"]

LARGEST_EVENT = 2**16
"""Bytes of an event that is read; Sesamy's have a few hundred."""

Verifier: TypeAlias = Callable[[Mapping[str, str], bytes], bool]
"""Whether a request comes from Sesamy, by its headers (in lower case) and
its body.  A scheme of signatures, once Sesamy documents one, is another."""


@attrs.frozen(kw_only=True)
class Event:
    """Something that happened at Sesamy.

    It is small, and not signed: fetch what it is about.  It has no id, and
    may come more than once and in any order, so handling it must be
    idempotent.

    Attributes:
        event_type: Such as ``"contract.1#purchased"``; there may be types
            that no documentation names.
        vendor_id: The publisher.
        user_id: The user at Sesamy.
        occurred_at: When it happened, with a time zone; UTC if Sesamy gave
            none.
        contract_id: The contract that it is about.
        entitlement_id: The entitlement that it is about.
        checkout_id: The checkout that it is about.
        raw: The event as it was received.
    """

    event_type: str
    vendor_id: str | None = None
    user_id: str | None = attrs.field(default=None, repr=False)
    occurred_at: datetime | None = None
    contract_id: str | None = None
    entitlement_id: str | None = None
    checkout_id: str | None = None
    raw: Mapping[str, Any] = attrs.field(
        factory=dict[str, Any], repr=False, hash=False
    )


@guarded
def parse_event(body: str | bytes) -> Event:
    """Read the body of a webhook.

    Unknown types of events and unknown fields are accepted, and so are
    known fields of a wrong type, which are then None.

    Args:
        body: The JSON document; bytes are UTF-8.

    Raises:
        ValueError: It is larger than `LARGEST_EVENT`, not a JSON object, or
            has no ``eventType``.  The message does not repeat any of it.
    """
    if len(body) > LARGEST_EVENT:
        raise _no_event(f"it has more than {LARGEST_EVENT} bytes")
    data, problem = parse(body)
    if problem is not None:
        raise _no_event(f"its JSON is {problem}")
    if not is_mapping(data):
        raise _no_event("it is not a JSON object")
    event_type = data.get("eventType")
    if not isinstance(event_type, str) or not event_type:
        raise _no_event("eventType is missing")
    times = (data[name] for name in _TIMES if name in data)
    fields = {**data, "occurredAt": next(times, None), "raw": data}
    return CONVERTER.structure(fields, Event)


# D spells it with one "r", and is the only one with an underscore.
_TIMES = ("occured_at", "occurred_at", "occuredAt", "occurredAt")


def _no_event(why: str) -> ValueError:
    return ValueError(f"The body is not an event of Sesamy's: {why}.")


@guarded
def authorized(
    value: str | None, secrets: str | Secret | Sequence[str | Secret]
) -> bool:
    """Whether the Authorization header of a webhook has a right value.

    The time that it takes says nothing of the secrets but their lengths.

    Args:
        value: The header's whole value; None if it is missing.
        secrets: The values that are accepted: what is set at Sesamy, such
            as ``"Bearer 4f0c..."``.  Give two while you change it.

    Raises:
        ConfigurationError: There is no secret, or one is not printable
            ASCII.
    """
    return _matches(value, _expected(secrets))


def _expected(
    secrets: str | Secret | Sequence[str | Secret],
) -> tuple[bytes, ...]:
    """Return the values to compare with."""
    if isinstance(secrets, str | Secret):
        secrets = [secrets]
    given = [Secret(each).reveal() for each in secrets]
    if not given:
        raise ConfigurationError(
            "webhooks: give at least one secret, or anybody could send events."
        )
    if not all(map(is_header_value, given)):
        raise ConfigurationError(
            "webhooks: a secret must be non-empty printable ASCII, without "
            "outer spaces, such as a header can hold."
        )
    return tuple(each.encode() for each in given)


def _matches(value: str | None, expected: Sequence[bytes]) -> bool:
    # What is not ASCII equals none of them; it must not raise either.
    given = (value or "").encode("utf-8", "surrogatepass")
    # All are compared, also after one that is right.
    return sum(hmac.compare_digest(given, each) for each in expected) > 0


@guarded
def authorization_is(
    secrets: str | Secret | Sequence[str | Secret],
) -> Verifier:
    """Return the check of the Authorization header.

    Raises:
        ConfigurationError: As of `authorized`.
    """
    expected = _expected(secrets)

    def verify(headers: Mapping[str, str], _body: bytes) -> bool:
        return _matches(headers.get("authorization"), expected)

    return verify
