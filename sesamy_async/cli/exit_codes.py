"""What the exit code says of the order."""

from __future__ import annotations

from enum import IntEnum

from sesamy_async.errors import (
    ConfigurationError,
    InvalidRequestError,
    SesamyError,
)

from .interruption import InterruptionError


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    """What was asked for is done."""

    FAILED = 1
    """It was not done, and that is certain."""

    USAGE = 2
    """Nothing was sent: an option, a setting or the order is wrong."""

    REJECTED = 3
    """All orders were processed, and some can't be sent or were refused."""

    LOOK = 4
    """It was done or may have been: look before sending it again."""

    INTERRUPTED = 130
    """Ctrl-C or SIGTERM; it says what became of the order, or how to go on."""


def exit_code_of(error: SesamyError) -> ExitCode:
    """Return the exit code of a command that ended in an error."""
    if isinstance(error, InterruptionError):
        return ExitCode.INTERRUPTED
    # First, for a wrong setting may show when a request was lost already.
    if not error.outcome.settled:
        return ExitCode.LOOK
    if isinstance(error, ConfigurationError | InvalidRequestError):
        return ExitCode.USAGE
    return ExitCode.FAILED
