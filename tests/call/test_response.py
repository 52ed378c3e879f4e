"""What an answer says of its request and of the rate limit."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime

import pytest

from sesamy_async import Headers, RateState, Response


def answered(**headers: str) -> Response:
    """Return an answer with these headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status_code=200, headers=Headers(named))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X_Request_Id": "req-1", "Request_Id": "other"}, "req-1"),
        ({"X_Request_Id": "", "request_id": "req-1"}, "req-1"),
        ({"X_Request_Id": "kim@example.com"}, None),
        ({"X_Request_Id": "Kim Canary"}, None),
        ({"X_Request_Id": "x" * 129}, None),
        ({}, None),
    ],
    ids=range(6),
)
def test_a_request_id_looks_like_one(
    headers: dict[str, str], expected: str | None
) -> None:
    """What may be personal is none: it stands in logs."""
    assert expected == answered(**headers).request_id


def test_the_rate_is_that_of_the_headers() -> None:
    """The reset is a time in UTC."""
    response = answered(
        X_RateLimit_Limit="300",
        x_ratelimit_remaining="299",
        X_RateLimit_Reset="1790000000",
    )
    rate = response.rate

    assert rate == RateState(
        limit=300,
        remaining=299,
        reset_at=datetime.fromtimestamp(1_790_000_000, UTC),
    )
    assert pickle.loads(pickle.dumps(rate)) == rate  # noqa: S301 - our own


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"X_RateLimit_Limit": "many", "X_RateLimit_Remaining": "-1"}, None),
        ({"X_RateLimit_Limit": "300, 300", "X_RateLimit_Reset": "nan"}, None),
        ({"X_RateLimit_Reset": "1790000000000"}, None),
        ({"X_RateLimit_Remaining": "0"}, RateState(remaining=0)),
        ({"X_RateLimit_Limit": "0.5"}, RateState(limit=0)),
        (
            {"X_RateLimit_Reset": "0"},
            RateState(reset_at=datetime(1970, 1, 1, tzinfo=UTC)),
        ),
    ],
    ids=range(7),
)
def test_what_can_not_be_read_is_none(
    headers: dict[str, str], expected: RateState | None
) -> None:
    """So is the whole, if there is nothing."""
    assert expected == answered(**headers).rate
