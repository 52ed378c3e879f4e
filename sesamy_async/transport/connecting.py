"""What httpcore calls an error while connecting."""

from __future__ import annotations

from typing import Any


_NO_NAME = "The host's name can't be looked up."


def connecting_error(error: OSError | UnicodeError, errors: Any) -> Exception:
    """Return the exception of httpcore's for one of the system's.

    Args:
        error: As raised; a `UnicodeError` is of a name that is none.
        errors: The module whose exceptions are raised: httpcore's, or that
            of a continuation of it.
    """
    if isinstance(error, UnicodeError):
        kind, words = errors.ConnectError, _NO_NAME
    elif isinstance(error, TimeoutError):
        kind, words = errors.ConnectTimeout, str(error)
    else:
        kind, words = errors.ConnectError, str(error)
    raised: Exception = kind(words)
    return raised
