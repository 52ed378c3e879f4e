"""What the transport leaves behind today, so that the rest can be tested."""

from __future__ import annotations

import pytest


LEFT_HALF_WAY = [
    pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning"),
    pytest.mark.filterwarnings(
        "ignore:unclosed (transport|<):ResourceWarning"
    ),
]
"""Marks to take away once `test_nothing_is_left_half_way` passes."""
