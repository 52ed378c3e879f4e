"""Interleaved blocks, and ratios block by block.

Absolute times move by a quarter within minutes, whatever one does; two
contestants that ran within the same second see the same machine.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import attrs


Series: TypeAlias = list[float]
"""A figure for each block."""

Matched: TypeAlias = dict[str, Series]
"""A series for each contestant, of the same blocks."""


@attrs.frozen(kw_only=True)
class Spread:
    """A median and how far the figures lie from it.

    Attributes:
        median: Half of them are below.
        q1: A quarter of them are below.
        q3: Three quarters of them are below.
        low: The least.
        high: The greatest.
        count: How many there are.
    """

    median: float
    q1: float
    q3: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, figures: Sequence[float]) -> Spread:
        """Describe figures; there must be at least one."""
        first, _, third = (
            statistics.quantiles(figures, n=4, method="inclusive")
            if len(figures) > 1
            else (figures[0],) * 3
        )
        return cls(
            median=statistics.median(figures),
            q1=first,
            q3=third,
            low=min(figures),
            high=max(figures),
            count=len(figures),
        )


def orders(
    names: Sequence[str], blocks: int, seed: int
) -> Iterator[list[str]]:
    """Yield the names once for each block, in an order by chance."""
    chance = random.Random(seed)  # noqa: S311 - to be repeatable
    for _ in range(blocks):
        order = [*names]
        chance.shuffle(order)
        yield order


def ratios(above: Sequence[float], below: Sequence[float]) -> Series:
    """Divide block by block; what can't be divided is left out."""
    return [
        one / other
        for one, other in zip(above, below, strict=True)
        if other > 0
    ]


def joined(parts: Sequence[Mapping[str, Sequence[float]]]) -> Matched:
    """Put the blocks of several processes one after the other."""
    whole: Matched = {name: [] for name in parts[0]}
    for part in parts:
        for name, series in part.items():
            whole[name].extend(series)
    return whole
