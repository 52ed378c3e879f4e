"""The files of an import."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs

from sesamy_async.bulk import reports
from sesamy_async.bulk.journal import journal_path
from sesamy_async.bulk.journal.place import SUFFIX, same_file
from sesamy_async.bulk.journal.presence import wal_of
from sesamy_async.bulk.reports.place import STRAYS
from sesamy_async.cli.usage import UsageError


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
        return reports.Place.beside(self.journal)

    @property
    def _name(self) -> str:
        return self.journal.name.removesuffix(SUFFIX)

    def keep_apart(self, mapping: Path | None) -> None:
        """Make sure that nothing is written over what is read or kept.

        Args:
            mapping: The file that says which column holds what.

        Raises:
            UsageError: Two of the files would be one.
        """
        taken = [self.source, *([] if mapping is None else [mapping])]
        for path in self._written():
            for other in taken:
                if same_file(path, other):
                    raise UsageError(
                        f"The import would write {path} over {other}. Give "
                        "it other names with --journal and --report."
                    )
            taken.append(path)
        for journal in self.journal.parent.glob(f"*{SUFFIX}"):
            alike = reports.Place.beside(journal) == self.reports
            if alike and not same_file(journal, self.journal):
                raise UsageError(
                    f"The reports would have the names of those of {journal}. "
                    "Give the import another name with --journal."
                )

    def _written(self) -> Iterator[Path]:
        yield self.journal
        yield wal_of(self.journal)
        yield self.ledger
        for name in (*reports.Kind, STRAYS, "problems"):
            yield self.reports.of(name)
        yield self.reports.of(reports.Kind.REJECTED, ".jsonl")
        if self.page is not None:
            yield self.page
