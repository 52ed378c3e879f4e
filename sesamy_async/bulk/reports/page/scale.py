"""Round numbers for an axis."""

from __future__ import annotations

import math


_ROUND = (1, 2, 2.5, 5, 10)


def top_of(value: float) -> float:
    """Return a round number that is not below a positive one."""
    unit = 10.0 ** math.floor(math.log10(value))
    return next(each * unit for each in _ROUND if each * unit >= value)
