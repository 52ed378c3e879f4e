"""The numbers behind the page: shares, widths and scales."""

from __future__ import annotations

import pytest

from sesamy_async.bulk.reports import Kind
from sesamy_async.bulk.reports._page import share, top_of, width_for, widths
from sesamy_async.bulk.reports._words import duration


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (7, 7, "100 %"),
        (1, 1_000_000, "0.01 %"),
        (999_999, 1_000_000, "99.99 %"),
        (1, 3, "33.33 %"),
    ],
)
def test_share(part: int, whole: int, said: str) -> None:
    """Only all is 100 %, and only nothing is 0 %."""
    assert said == share(part, whole)


def test_bar_shows_one_in_a_million() -> None:
    """The bar is full, and no part is too thin to be seen."""
    found = widths({Kind.CONFIRMED: 999_999, Kind.UNKNOWN: 1, Kind.CREATED: 0})

    assert 1000 == pytest.approx(sum(found.values()))
    assert 6 <= found[Kind.UNKNOWN]
    assert Kind.CREATED not in found


@pytest.mark.parametrize(
    ("seconds", "width"),
    [(0, 1), (120, 1), (121, 2), (19_800, 300), (30_000_000, 250_000)],
)
def test_width(seconds: float, width: float) -> None:
    """However long it took, the chart has at most 120 bars."""
    assert width == width_for(seconds)


@pytest.mark.parametrize(
    ("value", "top"), [(0.3, 0.5), (1, 1), (2.2, 2.5), (41, 50), (99, 100)]
)
def test_scale(value: float, top: float) -> None:
    """The axis ends at a round number."""
    assert top == pytest.approx(top_of(value))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "less than 1 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 0 min"),
        (200_000, "55 h 33 min"),
    ],
)
def test_duration(seconds: float, said: str) -> None:
    """A duration is told in the units that matter."""
    assert said == duration(seconds)
