"""Errors that a call may end in."""

from __future__ import annotations

from sesamy_async import APIError, Outcome, SesamyError
from sesamy_async._call import in_our_words


def api(
    kind: type[APIError], status: int, outcome: Outcome = Outcome.REFUSED
) -> APIError:
    """Return an answer of Sesamy's that is an error."""
    return kind(
        "The text of an error, with Sesamy's words.",
        status_code=status,
        outcome=outcome,
        code="the_code",
        message="Sesamy's words.",
    )


def kept(error: SesamyError) -> str:
    """Return what an import keeps, and shows, of an error."""
    if isinstance(error, APIError):
        return in_our_words(error)
    return str(error.args[0])


def said(error: SesamyError) -> str | None:
    """Return what it says in the rejected report alone."""
    return error.message if isinstance(error, APIError) else None


def unsettled(error: SesamyError) -> SesamyError:
    """Return an error that came after an attempt that was lost."""
    error.outcome = Outcome.UNKNOWN
    return error


def tried(error: SesamyError) -> SesamyError:
    """Return an error that a call ended in after three requests."""
    error.attempts = 3
    return error
