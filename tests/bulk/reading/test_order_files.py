"""The example files are what the documentation says of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sesamy_async.bulk import Source
from sesamy_async.bulk.check import check
from sesamy_async.bulk.reading import open_source
from support.order_files import orders


EXAMPLES = Path(__file__).parents[3] / "examples"
MISTAKES = EXAMPLES / "orders-with-mistakes.csv"
EXAMPLE_HOST = re.compile(r"[^@]+@example\.(com|net|org)")
# What the Swedish regulator keeps free for books and films.
FICTIONAL = re.compile(r"\+46(701740(60[5-9]|6[1-9]\d)|313900600|3139006\d\d)")


def nordic() -> Source:
    """Open the file that the README imports."""
    return open_source(EXAMPLES / "orders.csv")


def other_headers() -> Source:
    """Open the file of a Swedish spreadsheet."""
    return open_source(
        EXAMPLES / "orders-other-headers.csv",
        encoding="cp1252",
        mapping=EXAMPLES / "mapping.toml",
    )


@pytest.mark.parametrize(
    ("source", "rows"), [(nordic(), 200), (other_headers(), 40)]
)
def test_right_files(source: Source, rows: int) -> None:
    """All orders of these files can be sent."""
    with check(source, promo_code="SPRING-12") as checked:
        assert (rows, rows, 0) == (
            checked.rows,
            checked.valid,
            checked.invalid,
        )


@pytest.mark.parametrize("source", [nordic(), other_headers()])
def test_nobody_is_real(source: Source) -> None:
    """Addresses and numbers are those kept free for examples."""
    people = [
        order[role]
        for order in orders(source)
        for role in ("userData", "ownerData")
        if role in order
    ]
    mails = [
        person[kind]
        for person in people
        for kind in ("email", "invoiceEmail")
        if kind in person
    ]
    phones = {
        re.sub(r"[ -]", "", person["phone"])
        for person in people
        if "phone" in person
    }

    assert [] == [it for it in mails if not EXAMPLE_HOST.fullmatch(it)]
    assert [] == [it for it in phones if not FICTIONAL.fullmatch(it)]


def test_the_orders_are_of_all_kinds() -> None:
    """The first file shows all that an order can hold."""
    sent = orders(nordic())
    text = str(sent)

    assert {"SE", "NO", "DK", "FI"} == {
        order["userData"]["address"]["country"] for order in sent
    }
    assert set("åäöøæÅÖØ") <= set(text)
    assert {"ownerData", "vendorData", "providerData"} <= {
        key for order in sent for key in order
    }
    assert {"businessDetails", "extraData", "birthday", "gender"} <= {
        key for order in sent for key in order["userData"]
    }


def test_the_file_with_mistakes_shows_each_kind() -> None:
    """Each kind of mistake is there, both kinds of repeats too."""
    with check(open_source(MISTAKES), promo_code="SPRING-12") as checked:
        reasons = {each.reason for each in checked.problems()}
        counts = (checked.rows, checked.valid, checked.invalid)

    assert (30, 8, 22) == counts
    for part in (
        "required",
        "must not begin or end with spaces",
        "did you mean KLARNA?",
        "must be one of BANKGIRO",
        "must be at least 1",
        "must be at most",
        "must be a whole number such as 1",
        "must look like name@example.com",
        "must be one of male, female, other",
        "must be an ISO 8601 date",
        "needs a UTC offset",
        "must be an id",
        "the same row as row 22",
        "has this externalOrderId too, with other data",
        "the row is cut",
        "a cell that holds the delimiter",
    ):
        assert any(part in reason for reason in reasons), part
