"""How an import went over time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from sesamy_async.bulk.state import State


@attrs.frozen(kw_only=True)
class Span:
    """What ended in a span of time.

    Attributes:
        start: When it began, in Unix seconds.
        ended: How many orders ended in each state.

    .. versionadded:: 0.1.0
    """

    start: float
    ended: Mapping[State, int]


def spans(
    found: Iterable[tuple[int, str, int]], seconds: float
) -> tuple[Span, ...]:
    """Return the spans in which orders ended, in the order of `found`.

    Args:
        found: The number of a span, a state, and how many ended so.
        seconds: How long each span is.
    """
    ended: dict[int, dict[State, int]] = {}
    for number, state, count in found:
        ended.setdefault(number, {})[State(state)] = count
    return tuple(
        Span(start=number * seconds, ended=counts)
        for number, counts in ended.items()
    )
