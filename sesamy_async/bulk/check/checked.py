"""What a check found."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Self

from sesamy_async.bulk.journal.entry import Planned
from sesamy_async.bulk.problem import Problem

from .alike import Alike
from .notes import Notes


class Checked:
    """All that is wrong with a file; a context manager.

    Attributes:
        rows: How many rows there are; blank ones don't count.
        valid: Those that can be sent.
        invalid: The others.

    .. versionadded:: 0.1.0
    """

    def __init__(self, notes: Notes) -> None:
        self.rows: int = notes.rows
        self.invalid: int = notes.wrong_rows()
        self.valid: int = self.rows - self.invalid
        self._notes = notes

    def problems(self) -> Iterator[Problem]:
        """Yield all problems, in the order of the rows."""
        return self._notes.problems()

    def alike(self) -> Iterator[Alike]:
        """Yield rows whose id differs from an earlier one in looks only.

        In upper and lower case, or in its Unicode form.  They are no
        problems: each is an order of its own.
        """
        return self._notes.alike()

    def planned(self) -> Iterator[Planned]:
        """Yield all rows in their order, for a new journal."""
        return self._notes.plan()

    def close(self) -> None:
        """Remove the temporary file; nothing can be yielded any more."""
        self._notes.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
