"""What JSON can't say is refused in words that hold nothing of it."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest

from sesamy_async._call import Codec
from support.codecs import with_either
from support.leaks import told_by


def bare(error: ValueError) -> bool:
    """Whether it is a ValueError, and neither it nor a cause tells more."""
    return (
        type(error) is ValueError
        and error.__context__ is None
        and error.__cause__ is None
        and "CANARY" not in told_by(error)
    )


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"", "no JSON: Expecting value, line 1 column 1"),
        (b"<html>CANARY</html>", "no JSON: Expecting value, line 1 column 1"),
        (b'{"CANARY": 1,\n "a"', "line 2 column 5"),
        (b'"\xef\xbb\xbf', "Unterminated string"),
        (b'"CANARY\x01"', "control character"),
        (b"[" * 100_000 + b'"CANARY', "nested too deeply"),
        (b"[" + b"9" * 5000 + b',"CANARY"]', "too many digits"),
        ('{"CANARY'.encode("utf-16"), "no JSON"),
    ],
)
@with_either
def test_refusal_to_read_holds_nothing_of_the_document(
    either: Codec, document: bytes, words: str
) -> None:
    """What can't be read is a bare ValueError without the document."""
    with pytest.raises(ValueError, match=words) as caught:
        either.loads(document)

    assert bare(caught.value)


@attrs.frozen
class Customer:
    """What JSON knows nothing of."""

    name: str


def cyclic() -> list[Any]:
    """Return a list that contains itself."""
    value: list[Any] = ["CANARY"]
    value.append(value)
    return value


def deep() -> list[Any]:
    """Return a list that is nested too deeply to be written."""
    value: list[Any] = ["CANARY"]
    for _ in range(200_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (["CANARY", math.nan], "not JSON compliant"),
        (["CANARY", None, -math.inf], "not JSON compliant"),
        ("CANARY \ud800", "lone surrogate"),
        ({"CANARY \udfff": 1}, "lone surrogate"),
        (["CANARY", date(1980, 1, 1)], "date is no JSON type"),
        (["CANARY", datetime.now(UTC)], "datetime is no JSON type"),
        (["CANARY", Customer("CANARY")], "Customer is no JSON type"),
        ({"CANARY", 1}, "set is no JSON type"),
        (b"CANARY", "bytes is no JSON type"),
        (cyclic(), "Circular"),
        (deep(), "nested too deeply"),
        (["CANARY", 10**5000], "limit"),
    ],
    ids=lambda value: type(value).__name__,
)
@with_either
def test_refusal_to_write_holds_nothing_of_the_value(
    either: Codec, value: Any, words: str
) -> None:
    """What JSON can't say is a bare ValueError without the value."""
    with pytest.raises(ValueError, match=words) as caught:
        either.dumps(value)

    assert bare(caught.value)


@with_either
@pytest.mark.parametrize(
    ("act", "value", "words"),
    [
        ("loads", b"[" * 200_000, "The JSON is nested too deeply."),
        (
            "loads",
            b"9" * 5_000,
            "The JSON has a number of too many digits.",
        ),
        (
            "loads",
            b"{\n x}",
            (
                "It is no JSON: Expecting property name enclosed in double "
                "quotes, line 2 column 2."
            ),
        ),
        (
            "dumps",
            "\ud800",
            "A lone surrogate is no text, so JSON can't hold it.",
        ),
        ("dumps", deep(), "It is nested too deeply for JSON."),
        ("dumps", object(), "JSON can't hold it: object is no JSON type."),
    ],
)
def test_says_what_is_wrong(
    either: Codec, act: str, value: Any, words: str
) -> None:
    """Each refusal has its words, the same with orjson as without it."""
    with pytest.raises(ValueError, match=r"\.$") as caught:
        getattr(either, act)(value)

    assert words == str(caught.value)
