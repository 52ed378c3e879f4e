"""Which addresses are taken, and where that differs from a library."""

from __future__ import annotations

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from sesamy_async.bulk.reading._fields import FIELDS
from sesamy_async.bulk.reading._values import (
    WrongValue,
    email_problem,
    is_public,
)


RIGHT = [
    "kim@example.com",
    "kim.berg@example.com",
    "kim+shop@example.com",
    "k@example.com",
    "kim_berg@example.com",
    "kim-berg@example.com",
    "1@example.com",
    "KIM@EXAMPLE.COM",
    "kim@sub.example.co.uk",
    "kim@my-shop.se",
    "kim@a--b.se",
    "kim@1and1.de",
    "kim@123.se",
    "kim!@example.com",
    "kim#1@example.com",
    "kim$@example.com",
    "kim%x@example.com",
    "kim&co@example.com",
    "kim*@example.com",
    "kim/x@example.com",
    "kim=x@example.com",
    "kim?x@example.com",
    "kim^@example.com",
    "kim`@example.com",
    "kim{x}@example.com",
    "kim|x@example.com",
    "kim~@example.com",
    "o'brien@example.ie",
    "kim@example.museum",
    "åsa@example.se",
    "åsa.öberg@example.se",
    "bjørn@example.no",
    "æble@example.dk",
    "kim@öberg.se",
    "kim@ÖBERG.SE",
    "kim@bücher.example",
    "kim@xn--berg-5qa.se",
    "kim@XN--BERG-5QA.se",
    "kim@xn--bcher-kva.example",
    "кім@пошта.укр",
    "kim@faß.de",
    "用户@例子.广告",
    "kim@straße.de",
    "kim@customer.example",
    "kim@example.c",
    "😀@example.com",
    "kim©@example.com",
    "kim½@example.com",
]

WRONG = {
    "must look like name@example.com": (
        *("kim", "@", "@example.com", "kim.example.com"),
        *("<kim@example.com>", "mailto:kim@example.com", "kim\\x@example.com"),
        *("(kim)kim@example.com", "kim(home)@example.com"),
        *("kim:x@example.com", "kim＠example.com"),  # noqa: RUF001
        *("\u030akim@example.com", "kim\ue000@example.com"),
        "kim\u0378@example.com",
        *(".kim@example.com", "kim.@example.com", "kim..berg@example.com"),
    ),
    "has a wrong domain after the @; it must look like name@example.com": (
        *(
            "kim@",
            "kim@123.456",
            "kim@1.2.3.4",
            "kim@[1.2.3.4]",
            "kim@example.123",
        ),
        *("kim@-example.com", "kim@example-.com", "kim@exa_mple.com"),
        *("kim@_dmarc.example.com", "kim@xn--ber\u0067\u2010.se"),
        *("kim@.example.com", "kim@example.com.", "kim@example..com"),
        *("kim@example.com(home)", "kim@example.com?subject=x"),
        *("kim@example.com:25", "kim@😀.com", "kim@©.com", "kim@a½.com"),
        *("kim@\u0378.com", "kim@\u030aa.se", "kim@-å.se", "kim@å-.se"),
        *(f"kim@{'a' * 64}.com", f"kim@{'å' * 64}.se"),
    ),
    "must have one @ only": ("kim@@example.com", "kim@a@example.com"),
    "must be one address only": (
        *("kim@example.com;bo@example.com", "kim@example.com, bo@example.com"),
        *("kim@example.com bo@example.com", "kim@example.com/bo@example.com"),
        *("kim@example.com|bo@example.com", "a@a.se & b@b.se"),
        *("kim@example.com och bo@example.com", "a@a.se\nb@b.se"),
    ),
    "has a comma or a semicolon: should it be a dot?": (
        *("kim@exmaple,com", "kim,berg@example.com", "kim@example.com,"),
        *("kim@example.com;", "kim;berg@example.com"),
    ),
    "must not have spaces in it": (
        *("kim berg@example.com", "kim @example.com", "kim@exam ple.com"),
        *(" kim@example.com", "kim@example.com ", "kim@example.com\n"),
        *("kim\t@example.com", "kim\xa0@example.com", "kim\u3000@example.com"),
        "Kim Berg <kim@example.com>",
    ),
    "must not have quotation marks": (
        *('"kim"@example.com', '"kim berg"@example.com', "'kim@example.com'"),
        *("kim'@example.com'", "\u201ckim@example.com\u201d"),
    ),
    "has letters that look wrong: is the encoding right?": (
        "kim@example\ufffd.com",
    ),
    "has more than 254 characters": (
        f"{'k' * 60}@{'.'.join(['a' * 47] * 4)}.com",
    ),
    **{
        f"has an invisible character ({name}); delete the address and type "
        "it, instead of copying it": (f"kim{sign}@example.com",)
        for name, sign in (
            *(("U+200B", "\u200b"), ("U+00AD", "\xad"), ("U+FEFF", "\ufeff")),
            *(
                ("U+200E", "\u200e"),
                ("U+202D", "\u202d"),
                ("U+2060", "\u2060"),
            ),
            *(("U+0000", "\0"), ("U+007F", "\x7f"), ("U+0085", "\x85")),
            ("U+2028", "\u2028"),
        )
    },
}
OTHERWISE = {
    # What a spreadsheet or a text editor wrote, and no person has.
    "'kim@example.com": "must not have quotation marks",
    "\u2019kim@example.com": "must not have quotation marks",
    "o\u2019brien@example.com": "must not have quotation marks",
    # The library corrects these; here it is a reader that refuses, and in
    # tables the accents are put together before.
    "a\u030asa@example.com": "has accents apart from their letters; type the "
    "address again",
    "kim@a\u030asa.se": "has accents apart from their letters; type the "
    "address again",
    "kim@example\uff0ecom": "has a wrong domain after the @; it must look "
    "like name@example.com",
    "kim@\uff45xample.com": "has a wrong domain after the @; it must look "
    "like name@example.com",
    "kim@example\u3002com": "has a wrong domain after the @; it must look "
    "like name@example.com",
    # Right in Catalan domains, and rarer than a point copied from elsewhere.
    "kim@l\xb7l.cat": "has a wrong domain after the @; it must look like "
    "name@example.com",
    # Nobody sees these, and the library has them for letters.
    "kim\u115f@example.com": "has an invisible character (U+115F); delete "
    "the address and type it, instead of copying it",
    "kim\u3164@example.com": "has an invisible character (U+3164); delete "
    "the address and type it, instead of copying it",
    # It is what stands where an encoding was wrong.
    "Ã¥sa@example.se": "has letters that look wrong: is the encoding right?",
    "kim\ufffd@example.com": "has letters that look wrong: is the encoding "
    "right?",
    # RFC 5321 has the limit, in bytes; the library has it if asked.
    "k" * 65 + "@example.com": "has more than 64 characters before the @",
    "å" * 33 + "@example.com": "has more than 64 characters before the @",
    # Only a warning: somebody's own server may be so.
    **dict.fromkeys(("kim@example", "kim@localhost", "kim@shop.local"), ""),
    **dict.fromkeys(("kim@shop.test", "kim@a.invalid", "kim@a.onion"), ""),
    # Other letters in ASCII are not decoded, nor counted as such.
    **dict.fromkeys(("kim@ab--c.se", "kim@xn--a.se"), ""),
    f"kim@{'å' * 60}.se": "",
    # The order of writing is not checked, which needs tables of letters.
    "kim@\u0661.com": "",
}


def library_takes(address: str) -> bool:
    """Whether email-validator takes an address, without asking its domain."""
    try:
        validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True


@pytest.mark.parametrize("address", RIGHT)
def test_right(address: str) -> None:
    """What the library takes is taken."""
    read = FIELDS["userData.email"].reader(allow_unknown=False)

    assert address == read(address)
    assert library_takes(address)


@pytest.mark.parametrize("problem", WRONG)
def test_wrong(problem: str) -> None:
    """What the library refuses is refused, with the reason."""
    read = FIELDS["ownerData.invoiceEmail"].reader(allow_unknown=False)

    for address in WRONG[problem]:
        with pytest.raises(WrongValue) as caught:
            read(address)
        assert (address, f": {problem}") == (address, *caught.value.args)
        assert not library_takes(address)


def test_otherwise_than_the_library() -> None:
    """Where the library decides otherwise, the table says why."""
    assert OTHERWISE == {each: email_problem(each) for each in OTHERWISE}
    assert {bool(problem) for problem in OTHERWISE.values()} == {True, False}
    for address, problem in OTHERWISE.items():
        assert (address, bool(problem)) == (address, library_takes(address))


@given(st.text("aB1.-+@', ;\"åß_", max_size=16))
def test_any_text(start: str) -> None:
    """Any text of likely signs is decided as the library does it."""
    address = f"{start}.se"
    edges = address.rpartition("@")[0]
    ours = not email_problem(address)

    assert (
        ours == library_takes(address)
        or "'" in (edges[:1], edges[-1:])
        or (ours and "--" in address)
    )


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("kim@example.com", True),
        ("kim.berg@example", False),
        ("kim@shop.LOCAL", False),
        ("kim@shop.invalid", False),
    ],
)
def test_public(address: str, expected: bool) -> None:
    """A domain without a dot, or that is kept for tests, is not public."""
    assert expected == is_public(address)
