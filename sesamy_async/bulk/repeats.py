"""A row that repeats another one, so that it must never be sent.

The check says so of it, and the rejected report keeps what was said; there,
the reader knows it again, or the report would send the order a second time.
"""

from __future__ import annotations


REASON = "#reason"
"""The column, or key, of a rejected report that says why."""

SAME_ROW = "the same row as row "
"""What the reason of such a row begins with."""

SENT_BEFORE = (
    "this row was left out because it repeats another one, whose order is "
    f"sent with that: remove the row; or, if it is another order, its {REASON}"
)
"""What is wrong with such a row of a report that is imported."""


KNOWN_ORDER = "its externalOrderId is that of row "
"""What is wrong with a row whose order another import has, in part."""


# The second is in the report of an import of such a report.
_OF_REPEATS = (SAME_ROW, SENT_BEFORE)


def is_repeat(reason: object) -> bool:
    """Whether a reason is that of such a row."""
    return isinstance(reason, str) and (
        # Other mistakes of the row may stand before it.
        reason.startswith(_OF_REPEATS) or KNOWN_ORDER in reason
    )
