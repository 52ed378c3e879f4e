"""What a cancellation says of the call that it ended."""

from __future__ import annotations

import re

from sesamy_async import Outcome


def outcome_noted(error: BaseException) -> Outcome:
    """Return the outcome in the notes; fail where there is none."""
    notes = " ".join(getattr(error, "__notes__", []))
    found = re.search(r"Outcome: ([A-Z_]+)\.", notes)
    assert found is not None, "a cancellation without a word"
    return Outcome(found[1])
