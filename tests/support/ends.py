"""Errors that a call may end in."""

from __future__ import annotations

from sesamy_async import APIError, Outcome, SesamyError


def api(
    kind: type[APIError], status: int, outcome: Outcome = Outcome.REFUSED
) -> APIError:
    """Return an answer of Sesamy's that is an error."""
    return kind("Said so.", status_code=status, outcome=outcome)


def unsettled(error: SesamyError) -> SesamyError:
    """Return an error that came after an attempt that was lost."""
    error.outcome = Outcome.UNKNOWN
    return error


def tried(error: SesamyError) -> SesamyError:
    """Return an error that a call ended in after three requests."""
    error.attempts = 3
    return error
