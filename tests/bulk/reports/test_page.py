"""The page: true, safe to send, and in need of nothing else."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import attrs
import pytest

from sesamy_async.bulk import Confirm, Ending, Entry, State, Terms
from sesamy_async.bulk.journal import Span
from sesamy_async.bulk.reports import Place, write_reports
from sesamy_async.bulk.reports._page import Facts, render
from support.reported import FINGERPRINT, SOME, source_for, summary_of


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


def facts(
    folder: Path,
    entries: tuple[Entry, ...] = SOME,
    spans: tuple[Span, ...] = SPANS,
    **more: object,
) -> Facts:
    """Return what a page is made of."""
    summary = attrs.evolve(summary_of(entries), **more)  # type: ignore[arg-type]
    return Facts(
        summary=summary,
        terms=TERMS,
        reports=write_reports(
            source_for(entries),
            entries,
            summary,
            Place(folder, "orders"),
            fingerprint=FINGERPRINT,
        ),
        spans=spans,
        width=60,
        now=1_800_000_200,
    )


class Reader(HTMLParser):
    """Reads a page, and notices what it refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.refers: list[str] = []
        self.open: list[str] = []

    def handle_starttag(
        self, tag: str, attrs: list[tuple[str, str | None]]
    ) -> None:
        """Keep the name, and whatever leads elsewhere."""
        self.tags.append(tag)
        self.refers += [
            value or ""
            for name, value in attrs
            if name in {"src", "href", "srcset", "action", "xlink:href"}
        ]


def read(page: str) -> Reader:
    """Read a page."""
    reader = Reader()
    reader.feed(page)
    return reader


def test_nothing_is_fetched(tmp_path: Path) -> None:
    """The page has no script, and refers to nothing but itself."""
    page = render(facts(tmp_path))
    reader = read(page)

    assert ["data:,"] == reader.refers
    assert "script" not in reader.tags
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_all_is_escaped(tmp_path: Path) -> None:
    """Whatever a file, an order or a reason is called, it is shown."""
    entries = tuple(
        attrs.evolve(each, order_id=EVIL, reason=EVIL, strays=1)
        for each in SOME
    )
    told = facts(tmp_path, entries, reason=EVIL, ending=Ending.OUTAGE)
    terms = Terms(
        source=EVIL,
        fingerprint="f",
        promo_code=EVIL,
        vendor_id=EVIL,
        base_url=EVIL,
    )
    page = render(attrs.evolve(told, terms=terms))

    assert "<script" not in page
    assert 10 < page.count("&lt;script&gt;")


def test_sandbox(tmp_path: Path) -> None:
    """Nobody takes the page of a sandbox for one of real contracts."""
    real = facts(tmp_path)
    played = attrs.evolve(TERMS, base_url="sandbox 4813262d")

    assert "sandbox" not in render(real)
    assert (
        "Import of orders.csv into a sandbox: no contract is real"
        in render(attrs.evolve(real, terms=played))
    )


def test_nothing_personal(tmp_path: Path) -> None:
    """No cell of the file is on the page."""
    assert "example.se" not in render(facts(tmp_path))


def test_counts(tmp_path: Path) -> None:
    """Each count is told, and they add up."""
    page = render(facts(tmp_path))
    found = dict(
        re.findall(r'span>(\w+)</th><td class="number">(\d+)</td>', page)
    )

    assert {
        "confirmed": "2",
        "rejected": "2",
        "unknown": "1",
        "unprocessed": "2",
    } == found
    assert '<th scope="row">all</th><td class="number">7</td>' in page


def test_headline(tmp_path: Path) -> None:
    """The first sentence is the whole story."""
    page = render(facts(tmp_path))

    assert (
        "<h1>2 of 7 rows are confirmed; 2 rejected, 1 unknown, "
        "2 not finished.</h1>" in page
    )


def test_all_done(tmp_path: Path) -> None:
    """Where all is done, there is nothing to do and nothing to worry at."""
    entries = (SOME[0], attrs.evolve(SOME[4], strays=0))
    page = render(facts(tmp_path, entries))

    assert "<h1>All 2 orders are confirmed.</h1>" in page
    assert "Nothing: all is done." in page
    assert "Why rows were rejected" not in page


def test_what_to_do(tmp_path: Path) -> None:
    """Each thing that is left says what to do, and in which file it is."""
    page = render(facts(tmp_path))

    for said in (
        "2 rows not finished: give the same command again",
        "1 order to look at",
        "orders.unknown.csv",
        "correct the rows of orders.rejected.csv",
        "At most 2 contracts may be left",
        "orders.strays.csv",
    ):
        assert said in page


def test_only_the_first_unknowns(tmp_path: Path) -> None:
    """Of many unknown orders the page has the first ones, and says so."""
    entries = tuple(
        attrs.evolve(SOME[2], row=row, order_id=f"A-{row}")
        for row in range(2, 32)
    )
    page = render(facts(tmp_path, entries))

    assert "Orders to look at: the first 20 of 30" in page
    assert "A-21" in page
    assert "A-22" not in page


def test_chart_is_drawn(tmp_path: Path) -> None:
    """Each span is a bar for each state; the permitted rate is a line."""
    page = render(facts(tmp_path, permitted=5.0))
    [drawn] = re.findall(r'<svg class="chart".*?</svg>', page)
    svg = ET.fromstring(drawn)  # noqa: S314 - ours
    bars = [each.get("class") for each in svg.iter("rect")]
    heights = [
        float(each.get("height", "0"))
        for each in svg.iter("rect")
        if each.get("class") == "confirmed"
    ]

    assert ["confirmed", "confirmed", "rejected", "unknown"] == bars
    assert 3.0 == pytest.approx(heights[0] / heights[1], rel=0.001)
    assert "limit" in [each.get("class") for each in svg.iter("line")]
    assert "at most 5.0, where 2.5 are permitted" in svg.get("aria-label", "")
    assert "2.5 orders per second at 2 calls each" in page


def test_no_limit(tmp_path: Path) -> None:
    """Where no rate is known, no line is drawn."""
    page = render(facts(tmp_path, permitted=None))

    assert 'class="limit"' not in page


def test_long_import(tmp_path: Path) -> None:
    """Over days, the axis names the days."""
    late = attrs.evolve(SPANS[1], start=SPANS[0].start + 200_000)
    page = render(facts(tmp_path, spans=(SPANS[0], late)))

    assert "15 Jan 08:00" in page


def test_nothing_sent(tmp_path: Path) -> None:
    """Without orders that ended there is no chart."""
    page = render(facts(tmp_path, SOME[3:4], spans=()))

    assert "No order was sent." in page
    assert 'class="chart"' not in page


def test_confirm_in_words(tmp_path: Path) -> None:
    """Created is what it says where nothing is confirmed."""
    entries = (attrs.evolve(SOME[5], reason=None),)
    summary = summary_of(entries, Confirm.NO)
    told = Facts(
        summary=summary,
        terms=attrs.evolve(TERMS, confirm=Confirm.NO, promo_code=None),
        reports=write_reports(
            source_for(entries),
            entries,
            summary,
            Place(tmp_path, "o"),
            fingerprint=FINGERPRINT,
        ),
        spans=(),
        width=1,
        now=0,
    )
    page = render(told)

    assert "The order is created." in page
    assert "in the rows" in page
