"""JSON reads and writes the same with orjson as without it."""

from __future__ import annotations

import json
import math
import sys
from datetime import UTC, date, datetime
from enum import Enum, IntEnum
from types import ModuleType
from typing import Any
from uuid import UUID

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesamy_async._call import Response, codec
from sesamy_async._call.codec import Codec, OrjsonCodec
from support.codecs import CODECS, with_either
from support.leaks import told_by


PLAIN, FAST = CODECS.values()
NUMBERS = st.integers() | st.floats()
ANY_JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


class Number(IntEnum):
    """A number with a name."""

    FIVE = 5


class Thing(Enum):
    """A value with a name."""

    LIST = (1, "å")


@attrs.frozen
class Said:
    """What a codec did: its result, or that it refused."""

    result: str


def said(read: Any, value: Any) -> Said:
    """Return what comes of it; NaN equals itself in a repr."""
    try:
        return Said(repr(read(value)))
    except ValueError:
        return Said("refused")


def nested(levels: int) -> list[Any]:
    """Return an empty list in so many others."""
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (b'{"id":"a"}', {"id": "a"}),
        (b' [1, 2.5, true, null]\r\n"'[:-1], [1, 2.5, True, None]),
        (b'\xef\xbb\xbf{"a":"\xc3\xa5"}', {"a": "å"}),
        ('{"a":"å"}'.encode("utf-16"), {"a": "å"}),
        ('{"a":"å"}'.encode("utf-16-le"), {"a": "å"}),
        ('{"a":"å"}'.encode("utf-32"), {"a": "å"}),
        (b'{"name":"J\xf6rgen","id":"a"}', {"name": "J\ufffdrgen", "id": "a"}),
        (b'"\\ud83d\\ude00 \\ud800"', "😀 \ud800"),
        (b"123456789012345678901234567890", 123456789012345678901234567890),
        (b"-18446744073709551616", -18446744073709551616),
        (b"9223372036854775807", 9223372036854775807),
        (b"1e400", math.inf),
        (b"-Infinity", -math.inf),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b"[" * 500 + b"]" * 500, nested(499)),
    ],
)
@with_either
def test_reads_what_comes(
    either: Codec, document: bytes, expected: Any
) -> None:
    """A document is read in any Unicode encoding, and whatever its bytes."""
    assert expected == either.loads(document)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": [1, 2.5, True, None, "å/\u2028"]}, None),
        ('\x00\x1f\x7f"\\\b\f\n\r\t', None),
        (1e-7, b"1e-07"),
        ([1e-7, 1e-10, 1e16, -0.0, 5e-324], None),
        ([1e-5, 1.25e-5, -9.5e-5], b"[1e-05,1.25e-05,-9.5e-05]"),
        ([1e-4, 0.00025], b"[0.0001,0.00025]"),
        ("e-post 1e-7", None),
        (2**64, b"18446744073709551616"),
        ((1, (2,)), b"[1,[2]]"),
        ({1: 2, None: 3}, b'{"1":2,"null":3}'),
        ({Number.FIVE: Number.FIVE}, b'{"5":5}'),
        ([Thing.LIST, Thing.LIST, None], '[[1,"å"],[1,"å"],null]'.encode()),
        ([UUID(int=1), None], None),
        (UUID(int=1), b'"00000000-0000-0000-0000-000000000001"'),
    ],
)
@with_either
def test_writes_compact_utf8(
    either: Codec, value: Any, expected: bytes | None
) -> None:
    """The bytes are those of the stdlib: compact, not escaped."""
    content = either.dumps(value)

    assert (PLAIN.dumps(value) if expected is None else expected) == content


@with_either
def test_writes_deep_nesting(either: Codec) -> None:
    """What orjson finds too deep is written by the stdlib."""
    assert either.dumps(nested(300)) == b"[" * 301 + b"]" * 301


@given(ANY_JSON)
def test_both_write_the_same(value: Any) -> None:
    """Whether orjson is installed makes no difference to what is sent."""
    assert said(PLAIN.dumps, value) == said(FAST.dumps, value)


@given(ANY_JSON, st.booleans())
def test_both_read_the_same(value: Any, escaped: bool) -> None:
    """Whether orjson is installed makes no difference to what is read."""
    text = json.dumps(value, ensure_ascii=escaped)
    document = text.encode("utf-8", "surrogatepass")

    assert said(PLAIN.loads, document) == said(FAST.loads, document)


@given(
    st.binary() | st.text('[]{}:,"\\u0123456789+-.eE ntrfalse').map(str.encode)
)
def test_both_accept_the_same(document: bytes) -> None:
    """What one refuses, the other refuses too."""
    assert said(PLAIN.loads, document) == said(FAST.loads, document)


@given(ANY_JSON)
def test_what_is_written_is_read_again(value: Any) -> None:
    """Reading undoes writing."""
    written = said(FAST.dumps, value)
    if written == Said("refused"):
        return

    assert repr(value) == repr(FAST.loads(FAST.dumps(value)))


def test_orjson_is_used_where_it_is_installed() -> None:
    """The faster codec is the default."""
    assert type(codec.best_codec()) is OrjsonCodec
    assert type(codec._CODEC) is OrjsonCodec


def test_works_without_orjson(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stdlib does where orjson is missing."""
    monkeypatch.setitem(sys.modules, "orjson", None)

    assert type(codec.best_codec()) is Codec


def test_a_response_reads_its_body() -> None:
    """An answer in the wrong charset is still read."""
    response = Response(status_code=200, content=b'{"name":"\xf6"}')

    assert response.json() == {"name": "\ufffd"}


def test_orjson_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """It reads and writes what it can by itself, and no more than JSON."""
    monkeypatch.setattr(Codec, "loads", None)
    monkeypatch.setattr(Codec, "dumps", None)
    seen: list[Any] = []

    def dumps(*given: Any) -> bytes:
        seen.extend(given)
        return orjson.dumps(*given)

    fake = ModuleType("orjson")
    fake.__dict__.update(vars(orjson) | {"dumps": dumps})
    fast = OrjsonCodec(fake)
    both = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME

    assert [1] == fast.loads(b"[1]")
    assert b'"e-post"' == fast.dumps("e-post")
    assert ["e-post", None, both] == seen


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
    return [nested(200_000), "CANARY"]


DEEP = "The JSON is nested too deeply."
SURROGATE = (
    "A lone surrogate is not valid text, so it can't be written as JSON."
)
HOLDS = "It can't be written as JSON: "


@pytest.mark.parametrize(
    ("act", "value", "words"),
    [
        ("loads", b"", "It is not JSON: Expecting value, line 1 column 1."),
        (
            "loads",
            b"<html>CANARY</html>",
            "It is not JSON: Expecting value, line 1 column 1.",
        ),
        (
            "loads",
            b'{"CANARY": 1,\n x}',
            (
                "It is not JSON: Expecting property name enclosed in double "
                "quotes, line 2 column 2."
            ),
        ),
        (
            "loads",
            '"CANARY'.encode("utf-16"),
            (
                "It is not JSON: Unterminated string starting at, line 1 "
                "column 1."
            ),
        ),
        ("loads", b"[" * 200_000 + b'"CANARY', DEEP),
        (
            "loads",
            b"[" + b"9" * 5000 + b',"CANARY"]',
            "A number in the JSON has too many digits.",
        ),
        *(
            ("dumps", ["CANARY", None, value], HOLDS)
            for value in (math.nan, -math.inf, 10**5000)
        ),
        ("dumps", cyclic(), HOLDS),
        ("dumps", "CANARY \ud800", SURROGATE),
        ("dumps", {"CANARY \udfff": 1}, SURROGATE),
        ("dumps", date(1980, 1, 1), f"{HOLDS}date is not a JSON type."),
        ("dumps", datetime.now(UTC), f"{HOLDS}datetime is not a JSON type."),
        ("dumps", Customer("CANARY"), f"{HOLDS}Customer is not a JSON type."),
        ("dumps", {"CANARY", 1}, f"{HOLDS}set is not a JSON type."),
        ("dumps", b"CANARY", f"{HOLDS}bytes is not a JSON type."),
        ("dumps", deep(), "It is nested too deeply for JSON."),
    ],
    ids=lambda value: type(value).__name__,
)
@with_either
def test_refusals(either: Codec, act: str, value: Any, words: str) -> None:
    """What can't be read or written is a bare ValueError without it."""
    with pytest.raises(ValueError, match=r"\.$") as caught:
        getattr(either, act)(value)
    error = caught.value

    assert str(error).startswith(words)
    assert (ValueError, None, None) == (
        type(error),
        error.__context__,
        error.__cause__,
    )
    assert "CANARY" not in told_by(error)
