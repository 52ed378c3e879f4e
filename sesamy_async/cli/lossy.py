"""A stream that may be gone."""

from __future__ import annotations

from contextlib import suppress
from typing import IO, Any, cast

import attrs


_GONE = (OSError, ValueError, AttributeError)


@attrs.frozen(eq=False, repr=False)
class Lossy:
    """Loses what can't be written: it is not worth stopping an import.

    A terminal goes away when its window is closed, or its connection is
    cut, and the import that it was to show may go on.
    """

    _stream: IO[str] | None

    def write(self, text: str) -> int:
        """Write it, if that is possible."""
        with suppress(*_GONE):
            cast("IO[str]", self._stream).write(text)
        return len(text)

    def flush(self) -> None:
        """Let it be seen now, if that is possible."""
        with suppress(*_GONE):
            cast("IO[str]", self._stream).flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
