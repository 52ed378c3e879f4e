"""Leaving out of Sesamy's words what was sent."""

from __future__ import annotations

import html
import json
import time
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesamy_async import Call, Request, Secret
from sesamy_async._call import presentable
from sesamy_async._call import redact as redact_module
from sesamy_async._call.redact import redact, redact_id
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


def shown(said: Any, call: Call) -> Any:
    """Return what is shown of it."""
    (value,) = redact([said], call)
    return value


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
    "said",
    [
        "KIM@example.se is wrong",
        "Kim Å is wrong",
        "vän is wrong",
        "other@example.org is wrong",
        # Folded, these have a space or a bracket in front of the "@".
        "bjo\u00a8rn@example.org is wrong",
        "(other\uff08x\uff09@example.org)",
        "198106191234 is wrong",
        198106191234,
        ["wrong", ["Kim"]],
        ["wrong", {"x": {"Kim": 1}}],
        ["wrong", {"externalOrderId": "Kim"}],
        ["wrong", {"x": "Kim", "y": 1}],
        ["Kim", {"x": 1}],
    ],
)
def test_redact(said: Any) -> None:
    """What has a personal value that was sent, or an address, is left out."""
    assert "***" == shown(said, sent(SENT))


@pytest.mark.parametrize(
    "said",
    [
        "ab is wrong",
        "order-1 is wrong",
        "65432 is wrong",
        "777001234 is wrong",  # Four digits in a row are the same.
        'It must contain an "@".',
        "Is it 100 % right?",
        ["wrong", {"x": 5}],
        [],
        None,
        True,
        12.5,
    ],
)
def test_what_is_shown(said: Any) -> None:
    """What has nothing of these is shown as it was said."""
    assert said == shown(said, sent(SENT))


def test_an_object() -> None:
    """It loses entries; the documented keys stay."""
    said = {"field": "Kim", "Kim": 1, "got": ["Kim"], "reason": "wrong"}
    left = {"field": "***", "***": 1, "got": "***", "reason": "wrong"}

    assert left == shown(said, sent(SENT))
    # Even if an order has these words.
    words = sent(b'["field", "reason"]')
    assert {"field": 1, "reason": 2, "***": 3} == shown(
        {"field": 1, "reason": 2, "reasons": 3}, words
    )


UUID = "6f1a2b3c-90d1-4e2f-8a7b-12345c67890d"


@pytest.mark.parametrize(
    ("named", "call", "left_out"),
    [
        (None, sent(SENT), False),
        ("req-1", sent(SENT), False),
        ("kim", sent(SENT), True),
        ("other@example.org", sent(SENT), True),
        # A random one is shown unless all of it, or a number in it, was sent.
        (UUID, sent(SENT), False),
        (UUID, sent(json.dumps([UUID]).encode()), True),
        (UUID, sent(b"[]", query=f"x={UUID}"), True),
        (UUID, sent(b"[]", authorization=f"Bearer {UUID}"), True),
        (UUID, a_call(order=Secret(json.dumps([UUID]))), True),
        (UUID, sent(b'["+46 12345"]'), True),
        (UUID, sent(b'["+46 1234 678"]'), False),
        ("dead6eef", sent(b'["dead"]'), False),
        # Only letters, only digits, or too short: these are not random.
        ("deadbeef", sent(b'["dead"]'), True),
        ("19810619", sent(b'["1981 0619"]'), True),
        ("dead6ee", sent(b'["dead"]'), True),
    ],
)
def test_the_id_of_a_request(
    named: str | None, call: Call, *, left_out: bool
) -> None:
    """It is shown unless it repeats what was sent."""
    assert ("***" if left_out else named) == redact_id(named, call)


@pytest.mark.parametrize("size", [262_144, 262_145])
def test_the_id_of_a_request_that_is_large(size: int) -> None:
    """Of more than 262,144 bytes nothing is compared."""
    call = sent(b"")
    call = sent(b'"%b"' % (b"x" * (size - len(call.request.url) - 2)))
    left_out = size > 262_144

    assert ("***" if left_out else UUID) == redact_id(UUID, call)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        # The name of an address is a word, too.
        (["kim@example.se"], "kim is wrong"),
        # What has three characters is found within others, each of them.
        (["Bo1"], "xbo1x"),
        (["Berg1", "Lind2", "Dahl3"], "xberg1x"),
        (["Berg1", "Lind2", "Dahl3"], "xlind2x"),
        (["Berg1", "Lind2", "Dahl3"], "xdahl3x"),
        # However a name is written, and with an ending.
        (["Åse Berg"], "Ase is wrong"),
        (["Bergåsen"], "xbergasenx"),
        (["Kim Berg"], "Kims order is wrong"),
        (["Xå Ö"], "X? ? is wrong"),
        # The largest order that is compared.
        (["Kim ".ljust(32_768, "x")], "Kim is wrong"),
        # Five digits of a number, wherever they are.
        (["070-174 06 05"], "46701740605 is wrong"),
        (["+46-123-45"], "0712345 is wrong"),
        (["12-345-99"], "1234500 is wrong"),
    ],
)
def test_parts_of_what_was_sent(values: list[str], said: str) -> None:
    """A part of a value says as much as the whole."""
    assert "***" == shown(said, sent(json.dumps(values).encode()))


@pytest.mark.parametrize("order", [None, Secret(""), Secret('["Kim"]')])
@pytest.mark.parametrize("more", [0, 1])
def test_a_request_that_is_large(order: Secret | None, more: int) -> None:
    """Of more than 262,144 bytes, with the order, nothing is compared."""
    given = len(order.reveal()) if order else 0
    content = b'["Berg"]'.ljust(262_144 - given + more)
    request = Request(method="POST", url="https://api.test/x", content=content)
    call = a_call(request=request, order=order)

    assert ["***", "***" if more else "wrong"] == redact(
        ["Berg", "wrong"], call
    )


def test_a_request_that_is_large_is_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would take long."""
    monkeypatch.delattr(redact_module, "_values")

    assert "***" == shown("wrong", sent(b"[]".ljust(262_145)))


NOTHING = b""


@pytest.mark.parametrize(
    ("call", "said", "left_out"),
    [
        # Where no JSON was sent there is nothing to look for.
        *(
            (sent(content), "wrong", False)
            for content in (NOTHING, b"a=b", b"[]", b"\xff")
        ),
        (sent(NOTHING, "name=Kim+%C3%85"), "no user Kim \u00c5", True),
        (sent(NOTHING, "all=true&n=ab"), "no user true ab", False),
        # Three characters are a word, two are none.
        (sent(NOTHING, "a=kim"), "kim", True),
        (sent(NOTHING, "a=ki"), "ki", False),
        # A token is left out, its scheme is not.
        (sent(NOTHING, "", "Digest kim t0"), "kim t0", True),
        (sent(NOTHING, "", "Bearer t0ken"), "no Bearer T0KEN", True),
        (sent(NOTHING, "", "Bearer t0ken"), "no Bearer", False),
        (sent(NOTHING, "", "t0ken"), "no Bearer T0KEN", True),
        (sent(NOTHING, "", "Bearer te"), "a test", False),
        (sent(NOTHING, "", "te"), "a test", False),
        (sent(b'{"a": "Kim", "b": {"c": "Ada"}}'), "Ada", True),
        # A long word is found within longer ones; whole values are, too.
        (sent(b'["Kim xbergy"]'), "unkimxbergyx", True),
        (sent(b'["Kim xbergy"]'), "unkimx", False),
        (sent(b'["bo-ek"]'), "xbo-ek", True),
        (sent(b'["x-box_1 b"]'), "xx-box_1", True),
        # A letter that stands for two.
        (sent(b'["bergla"]'), "no bergl\u00e6", True),
        # As it was sent, or as it was meant.
        (sent(b'["&amp;ouml;rtes"]'), "no ortes", True),
        (sent(json.dumps(["9" * 5000 + "x"]).encode()), "wrong", False),
        # A value of which too little can be seen is not looked for.
        (sent(json.dumps(["a\u200b\u200b"]).encode()), "a b", False),
        # Of Joe, "jo" is what it would be if it was a spelling of Jö.
        (sent(b'["Joe"]'), "no major", False),
    ],
)
def test_what_was_sent(call: Call, said: str, left_out: bool) -> None:
    """The body, the query and the Authorization are all looked for."""
    assert ("***" if left_out else said) == shown(said, call)


def test_sent_deep() -> None:
    """However deep it is what was sent, the answer can be explained."""
    content = b"[" * 500 + b'"Kim"' + b"]" * 500
    too_deep = b"[" * 200_000 + b'"Kim"' + b"]" * 200_000

    assert "***" == shown("Kim", sent(content))
    assert "wrong" == shown("wrong", sent(too_deep[:250_000]))


def test_said_deep() -> None:
    """However deep it is what was said, it is looked at."""
    deep: Any = "Kim"
    for _ in range(2_000):
        deep = [{"x": deep}]

    assert "***" == shown(deep, sent(SENT))


PARTS = ["Åse", "Bergström", "Bjørn", "Łukasz", "Růžička", "Müller", "Joe"]
WAYS: list[Callable[[str], str]] = [
    str.upper,
    str.lower,
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: text.replace("r", "r\u00ad"),
    lambda text: text.replace("ö", "oe").replace("Å", "Aa").replace("ø", "oe"),
    lambda text: "".join(chr(ord(each) + 0xFEE0) for each in text),
    lambda text: f"{text}s",
]
# Not on top of each other: nobody encodes what is encoded.
CODES: list[Callable[[str], str]] = [
    str,
    quote,
    html.escape,
    lambda text: text.encode("ascii", "xmlcharrefreplace").decode(),
    lambda text: json.dumps(text)[1:-1],
    lambda text: text.encode().decode("latin-1"),
    lambda text: text.encode().decode("cp1252", "replace"),
    lambda text: text.encode("latin-1", "replace").decode(errors="replace"),
]


@given(
    names=st.lists(st.sampled_from(PARTS), min_size=1, max_size=3),
    way=st.sampled_from(WAYS),
    code=st.sampled_from(CODES),
    around=st.sampled_from(["%s", "No %s here.", "user:%s is bad", "(%s)"]),
    pick=st.integers(0, 2),
)
def test_however_it_is_written(
    names: list[str],
    way: Callable[[str], str],
    code: Callable[[str], str],
    around: str,
    pick: int,
) -> None:
    """A name in any case, form, spelling or encoding is left out."""
    call = sent(json.dumps([" ".join(names)]).encode())
    written = names[pick % len(names)]
    with suppress(ValueError):  # There is no such character.
        written = way(written)

    assert "***" == shown(around % code(written), call)


@given(
    value=st.text("abcdefåäö1 -", min_size=5, max_size=30),
    start=st.integers(0, 25),
    length=st.integers(5, 30),
)
def test_words_of_what_was_cut(value: str, start: int, length: int) -> None:
    """What is cut out of a value and has whole words of it is left out."""
    part = value[start : start + length]
    words = {word for word in value.replace("-", " ").split() if len(word) > 2}
    whole = words & {*part.replace("-", " ").split()}
    call = sent(json.dumps([value]).encode())
    letters = any(not word.isdigit() for word in whole)

    assert not letters or "***" == shown(f"No {part}.", call)


def test_a_long_word() -> None:
    """A word of megabytes, as an attacker sends it, takes no minutes."""
    assert 1.0 > seconds_for("x" * 1_000_000, sent(SENT))


def test_how_much_is_looked_at() -> None:
    """16,384 characters are, as they are compared; each text is 256 more."""
    call = sent(SENT)
    longest, longer = "x" * 16_128, "\ufdfa" * 897

    assert [longest, "***"] == redact([longest, "wrong"], call)
    assert [longer[1:]] == redact([longer[1:]], call)
    assert ["***", None, True] == redact([longer, None, True], call)
    assert ["x"] * 63 + ["***"] == redact(["x"] * 64, call)


def test_an_order_that_takes_long() -> None:
    """Of an order of more than 32,768 characters nothing is compared."""
    values = [f"{n:07}x" for n in range(4_096)]
    most, more = (
        sent(json.dumps(each).encode()) for each in (values, [*values, "y"])
    )
    # It counts as it is compared.
    long = json.dumps(["\ufdfa" * 1_821], ensure_ascii=False).encode()

    assert ["***", "wrong"] == redact(["0004095x is bad", "wrong"], most)
    assert "***" == shown("wrong", more)
    assert "***" == shown("wrong", sent(long))


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
        dict.fromkeys(map(str, range(8_000)), "x"),
    ],
)
def test_an_answer_takes_no_longer(said: Any) -> None:
    """Of 64 KiB nothing takes long (SECURITY.md)."""
    assert 1.0 > seconds_for(said, sent(SENT))


@pytest.mark.parametrize(
    "values",
    [
        [f"{n:07}x" for n in range(4_000)],
        ["a" * n + "b" for n in range(2, 170)],
        ["a" * 16_000 + "b"],
        ["&" * 16_000],
        ["&#" + "9" * 30_000],
        ["\u0e01" * 100 + chr(0x0E02 + n) for n in range(80)],
    ],
    ids=["many", "alike", "long", "escapes", "a number", "letters"],
)
@pytest.mark.parametrize(
    "said", ["a" * 16_000, dict.fromkeys(map(str, range(60)), "a" * 200)]
)
def test_an_order_takes_no_longer(values: list[str], said: Any) -> None:
    """Nor does the largest order against the largest answer."""
    content = json.dumps(values, ensure_ascii=False).encode()

    assert 1.0 > seconds_for(said, sent(content))


def seconds_for(said: Any, call: Call) -> float:
    """Return how long it takes: 60 ms, or more on slow machines."""
    taken: list[float] = []
    for _ in range(3):
        began = time.process_time()
        redact([said], call)
        taken.append(time.process_time() - began)
    return min(taken)


@pytest.mark.parametrize(
    ("said", "left_out"),
    [
        ("R & D, a&", False),
        ("x&amp;y", True),
        ("gro&szlig; fein", True),
        ("gro&szligx fein", True),
        ("&#43;46 70 174 06 05!", True),
        ("100%, 5 %ok", False),
        ("no%20user", True),
        ("no \\u00f6", True),
        ("Why?", False),
        ("Why? No.", False),
        ("B?rje", True),
        ("??", True),
        ("\u00c3\u00a5", True),
        ("p\u00e5 b\u00c5D", False),
        ("\uff05\uff14\uff11", True),
    ],
)
def test_escapes(said: str, left_out: bool) -> None:
    """What is encoded, lost or wrongly decoded may be anything."""
    assert ("***" if left_out else said) == shown(said, sent(SENT))


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
