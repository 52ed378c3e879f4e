"""A token is read from an answer or a store, and checked."""

from __future__ import annotations

import json
import math
from base64 import urlsafe_b64encode

import pytest

from sesamy_async._call import Response, Secret
from sesamy_async.auth import StoredToken, Token, token_from_answer
from sesamy_async.auth._tokens import (
    ASSUMED_LIFE,
    LONGEST_LIFE,
    claimed_scopes,
    lifetime,
    scopes_of,
    token_from_store,
)
from support.runtime import FakeRuntime


def answer(data: object) -> Response:
    """Return a success with this JSON."""
    return Response(status_code=200, content=json.dumps(data).encode())


def test_an_answer_becomes_a_token() -> None:
    """Its life begins when the request was sent."""
    data = {
        "access_token": "abc",
        "token_type": "Bearer",
        "expires_in": 86400,
        "scope": "s",
    }
    end = 1000.0 + 86400
    token = Token(Secret("abc"), "Bearer", end, end - 300, "s")

    assert token == token_from_answer(answer(data), 1000.0, 0.0)


@pytest.mark.parametrize("kind", ["bearer", "BEARER", None])
def test_the_type_is_bearer_in_any_case(kind: str | None) -> None:
    """It is always sent as ``Bearer``."""
    token = token_from_answer(
        answer({"access_token": "abc", "token_type": kind, "scope": 7}), 0, 0
    )
    assert isinstance(token, Token)

    assert (token.authorization, token.scope) == ("Bearer abc", None)


UNFIT = "its access_token can't be sent in a header"
NOT_BEARER = "its token_type is not Bearer"
DEEP = b"[" * 1015 + b"]" * 1015


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "its body is not JSON"),
        (b"<html>", "its body is not JSON"),
        (b"[" * 100_000, "its body is not JSON"),
        (b"[]", "its body is not a JSON object"),
        (b'"abc"', "its body is not a JSON object"),
        (b"{}", "it has no access_token"),
        (b'{"access_token": null}', "it has no access_token"),
        (b'{"access_token": ""}', UNFIT),
        (b'{"access_token": 7}', UNFIT),
        (b'{"access_token": "a\\r\\nb"}', UNFIT),
        (b'{"access_token": "a\\n"}', UNFIT),
        (b'{"access_token": "\xc3\xa5"}', UNFIT),
        (b'{"access_token": "abc", "token_type": "mac"}', NOT_BEARER),
        (b'{"access_token": "abc", "token_type": {}}', NOT_BEARER),
        (b'{"access_token": "abc", "token_type": %b}' % DEEP, NOT_BEARER),
    ],
    ids=range(15),
)
def test_an_answer_without_a_token_says_why(content: bytes, why: str) -> None:
    """No answer raises an exception."""
    assert why == token_from_answer(
        Response(status_code=200, content=content), 0, 0
    )


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [
        (3600, 3600.0),
        (12.5, 12.5),
        ("7200", 7200.0),
        (0, 0.0),
        (-1, 0.0),
        (-(10**400), 0.0),
        (float("-inf"), 0.0),
        (10**400, LONGEST_LIFE),
        ("1e999", LONGEST_LIFE),
        (float("inf"), LONGEST_LIFE),
        (float("nan"), ASSUMED_LIFE),
        ("nan", ASSUMED_LIFE),
        ("soon", ASSUMED_LIFE),
        (None, ASSUMED_LIFE),
        (True, ASSUMED_LIFE),
        ([], ASSUMED_LIFE),
    ],
)
def test_a_lifetime_is_always_plausible(
    expires_in: object, seconds: float
) -> None:
    """Numbers are bounded; anything else counts as missing."""
    assert seconds == lifetime(expires_in)


@pytest.mark.parametrize(
    ("life", "chance", "ahead"),
    [
        (86400, 0.0, 300.0),
        (86400, 1.0, 375.0),
        (1000, 0.0, 200.0),
        (1000, 0.5, 225.0),
        (0, 0.5, 0.0),
    ],
)
def test_a_token_is_renewed_ahead_of_its_end(
    life: float, chance: float, ahead: float
) -> None:
    """By 300 s, or a fifth of its life, and up to a quarter more."""
    data = answer({"access_token": "abc", "expires_in": life})
    token = token_from_answer(data, 50.0, chance)
    assert isinstance(token, Token)

    assert math.isclose(50.0 + life - ahead, token.refresh_at)


# Unix time 4000 is 10 on the runtime's clock.
RUNTIME = FakeRuntime(time=10.0, unix=4990.0, chance=0.0)


@pytest.mark.parametrize(
    ("unix", "now"), [(5000.0, 1010.0), (math.inf, 10.0 + LONGEST_LIFE)]
)
def test_a_stored_token_ends_at_its_unix_time(unix: float, now: float) -> None:
    """But after 30 days at most: a clock may have been set back."""
    token = token_from_store(StoredToken("abc", unix, "s"), RUNTIME)
    refresh_at = max(now - 300, now - 0.2 * (now - 10))

    assert Token(Secret("abc"), "Bearer", now, refresh_at, "s") == token


@pytest.mark.parametrize(
    ("value", "expires_at"),
    [
        ("abc", 4000.0),
        ("abc", 3000.0),
        ("abc", math.nan),
        ("a\nb", 5000.0),
        ("", 5000.0),
    ],
)
def test_a_bad_stored_token_is_not_used(value: str, expires_at: float) -> None:
    """It has ended, has no end, or can't stand in a header."""
    assert token_from_store(StoredToken(value, expires_at), RUNTIME) is None


def jwt(claims: object) -> Secret:
    """Return a token with these claims, unsigned."""
    written = (
        claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    )
    return Secret(f"e30.{urlsafe_b64encode(written).decode().rstrip('=')}.x")


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (jwt({"scope": "a:b c"}), ("a:b", "c")),
        (jwt({"scope": ["a", "b c", 7, None]}), ("a", "b", "c")),
        (jwt({"permissions": ["p"], "scope": "a p"}), ("a", "p")),
        (jwt({"permissions": []}), ()),
        (jwt({"scope": ""}), ()),
        (jwt({"scope": {"a": 1}}), ()),
        # No control characters, no e-mail address, no long text.
        (jwt({"scope": "a \x1b[2J kim@x.se \u00e5 " + "x" * 129}), ("a",)),
        (jwt({"sub": "kim@x.se"}), None),
        (jwt([1]), None),
        (jwt(b"[" * 9000), None),
        (jwt(b"{"), None),
        (jwt(b"\xff"), None),
        (jwt({"scope": "a" * 20_000}), None),
        (Secret("opaque"), None),
        (Secret("a.b.c.d.e"), None),
        (Secret("a.!!!.c"), None),
        (Secret("a.\u00e5.c"), None),
    ],
)
def test_the_scopes_that_a_token_claims(
    token: Secret, expected: tuple[str, ...] | None
) -> None:
    """No token raises an exception."""
    assert expected == claimed_scopes(token)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("b a b", ("b", "a")), ("", ()), (7, ()), ("a " * 99_999, ("a",))],
)
def test_the_scopes_of_a_text(text: object, expected: tuple[str, ...]) -> None:
    """Each is there once, in the order of the text."""
    assert expected == scopes_of(text)
