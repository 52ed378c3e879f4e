"""Webhooks: the events that Sesamy posts, without a web framework.

`sesamy_async.fastapi.webhooks` is a route that uses this.  In another
framework, respond with 401 to a request that is not `authorized`, with 400 if
`parse_event` can't read it, and with 5xx if handling the event failed, so
that Sesamy sends it again.
"""

# Without `from __future__ import annotations`: see `_models/order.py`.

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from ._call import Secret, guarded
from ._headers import is_header_value
from ._models import CONVERTER, is_mapping, parse
from .errors import ConfigurationError


__all__ = ["LARGEST_EVENT", "Event", "authorized", "parse_event"]

LARGEST_EVENT = 2**16
"""The most bytes of an event; Sesamy's events have a few hundred."""


@attrs.frozen(kw_only=True)
class Event:
    """Something that happened at Sesamy.

    An event is small and not signed: fetch what it is about.  It has no id,
    and may come more than once and in any order, so handling it must be
    idempotent.

    Attributes:
        event_type: Such as ``"contract.1#purchased"``; there may be types
            that are not documented.
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

    Unknown types of events and unknown fields are accepted.  Known fields
    with a wrong type become None.

    Args:
        body: The JSON document; bytes are UTF-8.

    Raises:
        ValueError: It is larger than `LARGEST_EVENT`, not a JSON object, or
            has no ``eventType``.  The message repeats nothing of the body.
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
    """Return whether the Authorization header of a webhook is correct.

    The time that it takes reveals only the lengths of the secrets.

    Args:
        value: The whole value of the header; None if it is missing.
        secrets: The accepted values, as they are set at Sesamy, such as
            ``"Bearer 4f0c..."``.  Give two while you change it.

    Raises:
        ConfigurationError: There is no secret, or one is not printable
            ASCII.
    """
    # What is not ASCII equals none of them; it must not raise either.
    given = (value or "").encode("utf-8", "surrogatepass")
    # All are compared, also after one that is right.
    return (
        sum(
            hmac.compare_digest(given, each.reveal().encode())
            for each in accepted(secrets)
        )
        > 0
    )


@guarded
def accepted(
    secrets: str | Secret | Sequence[str | Secret],
) -> tuple[Secret, ...]:
    """Return the secrets, or raise a `ConfigurationError`."""
    if isinstance(secrets, str | Secret):
        secrets = [secrets]
    given = tuple(map(Secret, secrets))
    if not given:
        raise ConfigurationError(
            "webhooks: give at least one secret; otherwise anybody could send "
            "events."
        )
    if not all(is_header_value(each.reveal()) for each in given):
        raise ConfigurationError(
            "webhooks: a secret must be non-empty printable ASCII, without "
            "spaces at its ends."
        )
    return given
