"""How long a bar of the chart stands for."""

from __future__ import annotations


_MOST_BARS = 120
_WIDTHS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)


def width_for(seconds: float) -> float:
    """Return a round number of seconds of which 120 are long enough.

    Args:
        seconds: From the first order to the last.
    """
    for width in _WIDTHS:
        if seconds <= width * _MOST_BARS:
            return width
    return -(-seconds // _MOST_BARS)
