"""What can keep reports from being written."""

from __future__ import annotations

from sesamy_async.errors import SesamyError


class ReportError(SesamyError):
    """A report can't be read or written, or all of them would be wrong.

    Each one that is in its place is whole: of this run, if it was reached,
    and of an earlier one otherwise.  The journal holds what became of every
    order all the same.

    .. versionadded:: 0.1.0
    """

    def __str__(self) -> str:
        # What became of the orders is not for this error to say.
        return (
            f"{self.args[0]} The journal holds what became of every order: "
            "mend that and give the same command again, which sends nothing "
            "twice and writes the reports."
        )
