"""What a sandbox records of each request and of each sent event."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any, Literal
from urllib.parse import parse_qsl

import attrs

from sesamy_async._call import Secret
from sesamy_async._headers import Headers
from sesamy_async._models import is_object

from ._exchange import (
    CONFIRMATION,
    ORDER,
    Answer,
    Delivery,
    Endpoint,
    Route,
    SandboxRequest,
    Shape,
    confirms_at_once,
    parse,
)
from ._faults import Fault, FaultKind


NO_ANSWER = 0
"""The status of a request whose client got no response."""


@attrs.frozen(kw_only=True)
class RecordedCall:
    """A request to Sesamy's API, and its response.

    Attributes:
        at: When it came, in Unix seconds.
        endpoint: What was called.
        status: The status of the response; `NO_ANSWER` (0) if the
            connection was closed before it.
        reason: Why it was refused, or empty.
        external_order_id: The id of the order, or empty.
        promo_code: The promo code, or empty.
        contract_id: The contract of a confirm, or empty.
        at_once: Whether a create asked for access at once.
        fault: The fault that struck, such as ``"status:503"``, or empty.
        fields: The names of the fields that were sent, such as
            ``"userData.email"``; never their values.
        headers: The headers without those that contain secrets; hidden in
            the repr.
        authorization: The Authorization header; None if there was none.
    """

    at: float
    endpoint: Endpoint
    status: int
    reason: str = ""
    external_order_id: str = ""
    promo_code: str = ""
    contract_id: str = ""
    at_once: bool = False
    fault: str = ""
    fields: tuple[str, ...] = ()
    headers: Mapping[str, str] = attrs.field(factory=Headers, repr=False)
    authorization: Secret | None = None


@attrs.frozen(kw_only=True)
class SentWebhook:
    """An event that is sent to the webhook, and what came of it.

    Attributes:
        number: Counts the sent events.
        event: The event.
        answers: The status of each attempt; `NO_ANSWER` (0) for none.
        state: ``"waiting"``, ``"delivered"`` or ``"lost"``.
    """

    number: int
    event: Mapping[str, str] = attrs.field(repr=False)
    answers: tuple[int, ...] = ()
    state: Literal["waiting", "delivered", "lost"] = "waiting"


def record(
    request: SandboxRequest,
    route: Route,
    fault: Fault | None,
    answer: Answer,
    at: float,
) -> RecordedCall:
    if fault is not None and fault.kind is FaultKind.DROP_BEFORE:
        # Neither its headers nor its body were read.
        request = attrs.evolve(request, query="", headers={}, body=b"")
    sent = _sent(request)
    order_id = sent.get("externalOrderId")
    headers = Headers(request.headers)
    lost = answer.delivery is Delivery.NOTHING
    return RecordedCall(
        at=at,
        endpoint=route.endpoint,
        status=NO_ANSWER if lost else answer.status,
        reason=_reason(answer) if answer.status >= _REFUSED else "",
        external_order_id=order_id if isinstance(order_id, str) else "",
        promo_code=route.promo_code,
        contract_id=route.contract_id,
        at_once=confirms_at_once(request.query),
        fault="" if fault is None else str(fault),
        fields=tuple(islice(_names(sent, _SHAPE), _MOST_FIELDS)),
        headers=Headers({n: headers[n] for n in headers if n not in _SECRET}),
        authorization=Secret.hide(headers.get("authorization")),
    )


_REFUSED = 400


def _reason(answer: Answer) -> str:
    """Return what a response says; the sandbox repeats no values in it."""
    content: object = None
    with suppress(ValueError):
        content = json.loads(answer.body)
    match content:
        case (
            {"error": {"message": str(said)}}
            | {"message": str(said)}
            | {"error_description": str(said)}
        ):
            return said
        case _:  # A fault has made it HTML, or damaged it.
            return ""


_SHAPE: Mapping[str, Shape] = {**ORDER, **CONFIRMATION}
_SECRET = {"authorization", "cookie", "proxy-authorization"}
_MOST_FIELDS = 100
# A body of another type than it says may be taken for a name.
_NAME = re.compile(r"[A-Za-z_][\w-]{0,39}", re.ASCII)


def _sent(request: SandboxRequest) -> Mapping[str, Any]:
    """Return the fields of a body, JSON or form; none if it is neither."""
    kind = request.headers.get("content-type", "").lower()
    if kind.startswith("application/x-www-form-urlencoded"):
        text = request.body.decode(errors="replace")
        return dict(parse_qsl(text, keep_blank_values=True))
    try:
        body = parse(request.body)
    except ValueError:
        return {}
    return body if is_object(body) else {}


def _names(
    value: Mapping[str, Any], shape: Mapping[str, Shape], path: str = ""
) -> Iterator[str]:
    """Yield the path of each field, but not the names in free objects.

    Those, as in ``extraData``, are the caller's own, and may be personal.
    """
    for name, inner in value.items():
        known = shape.get(name, "")
        if isinstance(known, Mapping) and is_object(inner):
            yield from _names(inner, known, f"{path}{name}.")
        else:
            yield f"{path}{name if _NAME.fullmatch(name) else '?'}"
