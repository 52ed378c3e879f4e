"""Cells as spreadsheets, shops and databases leave them."""

from __future__ import annotations

import csv
from typing import Any

import pytest

from sesamy_async import NewContract
from sesamy_async.bulk import Sale
from sesamy_async.bulk.reading import _cells
from sesamy_async.bulk.reading._cells import clean, doubts
from sesamy_async.bulk.reading._fields import FIELDS, field_of, mended_id
from sesamy_async.bulk.reading._values import (
    WrongValue,
    read_date,
    suspicious,
)
from support.examples import EXAMPLES


ZERO = "did a spreadsheet remove a zero at its beginning?"
PHONE, NAME, EMAIL = "userData.phone", "userData.fullName", "userData.email"
ZIP, OWN = "userData.address.zip", "vendorData.campaign"
BORN, WORD = "userData.birthday", "paymentMethod"
CLEANED = {
    "spaces around it were removed": [
        *((PHONE, cell, "+46") for cell in (" +46", "+46 ", "\xa0+46\u3000")),
        *((EMAIL, " kim@a.se", "kim@a.se"), (WORD, "CARD ", "CARD")),
        *(("quantity", " 1", "1"), ("promoCode", "SPRING ", "SPRING")),
        *((NAME, "  ", ""), (BORN, " ", "")),
    ],
    "line breaks or tabs around it were removed": [
        *(
            (NAME, cell, "Kim\nBerg")
            for cell in ("\tKim\nBerg", "Kim\nBerg\r")
        ),
        (EMAIL, "kim@a.se\n", "kim@a.se"),
    ],
    "invisible characters were removed": [
        *((NAME, "\ufeffKim", "Kim"), (NAME, "Kim\u200b", "Kim")),
        *((PHONE, "\u202d+46\u202c", "+46"), (ZIP, "413\u200b04", "41304")),
    ],
    "no-break spaces became plain ones": [
        *((PHONE, "070\xa0123", "070 123"), (NAME, "Kim\u202fB", "Kim B")),
    ],
    'the formula ="…" around it was removed': [
        *((PHONE, '="0701"', "0701"), (OWN, '="0018"', "0018")),
    ],
    "the apostrophe of a spreadsheet was removed": [
        *((PHONE, "'+467", "+467"), (ZIP, "'0352", "0352")),
        *((OWN, "'-1'", "-1"), (WORD, "'CARD", "CARD")),
        *((EMAIL, "'kim@a.se", "kim@a.se"), (EMAIL, "'k@a.se'", "k@a.se")),
    ],
    "only the address was taken, without what is around it": [
        (EMAIL, cell, "kim@a.se")
        for cell in (
            *("<kim@a.se>", "Kim Berg <kim@a.se>", "mailto:kim@a.se"),
            *('"Berg, Kim" <kim@a.se>', "Mailto: kim@a.se", "< kim@a.se >"),
            "Kim <mailto:kim@a.se>",
        )
    ],
    "letters and their accents were put together": [
        (EMAIL, "a\u030asa@a.se", "åsa@a.se")
    ],
    "written as in Sesamy's guide": [
        *((WORD, "invoice", "INVOICE"), (WORD, "Swish", "SWISH")),
        *(("paymentProvider", "Klarna", "KLARNA"),),
        ("userData.gender", "FEMALE", "female"),
    ],
    "the decimal places, which are zero, were removed": [
        *(
            ("quantity", cell, "1")
            for cell in ("1.0", "1,0", "1,00", "1.0000")
        ),
        *((PHONE, "46701740605.0", "46701740605"), (ZIP, "41304,0", "41304")),
    ],
    "written as year, month and day, such as 1980-12-31": [
        (BORN, cell, "1980-12-31") for cell in ("1980/12/31", "31.12.1980")
    ],
}
WARNED = {
    _cells.SHORTENED: (
        *("4,67E+10", "4.67e+10", "4,67E10", "2.02609170001235E+016"),
        "5E+10",
    ),
    _cells.EMPTY_WORD: (
        *("NULL", "null", "None", "nan", "NaN", "N/A", "undefined", "nil"),
        *("-", "--", "–", "(null)", "\\N", "[object Object]"),  # noqa: RUF001
        "null null",
    ),
    _cells.ERROR: (
        *("#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#SAKNAS!"),
        *("#VÄRDEFEL!", "#I/T", "#VERDI!", "#PUUTTUU!", "####", "Err:502"),
    ),
    _cells.IS_FORMULA: ("=A1+B1", "=+46701740605", "=SUM(A1:A9)"),
    _cells.WRONG_LETTERS: (
        *("Ã…sa", "BjÃ¶rk", "M„rta", "Bj™rk", "™berg", "Bj\ufffdrk"),
        *("Bj?rk", "itâ€™s"),
    ),
    _cells.INVISIBLE_INSIDE: ("Kim\u200bBerg", "Kim\x07Berg", "Kim\xadBerg"),
}
AS_IT_IS = [
    *((NAME, cell) for cell in ("O'Brien", "'t Hooft", "Åsa Öberg", "Nancy")),
    *((NAME, cell) for cell in ("Nils Nan Si", "Null-Eriksen", "M\u2019Bow")),
    *((NAME, cell) for cell in ("Kim ❤️", "Šárka Œ", "São", "A\nB")),
    *((PHONE, cell) for cell in ("+46 70-174 06 05", "070/12", "46701740605")),
    *((ZIP, cell) for cell in ("413 04", "SE-413 04", "0352")),
    *((OWN, cell) for cell in ("#1039", "12E3", "1.5", "2.0", "199.00", "NA")),
    *((OWN, cell) for cell in ("https://a.se/?a=b", "why?", "-5", "A-1")),
    *((WORD, cell) for cell in ("FAKTURA", "CARD")),
    *(("quantity", cell) for cell in ("1 st", "1x", "1,5", "1.000", "one")),
    *((BORN, cell) for cell in ("1980-12-31", "2000-01-01T00:00Z")),
    (EMAIL, "kim@a.se\u200b"),
    *((EMAIL, cell) for cell in ("a@a.se <b@b.se>", "kim@a,se", "<a b@c.se>")),
    *((NAME, cell) for cell in (" \0", " \ud800")),
]


def said(name: str, cell: str) -> list[tuple[str, str, str, str]]:
    """Return the field, a cell, what becomes of it, and each remark."""
    field = field_of(name)
    assert field is not None
    value, remarks = clean(field, cell)
    return [(name, cell, value, remark.text) for remark, *_ in remarks]


@pytest.mark.parametrize("text", CLEANED)
def test_cleaned(text: str) -> None:
    """What can mean one thing only is cleaned, and it is said."""
    for name, cell, value in CLEANED[text]:
        assert [(name, cell, value, text)] == said(name, cell)


@pytest.mark.parametrize("remark", WARNED)
def test_warned(remark: Any) -> None:
    """What looks wrong stays as it is, and is warned of."""
    for cell in WARNED[remark]:
        assert [(OWN, cell, cell, remark.text)] == said(OWN, cell)
        assert suspicious(f"A-1\x1f{cell}\x1f")


def test_several_in_one_cell() -> None:
    """Each remark has the cell before and after it."""
    value, remarks = clean(FIELDS[WORD], "\u200b 'card\t ")

    assert "CARD" == value
    assert [
        (_cells.UNSEEN, "\u200b 'card\t ", " 'card\t "),
        (_cells.BREAKS, " 'card\t ", " 'card "),
        (_cells.SPACES, " 'card ", "'card"),
        (_cells.APOSTROPHE, "'card", "card"),
        (_cells.AS_IN_GUIDE, "card", "CARD"),
    ] == remarks


@pytest.mark.parametrize(("name", "cell"), AS_IT_IS)
def test_as_it_is(name: str, cell: str) -> None:
    """What is right, or can mean two things, is left to the reader."""
    assert [] == said(name, cell)


def test_dates() -> None:
    """A birthday is read in the form that the mapping says."""
    born = FIELDS[BORN]

    assert "1980-12-31" == clean(born, "31/12/1980", date_form="D/M/YYYY")[0]
    with pytest.raises(WrongValue, match="must be a date such as"):
        clean(born, "31/12/1980")
    assert "1980-12-31" == read_date("31.12.1980", None)


@pytest.mark.parametrize(
    ("order_id", "mended"),
    [
        *((text, None) for text in ("4,67E+10", "2.02609170001235E+016")),
        *((text, None) for text in ("1E-05", "12E+3", "NULL", "None", "-")),
        *((text, text) for text in ("#N/A", "#REF!", "#VALUE!")),
        *((text, "0018") for text in ('="0018"', "'0018", "0018.0", " 0018")),
        *((text, "0018") for text in ("0018\u200b", "\ufeff0018", "0018,0")),
    ],
)
def test_strange_ids(order_id: str, mended: str | None) -> None:
    """An id that a program changed is a mistake, and never cleaned."""
    field = FIELDS["externalOrderId"]

    assert (order_id, []) == clean(field, order_id)
    with pytest.raises(WrongValue):
        field.reader(allow_unknown=False)(order_id)
    assert mended == mended_id(order_id)


@pytest.mark.parametrize(
    "order_id",
    [
        *("0018", "12E3", "4711E-12", "219E01BE", "#1039", "2028.010", "A.0"),
        *("TM-2026/1", "Å-1", "A 1", "x", "ORD+1", "(A)", "1.5"),
        "=1+1",
    ],
)
def test_fair_ids(order_id: str) -> None:
    """An id that people do give is taken."""
    read = FIELDS["externalOrderId"].reader(allow_unknown=False)

    assert order_id == read(order_id)


def test_ordinary_rows() -> None:
    """In ordinary rows nothing is suspicious."""
    with (EXAMPLES / "orders.csv").open(encoding="utf-8", newline="") as file:
        rows = ["\x1f".join(row) for row in csv.reader(file)]

    assert len(rows) > 100
    assert [] == [row for row in rows if suspicious(row)]


def doubted(**user: Any) -> list[tuple[str, str]]:
    """Return the doubts about an order of a user."""
    data = {"externalOrderId": "A-1", "userData": {"email": "k@a.se", **user}}
    sale = Sale(order=NewContract.from_dict(data))
    return [(path, remark.text) for path, remark in doubts(sale)]


@pytest.mark.parametrize(
    ("country", "code", "expected"),
    [
        *(("NO", code, f"NO: {ZERO}") for code in ("352", "1")),
        *(
            (name, "352", f"NO: {ZERO}")
            for name in ("Norge", " no ", "NORWAY")
        ),
        *((name, "800", f"DK: {ZERO}") for name in ("DK", "Danmark")),
        *((name, "1067", f"DE: {ZERO}") for name in ("DE", "Tyskland")),
        *((name, "100", f"FI: {ZERO}") for name in ("FI", "Suomi", "fin")),
        ("RO", "10011", f"RO: {ZERO}"),
        # No zip of theirs begins with a zero.
        *(("SE", code, "SE") for code in ("4130", "41 30")),
    ],
)
def test_short_zips(country: str, code: str, expected: str) -> None:
    """A zip that has too few digits for its country is warned of."""
    address = {"zip": code, "country": country}

    assert ("userData.address.zip", f"is too short for {expected}") in (
        doubted(address=address)
    )


@pytest.mark.parametrize(
    ("country", "said"),
    [
        ("SE", ""),
        ("Ranska", "is not a code of two letters, such as SE"),
        ("Suomi", "'Suomi' is not a code of two letters: write FI"),
        ("NORGE", "'NORGE' is not a code of two letters: write NO"),
        ("Tanska", "'Tanska' is not a code of two letters: write DK"),
        ("Åland", "'Åland' is not a code of two letters: write AX"),
        ("nor", "'nor' is not a code of two letters: write NO"),
    ],
)
def test_countries(country: str, said: str) -> None:
    """What is no code of two letters is warned of; a known name has one."""
    assert [("userData.address.country", said)] * bool(said) == doubted(
        address={"country": country}
    )


def test_short_zip_without_country() -> None:
    """Without a country, a zip of three digits is warned of."""
    assert [
        ("userData.address.zip", f"has fewer than 4 digits: {ZERO}")
    ] == doubted(address={"zip": "352"})


@pytest.mark.parametrize(
    ("user", "path", "remark"),
    [
        ({"email": None}, "", _cells.NO_EMAIL),
        ({"email": "kim@a"}, EMAIL, _cells.NOT_PUBLIC),
        (
            {"invoiceEmail": "kim@a.local"},
            "userData.invoiceEmail",
            _cells.NOT_PUBLIC,
        ),
    ],
)
def test_doubts(user: dict[str, Any], path: str, remark: Any) -> None:
    """What is right by its form, and still looks wrong, is warned of."""
    assert [(path, remark.text)] == doubted(**user)


@pytest.mark.parametrize(
    "user",
    [
        {"birthday": "1980-12-31", "invoiceEmail": "k@b.se"},
        {"birthday": "2020-01-01", "address": {"city": "Oslo"}},
        *({"address": {"zip": code}} for code in ("413 04", "4130", "W1")),
        *(
            {"address": {"zip": code, "country": country}}
            for country, code in (
                *(("NO", "0352"), ("SE", "S-41"), ("SE", "413 04")),
                *(("IS", "101"), ("XX", "35"), ("GB", "W1")),
            )
        ),
    ],
)
def test_no_doubts(user: dict[str, Any]) -> None:
    """An ordinary order is not warned of."""
    assert [] == doubted(**user)


@pytest.mark.parametrize(
    ("order_id", "expected"),
    [
        *((text, True) for text in ("Total", "SUMMA", "Totalt: 1 500,00 kr")),
        *((text, True) for text in ("Yhteensä", "Grand total", "Sum =")),
        *((text, False) for text in ("SUM-1", "Total-2026-1", "SUMMER", "A")),
    ],
)
def test_totals(order_id: str, expected: bool) -> None:
    """A line of totals is warned of, and that it has no address."""
    sale = Sale(order=NewContract.from_dict({"externalOrderId": order_id}))
    texts = [(path, remark.text) for path, remark in doubts(sale)]

    assert [
        ("", _cells.NO_EMAIL.text),
        *[("externalOrderId", _cells.TOTALS.text)] * expected,
    ] == texts


def test_owner() -> None:
    """The address of the owner is enough, and is looked at."""
    data = {"externalOrderId": "A", "ownerData": {"email": "kim@a"}}
    sale = Sale(order=NewContract.from_dict(data))

    assert [("ownerData.email", _cells.NOT_PUBLIC)] == doubts(sale)
