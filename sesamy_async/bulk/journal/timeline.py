"""How an import went over time."""

from __future__ import annotations

from collections.abc import Mapping

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
