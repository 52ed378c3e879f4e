"""Ids and paths stay where they belong."""

from __future__ import annotations

from enum import Enum
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesamy_async import InvalidRequestError
from sesamy_async._checks import api_path, segment
from sesamy_async._client import query_string


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
