"""Which failure means what: pure functions from facts to an outcome."""

from __future__ import annotations

from .failure import Failure
from .outcome import Outcome
from .status import (
    PERMANENT_REDIRECT,
    REFUSALS,
    SUCCESS,
    TEMPORARY_REDIRECT,
)


_REPEATED_ELSEWHERE = {TEMPORARY_REDIRECT, PERMANENT_REDIRECT}


def outcome_of_status(status_code: int) -> Outcome:
    """Say what a complete answer with this status means.

    A success counts only if Sesamy gave it, which is for its body to show.
    A 5xx, a 408 or a 4xx that no standard knows may come from a gateway
    whose backend went on working, so it leaves the outcome unknown.  Of the
    redirects only 307 and 308 say that the request is to be repeated
    elsewhere, hence was not done here; a 301, 302 or 303 may be the answer
    to a request that was done.
    """
    if status_code in SUCCESS:
        return Outcome.APPLIED
    if status_code in REFUSALS or status_code in _REPEATED_ELSEWHERE:
        return Outcome.REFUSED
    return Outcome.UNKNOWN


def outcome_of_failure(failure: Failure) -> Outcome:
    """Say what an exchange without a complete answer means.

    Only what is known not to have left is NOT_SENT.
    """
    if failure.status_code is not None:
        outcome = outcome_of_status(failure.status_code)
        foreign = outcome is Outcome.APPLIED and not failure.own
        return Outcome.UNKNOWN if foreign else outcome
    return Outcome.NOT_SENT if failure.sent is False else Outcome.UNKNOWN
