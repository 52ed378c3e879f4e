"""The files of an import."""

from __future__ import annotations

from pathlib import Path

import attrs

from sesamy_async.bulk import reports
from sesamy_async.bulk.journal import journal_path


_JOURNAL = ".journal"


@attrs.frozen
class Files:
    """Where an import keeps what it must not forget, and what it reports.

    Attributes:
        source: The orders.
        journal: What was sent.
        page: The report for people, if it is wanted.
    """

    source: Path
    journal: Path
    page: Path | None

    @classmethod
    def of(cls, source: str, journal: Path | None, page: Path | None) -> Files:
        """Return them; the journal is beside the source if not given."""
        path = Path(source)
        return cls(path, journal or journal_path(path), page)

    @property
    def ledger(self) -> Path:
        """What a sandbox was told; beside the journal."""
        return self.journal.with_name(f"{self._name}.sandbox")

    @property
    def reports(self) -> reports.Place:
        """Where the reports are; beside the journal."""
        return reports.Place(self.journal.parent, Path(self._name).stem)

    @property
    def _name(self) -> str:
        return self.journal.name.removesuffix(_JOURNAL)
