"""Blotting out in Sesamy's words what was sent."""

from __future__ import annotations

import json
import time
from typing import Any

import attrs
import pytest

from sesamy_async import Call, Request, Secret
from sesamy_async._call import presentable, redact
from support.exchanges import a_call


def sent(content: bytes, query: str = "") -> Call:
    """Return a call whose request says so."""
    url = f"https://api.test/x?{query}"
    request = Request(method="POST", url=url, content=content)
    return a_call(request=request)


def authorized(call: Call, value: str) -> Call:
    """Return the call with an Authorization."""
    request = attrs.evolve(call.request, authorization=Secret(value))
    return attrs.evolve(call, request=request)


SENT = json.dumps(
    {
        "externalOrderId": "order-1",
        "userData": {
            "email": "kim@example.se",
            "fullName": "Kim Å",
            "tags": ["vän", 7, "ab", True, 198106191234],
        },
    }
).encode()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("KIM@example.se is wrong", "*** is wrong"),
        ("Kim Å is wrong", "*** is wrong"),
        ("vän is wrong", "*** is wrong"),
        ("ab is wrong", "ab is wrong"),
        ("order-1 is wrong", "order-1 is wrong"),
        ("other@example.org is wrong", "*** is wrong"),
        (["Kim Å", {"Kim Å": "Kim Å"}, 5], ["***", {"***": "***"}, 5]),
        (None, None),
        ("198106191234 is wrong", "*** is wrong"),
        (198106191234, "***"),
        (True, True),
    ],
)
def test_redact(said: Any, expected: Any) -> None:
    """Personal strings that were sent, and any address, are blotted out."""
    assert expected == redact(said, sent(SENT))


@pytest.mark.parametrize("content", [b"", b"a=b", b"[]", b"\xff"])
def test_nothing_sent(content: bytes) -> None:
    """Where no JSON was sent there is nothing to look for."""
    assert "wrong" == redact("wrong", sent(content))


def test_query() -> None:
    """What was asked for in the query is blotted out too."""
    request = sent(b"", "name=Kim+%C3%85&all=true&n=ab")

    assert "no user *** true ab" == redact("no user Kim Å true ab", request)


def test_authorization_of_several_words() -> None:
    """All behind the scheme is the token."""
    request = authorized(sent(b""), "Digest kim t0")

    assert "no Digest ***" == redact("no Digest kim t0", request)


def test_beside_what_is_nested() -> None:
    """What stands before an object is looked at as that is."""
    request = sent(json.dumps({"a": "Kim", "b": {"c": "Ada"}}).encode())

    assert "no *** ***" == redact("no Kim Ada", request)


@pytest.mark.parametrize("value", ["Bearer t0ken", "t0ken"])
def test_authorization(value: str) -> None:
    """A token that the server repeats is blotted out, its scheme is not."""
    request = authorized(sent(b""), value)

    assert "no Bearer ***" == redact("no Bearer T0KEN", request)


@pytest.mark.parametrize("value", ["Bearer te", "te"])
def test_short_authorization(value: str) -> None:
    """A token of two characters is left: it stands in half of all words."""
    request = authorized(sent(b""), value)

    assert "a test" == redact("a test", request)


def test_sent_deep() -> None:
    """However deep it is what was sent, the answer can be explained."""
    content = b"[" * 2000 + b'"Kim"' + b"]" * 2000

    assert "wrong" == redact("wrong", sent(content))


@pytest.mark.timeout(60)
def test_a_long_word() -> None:
    """A word of megabytes, as an attacker sends it, takes no minutes."""
    word = "x" * 1_000_000

    assert f"{word} ***" == redact(f"{word} a@b", sent(SENT))


def test_the_longest_word_first() -> None:
    """Of a name within a name nothing is left over."""
    request = sent(json.dumps(["Kim", "Kim Åberg", "berg"]).encode())

    assert "no ***" == redact("no Kim Åberg", request)


@pytest.mark.parametrize("query", ["a=kim", "a=ki"])
def test_short_words_of_the_query(query: str) -> None:
    """Three characters are a word, two are none."""
    word = query.removeprefix("a=")
    expected = "***" if len(word) == 3 else word

    assert expected == redact(word, sent(b"", query))


@pytest.mark.parametrize("wrap", [lambda x: [x], lambda x: {"x": x}])
def test_as_deep_as_it_goes(wrap: Any) -> None:
    """64 levels are looked through, and a level more is blotted out."""
    deep: Any = "wrong"
    for _ in range(64):
        deep = wrap(deep)

    assert "wrong" in str(redact(deep, sent(SENT)))
    assert "wrong" not in str(redact(wrap(deep), sent(SENT)))


def test_deep() -> None:
    """What is nested beyond all reason is not looked through."""
    deep: Any = "Kim Å"
    for _ in range(700):
        deep = [deep]

    assert "Kim" not in str(redact(deep, sent(SENT)))


@pytest.mark.parametrize(
    "said",
    [
        "\ufdfa" * 1_926,
        ["\ufdfa"] * 993,
        [123] * 2_048,
        "&" * 2_047,
    ],
)
def test_an_answer_that_takes_long(said: str | list[Any]) -> None:
    """Where it is much longer as it is compared, nothing of it is shown."""
    shown = redact([said, "wrong"], sent(SENT))

    assert "***" == shown[1]
    assert "wrong" == redact([said[1:], "wrong"], sent(SENT))[1]


def test_an_order_that_takes_long() -> None:
    """So is it with what was sent: it counts as it is compared."""
    long = json.dumps(["\ufdfa" * 911], ensure_ascii=False).encode()
    longest = json.dumps(["\ufdfa" * 4_000], ensure_ascii=False).encode()

    assert "***" == redact("wrong", sent(long))
    assert "***" == redact("wrong", sent(longest))
    assert "wrong" == redact("wrong", sent(long.replace(b"\xb7", b"\xbb")))


@pytest.mark.parametrize(
    "said",
    [
        "\ufdfa" * 21_845,
        "&#xfdfa;" * 8_192,
        "&amp;" * 13_107,
        "&" * 65_536,
        "&#" + "0" * 65_534,
        "&#" + "9" * 65_534,
        [123] * 16_000,
    ],
)
def test_it_takes_no_longer(said: Any) -> None:
    """Of 64 KiB nothing takes long (SECURITY.md); 60 ms, and slow machines."""
    taken: list[float] = []
    for _ in range(3):
        began = time.process_time()
        redact(said, sent(SENT))
        taken.append(time.process_time() - began)

    assert 0.3 > min(taken)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("R&D, &zz; &c", "R&D, &zz; &c"),
        ("x&amp;y", "x&amp;y"),
        ("gro&szlig; fein", "*** fein"),
        ("gro&szligx fein", "*** fein"),
        ("a&#64;b.se", "***"),
        ("&#43;46 70 174 06 05!", "***!"),
        ("&#99999999; &#x110000;", "&#99999999; &#x110000;"),
    ],
)
def test_escapes(said: str, expected: str) -> None:
    """What is escaped for HTML is looked for, and shown as it was said."""
    request = sent(json.dumps(["gross", "grosß"]).encode())

    assert expected == redact(said, request)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\n b", "a b"),
        ("a\x1bb", "ab"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 200 + "..."),
        (None, None),
        (5, None),
    ],
)
def test_presentable(text: Any, expected: str | None) -> None:
    """What the server says is one line in a message, and not long."""
    assert expected == presentable(text)
