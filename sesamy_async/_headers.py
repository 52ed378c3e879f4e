"""HTTP headers and statuses: what they may hold and what they mean."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from http import HTTPStatus
from typing import cast

import attrs


class Headers(Mapping[str, str]):
    """Read-only headers whose names are found in any case.

    Repeated headers are joined with ``", "`` (RFC 9110, section 5.3).
    The repr shows names only: values may be personal.
    """

    __slots__ = ("_values",)

    def __init__(
        self, items: Mapping[str, str] | Iterable[tuple[str, str]] = ()
    ) -> None:
        if isinstance(items, Mapping):
            items = cast("Mapping[str, str]", items).items()
        values: dict[str, str] = {}
        # Joined at the end: to lengthen one again and again takes quadratic
        # time.
        repeated: dict[str, list[str]] = {}
        for name, value in items:
            lower = name.lower()
            if lower in values:
                repeated.setdefault(lower, [values[lower]]).append(value)
            else:
                values[lower] = value
        values.update((name, ", ".join(repeated[name])) for name in repeated)
        self._values = values

    @classmethod
    def from_raw(cls, items: Iterable[tuple[bytes, bytes]]) -> Headers:
        """Read headers as they came (ISO 8859-1; RFC 9110, section 5.5)."""
        return cls(
            [
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in items
            ]
        )

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({', '.join(self._values)})"


def merged(
    headers: Mapping[str, str], more: Mapping[str, str]
) -> dict[str, str]:
    """Return headers with others that replace them, in any case."""
    replaced = {name.lower() for name in more}
    kept = {
        name: headers[name] for name in headers if name.lower() not in replaced
    }
    return {**kept, **more}


SUCCESS = range(200, 300)
REDIRECT = range(300, 400)
CLIENT_ERROR = range(400, 500)
REFUSALS = frozenset(
    {
        *(*range(400, 406), 407, *range(409, 419), *range(421, 424)),
        *(425, 426, 428, 429, 431, 451),
    }
)
"""The 4xx of which a standard says that the request was not done.

Not 406, which a server may find out only after it has done it; nor 408 and
424, which may be about a server behind it; nor those in no standard: a
gateway says 499 ("client closed request") of requests that went on.
"""
SERVER_ERROR = HTTPStatus.INTERNAL_SERVER_ERROR
REQUEST_TIMEOUT = HTTPStatus.REQUEST_TIMEOUT
TOO_EARLY = HTTPStatus.TOO_EARLY
TOO_MANY = HTTPStatus.TOO_MANY_REQUESTS


_TOKEN = re.compile(r"[!-~]+")
_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")


def is_token(value: object) -> bool:
    """Whether a value is visible ASCII without a space (RFC 6750)."""
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def is_header_value(value: object) -> bool:
    """Whether a value can be sent unchanged as a header's."""
    return isinstance(value, str) and _VALUE.fullmatch(value) is not None


def wants_header_value(who: str, value: object) -> str:
    return (
        f"auth= {who} must return the whole Authorization value: a text of "
        "printable ASCII characters, not empty, without line breaks and "
        f"outer spaces; it returned a {type(value).__name__}."
    )


_ID = re.compile("[!-?A-~]{1,128}")  # Visible ASCII, but no address.


def as_request_id(value: object) -> str | None:
    """Return it if it looks like an id: it stands in every log line."""
    if not isinstance(value, str):
        return None
    return value if _ID.fullmatch(value) else None


def request_id_of(headers: Mapping[str, str]) -> str | None:
    """Return the id that Sesamy or a gateway gave to the request."""
    named = (headers.get("x-request-id"), headers.get("request-id"))
    return next(filter(None, map(as_request_id, named)), None)


def seconds(value: object) -> float | None:
    """Return a value as seconds (or Unix time); None if it can't be."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if number >= 0 and math.isfinite(number) else None


@attrs.frozen(kw_only=True)
class RateState:
    """The ``X-RateLimit-*`` headers of a response.

    What is missing or can't be read is None.

    Attributes:
        limit: How many requests are permitted in a period.
        remaining: How many of them are left.
        reset_at: When the next period begins, in UTC.
    """

    limit: int | None = None
    remaining: int | None = None
    reset_at: datetime | None = None


def rate_numbers(
    headers: Mapping[str, str],
) -> tuple[float | None, float | None, float | None]:
    """Return limit, remaining and reset (Unix seconds) as they are named."""
    return (
        seconds(headers.get("x-ratelimit-limit")),
        seconds(headers.get("x-ratelimit-remaining")),
        seconds(headers.get("x-ratelimit-reset")),
    )


def rate_of(headers: Mapping[str, str]) -> RateState | None:
    limit, remaining, reset = rate_numbers(headers)
    moment = None
    if reset is not None:
        # Some are beyond the calendar.
        with suppress(OverflowError, ValueError, OSError):
            moment = datetime.fromtimestamp(reset, UTC)
    state = RateState(
        limit=None if limit is None else int(limit),
        remaining=None if remaining is None else int(remaining),
        reset_at=moment,
    )
    return None if state == RateState() else state
