"""The HTTP response to a request that ended in a `SesamyError`.

`sesamy_async.fastapi.install` uses it; it works with any web framework.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import attrs

from ._call import PacerUnavailable, field_in
from ._outcome import Outcome
from .errors import (
    APIError,
    BadRequestError,
    InvalidRequestError,
    NotFoundError,
    OrderMismatchError,
    SesamyError,
)
from .idempotency import StoreUnavailable


__all__ = ["MEDIA_TYPE", "Problem", "problem_of"]

MEDIA_TYPE = "application/problem+json"
"""Of the response (RFC 9457)."""

# RFC 9110 has another name than Python before 3.13.
_TITLES = {HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Content"}
_SOON = 5.0  # Seconds; the claim of a process that was killed lasts as long.
_AGAIN = "Send the same request again."
_DETAILS = {
    HTTPStatus.ACCEPTED: (
        "It may have been done, and somebody has to check. Do not send it "
        "again."
    ),
    HTTPStatus.UNPROCESSABLE_ENTITY: (
        "It was not done. Correct the request before you send it again."
    ),
    HTTPStatus.BAD_GATEWAY: (
        "It was not done, and the request is not the reason. Tell the "
        "operator of this service."
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: f"It was not done. {_AGAIN}",
    HTTPStatus.GATEWAY_TIMEOUT: f"It may have been done. {_AGAIN}",
}
_MADE = (
    "The contract was created, but may not be confirmed. Do not send the "
    "order again: somebody has to confirm the contract."
)
_OTHER_DATA = (
    "It was not done: this id was used for an order with other data, or with "
    "another promo code. Use a new id for a different order."
)


@attrs.frozen(kw_only=True)
class Problem:
    """The response to a request that failed; it has no personal data.

    Attributes:
        status: The HTTP status: 202, 422, 502, 503 or 504.
        detail: What the sender of the request should do.
        outcome: What happened to the order.
        retryable: Whether the same request may be sent again unchanged.
        retry_after: Seconds after which to send it again; None if that
            does not help.
        external_order_id: The id of the order, if known.
        contract_id: The id of the contract, if known.
        code: Sesamy's code of the error, if there is one.
        problems: What to correct, such as
            ``"userData.email: Sesamy refused it"``; no text of the order.
    """

    status: HTTPStatus
    detail: str
    outcome: Outcome
    retryable: bool
    retry_after: int | None = None
    external_order_id: str | None = None
    contract_id: str | None = None
    code: str | None = None
    problems: tuple[str, ...] = ()

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers besides Content-Type: Retry-After, if any."""
        if self.retry_after is None:
            return {}
        return {"Retry-After": str(self.retry_after)}

    def to_dict(self) -> dict[str, Any]:
        """Return the body of the response, as JSON of `MEDIA_TYPE`."""
        facts = {
            "external_order_id": self.external_order_id,
            "contract_id": self.contract_id,
            "code": self.code,
            "problems": [*self.problems],
        }
        return {
            "type": "about:blank",
            "title": _TITLES.get(self.status, self.status.phrase),
            "status": int(self.status),
            "detail": self.detail,
            "outcome": str(self.outcome),
            "retryable": self.retryable,
            **{name: value for name, value in facts.items() if value},
        }


def problem_of(error: SesamyError) -> Problem:
    """Return the HTTP response to a request that ended in an error.

    Many callers look only at the status, so it says what to do:

    - 503: nothing was done; send the same request again.
    - 504: it may have been done; send the same request again, which is
      safe.
    - 202: it may have been done, completely or in part; do not send it
      again, as a person has to check.
    - 422: nothing was done, because the request is wrong: the order, its
      promo code, or an id that was used with other data or another
      promo code.
    - 502: nothing was done, because Sesamy refused the service itself
      (credentials, scope, vendor), or a setting is wrong.

    Args:
        error: The error that a call of the SDK raised.
    """
    status = _status(error)
    return Problem(
        status=status,
        detail=_detail(error, status),
        outcome=error.outcome,
        retryable=error.retryable,
        retry_after=_retry_after(error) if error.retryable else None,
        external_order_id=error.external_order_id,
        contract_id=error.contract_id,
        code=error.code if isinstance(error, APIError) else None,
        problems=_problems(error, status),
    )


def _problems(error: SesamyError, status: HTTPStatus) -> tuple[str, ...]:
    """Return what to correct, without what Sesamy's message may repeat."""
    if isinstance(error, InvalidRequestError):
        return error.problems
    if status is not HTTPStatus.UNPROCESSABLE_ENTITY:
        return ()
    if isinstance(error, BadRequestError) and (field := field_in(error)):
        return (f"{field}: Sesamy refused it",)
    if isinstance(error, NotFoundError) and error.operation in _CREATES:
        return ("promo_code: Sesamy does not know it for this vendor",)
    return ()


_CREATES = ("contracts.create", "contracts.onboard")


def _status(error: SesamyError) -> HTTPStatus:
    nothing_done = error.outcome.nothing_done
    if error.retryable:
        if nothing_done:
            return HTTPStatus.SERVICE_UNAVAILABLE
        return HTTPStatus.GATEWAY_TIMEOUT
    # A confirm that was refused leaves a contract that was made.
    if not nothing_done or error.step == "confirm":
        return HTTPStatus.ACCEPTED
    if isinstance(error, _CALLERS):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    if isinstance(error, PacerUnavailable | StoreUnavailable):
        # It needs a person, but Sesamy is well.
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.BAD_GATEWAY


# What the sender of the request can correct.  A key that is used again with
# other data is 422 in draft-ietf-httpapi-idempotency-key-header, too.
_CALLERS = (
    BadRequestError,
    InvalidRequestError,
    NotFoundError,
    OrderMismatchError,
)


def _detail(error: SesamyError, status: HTTPStatus) -> str:
    if isinstance(error, OrderMismatchError) and error.outcome.nothing_done:
        return _OTHER_DATA
    if status is HTTPStatus.ACCEPTED and error.step == "confirm":
        return _MADE
    if status is HTTPStatus.SERVICE_UNAVAILABLE and not error.retryable:
        return _DETAILS[HTTPStatus.BAD_GATEWAY]
    return _DETAILS[status]


def _retry_after(error: SesamyError) -> int:
    asked = getattr(error, "retry_after", None)
    return max(1, math.ceil(_SOON if asked is None else asked))
