"""Reports that people edit: one that is theirs is never replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

from sesamy_async.bulk._states import JournalError, Kind
from sesamy_async.bulk.journal import Memory, journal_path

from ._files import Report, digest_of
from ._places import Place


_R = TypeVar("_R", bound=Report)


class EditableReport(Generic[_R]):
    """A new report that never replaces what somebody has changed.

    One that somebody has changed, or imports, stays as it is, and the new
    one gets a number in its name.

    Args:
        place: Where reports are.
        kind: Which one it is.
        suffix: How its name ends.
        memory: What a journal knows of earlier ones; None for nothing.
        new: Makes the new report of its path.
    """

    def __init__(
        self,
        place: Place,
        kind: Kind,
        suffix: str,
        memory: Memory | None,
        new: Callable[[Path], _R],
    ) -> None:
        known: Mapping[str, set[bytes]] = (
            {} if memory is None else memory.recall()
        )
        ours: list[Path] = []
        self.kept: dict[Path, bytes | None] = {}
        number = 0
        while True:
            number += 1
            path = place.of(kind, suffix, number=number)
            digest, before = digest_of(path), known.get(path.name, set())
            if journal_path(path).exists() or digest not in {None, *before}:
                self.kept[path] = digest
                continue
            ours.append(path)
            if digest is None and not before:
                break
        self.path, *self._spare = ours
        self.before = [each for each in ours if each.exists()]
        self.report = new(self.path)
        self._memory = memory

    def end(self) -> None:
        """Take no more rows, and have the journal know it."""
        digest = self.report.digest()
        if digest is None:
            return
        for path, theirs in self.kept.items():
            if theirs == digest:
                # It is there already, even if we did not put it there.
                self.path = path
                self.report.discard()
        if self._memory is not None:
            # A journal that can't be written must not prevent a report: at
            # worst the next run takes it for edited, and leaves it alone.
            with suppress(JournalError):
                self._memory.add(self.path.name, digest)

    def remove_spare(self) -> None:
        """Remove the reports that are not needed any more."""
        for path in self._spare:
            path.unlink(missing_ok=True)
