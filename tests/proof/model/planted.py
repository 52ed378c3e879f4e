"""Faults in calls, made on purpose: the model must find them.

Those in imports are in `proof.kills.planted`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from unittest.mock import patch

from proof.kills.planted import Fault
from sesamy_async import Outcome, RetryPolicy
from sesamy_async._call import Record

from .world import World


def _unknown_is_sent_again() -> Fault:
    """Send a create again whose outcome is unknown."""
    return patch.object(World, "retry", RetryPolicy(resend_unknown=True))


def _lost_is_not_counted() -> Fault:
    """Count no attempt that may have been done."""

    def note(self: Record, outcome: Outcome) -> None:
        self.last = outcome

    return patch.object(Record, "note", note)


PLANT: Mapping[str, Callable[[], Fault]] = {
    "what is unknown is sent again": _unknown_is_sent_again,
    "what was lost is not counted": _lost_is_not_counted,
}
