"""Blotting out in Sesamy's words what was sent."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import quote

import pytest

from sesamy_async import Call, Request, Secret
from sesamy_async._call import presentable
from sesamy_async._call.redact import redact
from support.exchanges import a_call


def sent(
    content: bytes, query: str = "", authorization: str | None = None
) -> Call:
    """Return a call whose request says so."""
    request = Request(
        method="POST",
        url=f"https://api.test/x?{query}",
        content=content,
        authorization=Secret.hide(authorization),
    )
    return a_call(request=request)


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
        # Folded, these have a space or a bracket in front of the "@".
        ("bjo\u00a8rn@example.org is wrong", "*** is wrong"),
        ("(other\uff08x\uff09@example.org)", "(***)"),
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


@pytest.mark.parametrize(
    ("call", "said", "expected"),
    [
        # Where no JSON was sent there is nothing to look for.
        *(
            (sent(content), "wrong", "wrong")
            for content in (b"", b"a=b", b"[]", b"\xff")
        ),
        (
            sent(b"", "name=Kim+%C3%85&all=true&n=ab"),
            "no user Kim \u00c5 true ab",
            "no user *** true ab",
        ),
        # Three characters are a word, two are none.
        (sent(b"", "a=kim"), "kim", "***"),
        (sent(b"", "a=ki"), "ki", "ki"),
        # A token is blotted out, its scheme is not.
        (sent(b"", "", "Digest kim t0"), "Digest kim t0", "Digest ***"),
        (sent(b"", "", "Bearer t0ken"), "no Bearer T0KEN", "no Bearer ***"),
        (sent(b"", "", "t0ken"), "no Bearer T0KEN", "no Bearer ***"),
        (sent(b"", "", "Bearer te"), "a test", "a test"),
        (sent(b"", "", "te"), "a test", "a test"),
        (sent(b'{"a": "Kim", "b": {"c": "Ada"}}'), "Kim Ada", "*** ***"),
        # A name is found where a longer one begins, but does not end.
        (sent(b'["xbergy", "berg"]'), "xberg xbergy", "x*** ***"),
        # A letter that stands for two is blotted out whole.
        (sent(b'["bergla"]'), "no bergl\u00e6", "no ***"),
        # Of a name within a name nothing is left over.
        (
            sent('["Kim", "Kim \u00c5berg", "berg"]'.encode()),
            "no Kim \u00c5berg",
            "no ***",
        ),
    ],
)
def test_what_was_sent(call: Call, said: str, expected: str) -> None:
    """The body, the query and the Authorization are all looked for."""
    assert expected == redact(said, call)


def test_sent_deep() -> None:
    """However deep it is what was sent, the answer can be explained."""
    content = b"[" * 2000 + b'"Kim"' + b"]" * 2000

    assert "wrong" == redact("wrong", sent(content))


@pytest.mark.timeout(60)
def test_a_long_word() -> None:
    """A word of megabytes, as an attacker sends it, takes no minutes."""
    word = "x" * 1_000_000

    assert f"{word} ***" == redact(f"{word} a@b", sent(SENT))


@pytest.mark.parametrize("wrap", [lambda x: [x], lambda x: {"x": x}])
def test_as_deep_as_it_goes(wrap: Any) -> None:
    """64 levels are looked through, and a level more is blotted out."""
    deep: Any = "wrong"
    for _ in range(64):
        deep = wrap(deep)

    assert "wrong" in str(redact(deep, sent(SENT)))
    for more in range(600):
        deep = wrap(deep)

        if more < 10 or more % 40 == 0:
            assert "wrong" not in str(redact(deep, sent(SENT)))


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
def test_an_answer_takes_no_longer(said: Any) -> None:
    """Of 64 KiB nothing takes long (SECURITY.md)."""
    assert 1.0 > seconds_for(said, sent(SENT))


@pytest.mark.parametrize(
    "values",
    [
        [f"{n:07}x" for n in range(2_000)],
        ["a" * n + "b" for n in range(2, 170)],
        ["a" * 16_000 + "b"],
        # Their encoded forms are many, or long.
        [" ".join(f"{n:x}-" for n in range(2_700)) + " \u00f6"],
        ["\u0e01" * 100 + chr(0x0E02 + n) for n in range(80)],
    ],
    ids=["many", "alike", "long", "short-forms", "long-forms"],
)
def test_an_order_takes_no_longer(values: list[str]) -> None:
    """Nor does the largest order against the largest answer."""
    content = json.dumps(values, ensure_ascii=False).encode()

    assert 1.0 > seconds_for("a" * 65_000, sent(content))


def seconds_for(said: Any, call: Call) -> float:
    """Return how long it takes: 60 ms, or more on slow machines."""
    taken: list[float] = []
    for _ in range(3):
        began = time.process_time()
        redact(said, call)
        taken.append(time.process_time() - began)
    return min(taken)


def test_encoded_forms_are_limited() -> None:
    """Of the longest orders, only some values are looked for encoded."""
    values = [f"{n:03}" + "ö" * 20 for n in range(200)]
    call = sent(json.dumps(values).encode())
    first, last = quote(values[0]), quote(values[-1])

    assert f"{first} ***" == redact(f"{first} {last}", call)


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
