"""The page: true, safe to send, and in need of nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import attrs
import pytest

from sesamy_async.bulk import Confirm, Ending, Entry, State, Terms
from sesamy_async.bulk.journal import Span
from sesamy_async.bulk.reports._page import Facts, render
from support.reported import SOME, summary_of, written


EVIL = '"><script>alert(1)</script>'
TERMS = Terms(
    source="orders.csv",
    fingerprint="f",
    promo_code="SPRING-12",
    vendor_id="acme",
    base_url="https://api.sesamy.com",
)
SPANS = (
    Span(start=1_800_000_000, ended={State.CONFIRMED: 300}),
    Span(
        start=1_800_000_060,
        ended={State.CONFIRMED: 100, State.REJECTED: 2, State.UNKNOWN: 1},
    ),
)


def page_of(
    folder: Path,
    entries: tuple[Entry, ...] = SOME,
    *,
    terms: Terms = TERMS,
    spans: tuple[Span, ...] = SPANS,
    **more: Any,
) -> str:
    """Return the page of these rows; `more` is of the summary."""
    summary = attrs.evolve(summary_of(entries, terms.confirm), **more)
    return render(
        Facts(
            summary=summary,
            terms=terms,
            reports=written(folder, entries, confirm=terms.confirm),
            spans=spans,
            width=60,
            now=1_800_000_200,
        )
    )


def test_nothing_is_fetched(tmp_path: Path) -> None:
    """The page has no script, and refers to nothing but itself."""
    page = page_of(tmp_path)
    refers = re.findall(r'(?:src|href|srcset|action|data)="([^"]*)"', page)

    assert ["data:,"] == refers
    for fetched in ("<script", "url(", "@import"):
        assert fetched not in page
    assert "default-src 'none'" in page


def test_all_is_escaped(tmp_path: Path) -> None:
    """Names of files and orders, terms and reasons are shown as text."""
    entries = tuple(
        attrs.evolve(each, order_id=EVIL, reason=EVIL, strays=1)
        for each in SOME
    )
    terms = attrs.evolve(
        TERMS, source=EVIL, promo_code=EVIL, vendor_id=EVIL, base_url=EVIL
    )
    page = page_of(
        tmp_path, entries, terms=terms, reason=EVIL, ending=Ending.OUTAGE
    )

    assert "<script" not in page
    assert 10 < page.count("&lt;script&gt;")


def test_sandbox(tmp_path: Path) -> None:
    """The page of a sandbox says that no contract is real."""
    sandbox = attrs.evolve(TERMS, base_url="sandbox 4813262d")

    assert "sandbox" not in page_of(tmp_path)
    assert (
        "Import of orders.csv into a sandbox: no contract is real"
        in page_of(tmp_path, terms=sandbox)
    )


def test_counts(tmp_path: Path) -> None:
    """The page has the counts, what to do in which file, and no cell."""
    page = page_of(tmp_path)
    found = dict(
        re.findall(r'span>(\w+)</th><td class="number">(\d+)</td>', page)
    )

    assert {
        "confirmed": "2",
        "rejected": "2",
        "unknown": "1",
        "unprocessed": "2",
    } == found
    assert "example.se" not in page
    for said in (
        '<th scope="row">all</th><td class="number">7</td>',
        "2 of 7 rows are confirmed; 2 rejected, 1 unknown, 2 not finished.",
        "2 rows not finished: run the same command again",
        "1 order to look at",
        "orders.unknown.csv",
        "correct the rows of orders.rejected.csv",
        "At most 2 contracts may be left",
        "orders.strays.csv",
    ):
        assert said in page


def test_cut_off(tmp_path: Path) -> None:
    """After Ctrl-C, somebody may have to check what was cut off."""
    said = "cut off by a second Ctrl-C"

    assert said in page_of(tmp_path, ending=Ending.INTERRUPTED)
    assert said not in page_of(tmp_path, ending=Ending.OUTAGE)


NOT_FOUND = (
    "Sesamy answered 404. Check the vendor id, the promo code and so on."
)


@pytest.mark.parametrize(
    ("reasons", "asked"),
    [
        ((NOT_FOUND, NOT_FOUND), True),
        ((NOT_FOUND, "userData.email: is missing"), False),
        (("userData.email: is missing",), False),
    ],
)
def test_none_was_accepted(
    tmp_path: Path, reasons: tuple[str, ...], *, asked: bool
) -> None:
    """The promo code is doubted only if Sesamy refused all for it."""
    entries = tuple(
        attrs.evolve(
            SOME[0],
            row=row,
            order_id=f"A-{row}",
            contract_id=None,
            state=State.REJECTED,
            reason=reason,
        )
        for row, reason in enumerate(reasons, 2)
    )

    assert asked == ("No order was accepted" in page_of(tmp_path, entries))


def test_on_a_phone(tmp_path: Path) -> None:
    """Each value has its name beside it; commands look like such."""
    page = page_of(tmp_path)

    assert '<td class="row" data-name="Row">' in page
    assert '<td data-name="Reason">' in page
    assert "record it with <code>sesamy journal resolve</code>. Do" in page


def test_name_in_no_encoding(tmp_path: Path) -> None:
    """The name of a file may be no UTF-8; the page always is."""
    terms = attrs.evolve(TERMS, source="or\udce5der.csv")
    page = page_of(tmp_path, terms=terms)

    assert "Import of or?der.csv" in page
    assert page == page.encode().decode()


def test_all_done(tmp_path: Path) -> None:
    """If all is done, there is nothing to do."""
    entries = (SOME[0], attrs.evolve(SOME[4], strays=0))
    page = page_of(tmp_path, entries)

    assert "<h1>All 2 orders are confirmed.</h1>" in page
    assert "Nothing: all is done." in page
    assert "Why rows were rejected" not in page


def test_only_the_first_unknowns(tmp_path: Path) -> None:
    """Of many unknown orders the page has the first ones, and says so."""
    entries = tuple(
        attrs.evolve(SOME[2], row=row, order_id=f"A-{row}")
        for row in range(2, 32)
    )
    page = page_of(tmp_path, entries)

    assert "Orders to look at: the first 20 of 30" in page
    assert "A-21" in page
    assert "A-22" not in page


def test_bar(tmp_path: Path) -> None:
    """The parts are as wide as their shares, and none is too thin to see."""
    page = page_of(tmp_path)
    [bar] = re.findall(r'<div class="bar".*?</div>', page)

    assert (
        'aria-label="2 confirmed, 2 rejected, 1 unknown, 2 unprocessed"' in bar
    )
    assert [
        ("confirmed", "2"),
        ("rejected", "2"),
        ("unknown", "1"),
        ("unprocessed", "2"),
    ] == re.findall(r'<span class="(\w+)" style="flex: (\d) 0 6px"', bar)


def test_chart(tmp_path: Path) -> None:
    """Each span is a bar for each state; the permitted rate is a line."""
    page = page_of(tmp_path, permitted=5.0)
    [plot] = re.findall(r'<div class="plot">.*?</div>', page)
    bars = re.findall(
        r'<span class="(\w+)" style="[^"]*height: ([\d.]+)%', plot
    )
    heights = [float(height) for _, height in bars]

    assert ["confirmed", "confirmed", "rejected", "unknown"] == [
        state for state, _ in bars
    ]
    assert 3.0 == pytest.approx(heights[0] / heights[1], rel=0.001)
    assert "at most 5.0, where 2.5 are permitted" in page
    assert "2.5 orders per second at 2 calls each" in page
    assert 'class="limit"' in page
    assert 'class="limit"' not in page_of(tmp_path, permitted=None)


def test_long_import(tmp_path: Path) -> None:
    """Over days, the axis names the days."""
    late = attrs.evolve(SPANS[1], start=SPANS[0].start + 200_000)

    assert "15 Jan 08:00" in page_of(tmp_path, spans=(SPANS[0], late))


def test_created(tmp_path: Path) -> None:
    """Without confirming, created is the goal; without spans, no chart."""
    entries = (attrs.evolve(SOME[5], reason=None),)
    terms = attrs.evolve(TERMS, confirm=Confirm.NO, promo_code=None)
    page = page_of(tmp_path, entries, terms=terms, spans=())

    assert "The order is created." in page
    assert "in the rows" in page
    assert "No order was sent." in page
    assert 'class="chart"' not in page
