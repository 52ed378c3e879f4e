"""How an import went over time."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from sesamy_async.bulk.state import State

from .store import Store


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


_ENDED = {State.CONFIRMED, State.REJECTED, State.UNKNOWN}


def spans(store: Store, goal: State, seconds: float) -> tuple[Span, ...]:
    """Return the spans in which orders ended, the earliest first.

    Args:
        store: The file of the journal.
        goal: The state in which an order is done.
        seconds: How long each span is.

    Raises:
        JournalError: It can't be read.
    """
    wanted = sorted(_ENDED | {goal})
    marks = ", ".join("?" * len(wanted))
    found = store.read(
        "SELECT CAST(at / ? AS INTEGER) AS span, state, count(*) "  # noqa: S608 - constants of ours
        f"FROM orders WHERE at > 0 AND state IN ({marks}) "
        "GROUP BY span, state ORDER BY span",
        seconds,
        *wanted,
    )
    ended: dict[int, dict[State, int]] = {}
    for number, state, count in found:
        ended.setdefault(number, {})[State(state)] = count
    return tuple(
        Span(start=number * seconds, ended=counts)
        for number, counts in ended.items()
    )
