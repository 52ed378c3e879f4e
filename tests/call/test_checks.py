"""Checks of ids, paths, queries, numbers; headers and secrets."""

from __future__ import annotations

import copy
import pickle
import sys
from enum import Enum
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesamy_async import (
    ConfigurationError,
    Headers,
    InvalidRequestError,
    Secret,
)
from sesamy_async._checks import api_path, check_number, segment
from sesamy_async._client import query_string
from sesamy_async._headers import merged


HUGE = 10**5000  # More digits than Python writes.


class Word(str, Enum):  # noqa: UP042 - as it was before StrEnum
    """An Enum whose str() is not its value."""

    ONE = "one"


class Number(int, Enum):
    """Another one."""

    ONE = 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Word.ONE, "one"),
        ("SPRING-12", "SPRING-12"),
        ("a/b", "a%2Fb"),
        ("../admin", "..%2Fadmin"),
        ("http://evil/x", "http%3A%2F%2Fevil%2Fx"),
        ("%2e%2e", "%252e%252e"),
        ("å?#", "%C3%A5%3F%23"),
        ("...", "..."),
        (" x", "%20x"),
    ],
)
def test_segment(value: str, expected: str) -> None:
    """An id becomes one segment, whatever is in it."""
    assert expected == segment("promo_code", value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        ".",
        "..",
        "a\r\nb",
        "a\0",
        "\x7f",
        "\x85",
        "\ud800",
        "x" * 1001,
    ],
)
def test_segment_refused(value: str) -> None:
    """What can't be a segment is refused by the argument's name."""
    with pytest.raises(InvalidRequestError, match="promo_code"):
        segment("promo_code", value)


@pytest.mark.parametrize("value", [None, 5, b"x", ["x"]])
def test_segment_of_another_type(value: Any) -> None:
    """What is no string is refused by name and type."""
    with pytest.raises(InvalidRequestError, match="promo_code must be a str"):
        segment("promo_code", value)


@given(st.text(max_size=50))
def test_segment_stays_one(value: str) -> None:
    """Host, depth and query never change, or the id is refused."""
    try:
        encoded = segment("id", value)
    except InvalidRequestError:
        return
    url = httpx.URL(f"https://api.test/a/{encoded}/z?confirm=1")
    parts = urlsplit(str(url))

    assert ("api.test", "confirm=1") == (parts.hostname, parts.query)
    assert ["", "a", value, "z"] == [unquote(p) for p in parts.path.split("/")]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/management/contracts", "/management/contracts"),
        ("/a b/å", "/a%20b/%C3%A5"),
        ("/a%2Fb", "/a%2Fb"),
        ("/a/", "/a/"),
    ],
)
def test_api_path(path: str, expected: str) -> None:
    """A path is encoded; escapes in it stay."""
    assert expected == api_path(path)


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "",
        None,
        "//evil/x",
        "/a/../b",
        "/./b",
        "/a/%2e%2E/b",
        "/a/..%2fb",
        "/a?x=1",
        "/a#x",
        "/a\\b",
        "/a\nb",
    ],
)
def test_api_path_refused(path: Any) -> None:
    """A path that could lead elsewhere is refused."""
    with pytest.raises(InvalidRequestError, match="path"):
        api_path(path)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (None, ""),
        ({}, ""),
        ({"a": None}, ""),
        ({"a": "x y", "b": 5, "c": True}, "?a=x+y&b=5&c=true"),
        ({"a": 0.5, "b": False}, "?a=0.5&b=false"),
        ({"a": Word.ONE, "b": Number.ONE}, "?a=one&b=1"),
    ],
)
def test_query(query: dict[str, object] | None, expected: str) -> None:
    """A query is encoded; what is None is left out."""
    assert expected == query_string(query)


@pytest.mark.parametrize("value", [["x"], b"x", "a\nb", HUGE], ids=type)
def test_query_refused(value: object) -> None:
    """A value that is no plain text is refused by its name."""
    with pytest.raises(InvalidRequestError, match="'limit'"):
        query_string({"limit": value})


@pytest.mark.parametrize("value", [0, 1.5, sys.float_info.max])
def test_possible(value: float) -> None:
    """Any finite number is, the largest one too."""
    assert float(value) == check_number("x", value)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-(2**64) + 1, "-18446744073709551615"),
        (-(2**64), "a number with too many digits"),
        (10**400, "a number with too many digits"),
        (float("inf"), "inf"),
    ],
)
def test_impossible(value: float, shown: str) -> None:
    """What is refused is shown, if it is short."""
    with pytest.raises(ConfigurationError) as caught:
        check_number("x", value)

    assert (
        f"x must be a finite number, at least 0; got {shown}."
        == caught.value.args[0]
    )


def test_headers() -> None:
    """A header is found in any case, joined if repeated (RFC 9110, 5.3)."""
    headers = Headers([("A", "1"), ("a", "2"), ("Set-Cookie", "CANARY")])

    assert "1, 2" == headers["A"] == headers["a"]
    assert "SET-Cookie" in headers
    assert None is headers.get("X")
    assert {"a": "1, 2", "set-cookie": "CANARY"} == dict(headers)
    assert 2 == len(headers)
    # Values may be personal.
    assert "Headers(a, set-cookie)" == repr(headers)


def test_secret_shows_nothing() -> None:
    """A secret is in no repr, no str and no copy's repr."""
    secret = Secret("CANARY")
    shown = f"{secret} {secret!r} {copy.copy(secret)!r}"
    shown += repr(copy.deepcopy([secret]))

    assert "CANARY" not in shown
    assert "Secret('***')" == str(secret)
    assert "CANARY" == secret.reveal()


def test_secret_is_not_pickled() -> None:
    """Pickling a secret is refused, and says what to do."""
    with pytest.raises(TypeError) as caught:
        pickle.dumps(Secret("x"))

    assert (
        "A secret can't be pickled. Create the credentials in the process "
        "that uses them."
    ) == str(caught.value)


def test_secrets_compare_by_value() -> None:
    """Equal secrets are equal and hash so; sets of many stay fast."""
    assert {Secret("a")} == {Secret(Secret("a"))}
    assert hash(Secret("a")) != hash(Secret("b"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert Secret("a") == Secret.hide("a")
    assert None is Secret.hide(None)


def test_merged() -> None:
    """A header replaces one of the same name in any case."""
    actual = merged({"User-Agent": "a", "X": "1"}, {"user-agent": "b"})

    assert {"X": "1", "user-agent": "b"} == actual
