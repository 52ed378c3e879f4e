"""What can keep an import from running."""

from __future__ import annotations

from collections.abc import Sequence

from sesamy_async.errors import ConfigurationError, SesamyError


class InputFileError(ConfigurationError):
    """The file can't be imported as it is; nothing was sent.

    Attributes:
        problems: What is wrong, as far as it is worth showing, such as
            ``"row 17, userData.email: must look like name@example.com"``.

    .. versionadded:: 0.1.0
    """

    def __init__(self, message: str, *, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems: tuple[str, ...] = tuple(problems)


class JournalError(SesamyError):
    """The journal can't be used; the message says what to do.

    What was not written down was not sent.

    Attributes:
        unsent: Whether it came before anything could be sent.

    .. versionadded:: 0.1.0
    """

    def __init__(self, message: str, *, unsent: bool = False) -> None:
        super().__init__(message)
        self.unsent = unsent

    def _advice(self) -> str:
        if self.unsent:
            return "Nothing was sent."
        return "What was not written down was not sent."


class JournalMismatchError(JournalError):
    """The journal is of another file, other options or another version.

    .. versionadded:: 0.1.0
    """


class JournalBusyError(JournalError):
    """Another process uses the journal.

    .. versionadded:: 0.1.0
    """
