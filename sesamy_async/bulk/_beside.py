"""The files of an import: the orders, and what is read and written beside."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import attrs

from sesamy_async._files import obstacle
from sesamy_async._wal import same_file, wal_of
from sesamy_async.errors import ConfigurationError

from .journal import journal_path
from .journal._files import SUFFIX
from .reports import ReportPaths


@attrs.frozen
class Files:
    """The files of an import; `page` is its HTML report."""

    source: Path
    journal: Path
    page: Path | None

    @classmethod
    def of(
        cls,
        source: Path,
        journal: Path | None,
        page: Path | None,
        mapping: Path | None,
    ) -> Files:
        """Return them; by default, the journal is beside the source.

        It raises a `ConfigurationError` if one would be written over another,
        or can't be written.
        """
        files = cls(source, journal or journal_path(source), page)
        files._keep_apart(mapping)
        return files

    @property
    def ledger(self) -> Path:
        """The contracts of its sandbox; beside the journal."""
        name = self.journal.name.removesuffix(SUFFIX)
        return self.journal.with_name(f"{name}.sandbox")

    @property
    def reports(self) -> ReportPaths:
        """Where the reports are; beside the journal."""
        return ReportPaths.beside(self.journal)

    @property
    def problems(self) -> Path:
        """The list of what is wrong with the rows."""
        return self.reports.of("problems")

    def _keep_apart(self, mapping: Path | None) -> None:
        """Refuse to write over a file that is read or kept, or nowhere."""
        # If the file itself is nowhere, that is said when it is opened.
        is_there = os.path.exists(self.source)  # noqa: PTH110 - never raises
        # Without the list of problems, nothing is lost.
        needed = {*self._written()} - {self.problems}
        # The longest name first, so that it says how much is too much.
        for path in sorted(needed, key=lambda it: -len(it.name)):
            if is_there and (why := obstacle(path)):
                raise ConfigurationError(
                    f"The import can't write {path}: {why}. Choose another "
                    "place or name: with --report for the page, with "
                    "--journal for all other files."
                )
        taken = [self.source, *([] if mapping is None else [mapping])]
        for path in self._written():
            for other in taken:
                if same_file(path, other):
                    raise ConfigurationError(
                        f"The import would write {path} over {other}. Give "
                        "it other names with --journal and --report."
                    )
            taken.append(path)
        for journal in self.journal.parent.glob(f"*{SUFFIX}"):
            alike = ReportPaths.beside(journal) == self.reports
            if alike and not same_file(journal, self.journal):
                raise ConfigurationError(
                    "The reports would have the same names as those of "
                    f"{journal}. Name another journal with --journal."
                )

    def _written(self) -> Iterator[Path]:
        yield self.journal
        yield wal_of(self.journal)
        yield self.ledger
        yield self.problems
        yield from self.reports.every()
        if self.page is not None:
            yield self.page


_REJECTED = re.compile(r"(.+)\.rejected(?:\.[0-9]+)?\.[a-z]+", re.IGNORECASE)
_WITHOUT_MAPPING = {".jsonl", ".ndjson", ".json"}


def mapping_path(path: Path) -> Path:
    """Return where the mapping of a file of orders is, if it has one."""
    return path.with_name(f"{path.name}.mapping.toml")


def mapping_beside(path: Path) -> Path | None:
    """Return the mapping that is beside a file of orders, if there is one.

    That of ``orders.csv`` is ``orders.csv.mapping.toml``.  A report of
    rejected rows has the columns of the file that it is of, so if it has no
    mapping of its own, it has that one.
    """
    if path.suffix.lower() in _WITHOUT_MAPPING:
        return None
    own = mapping_path(path)
    # Not its own method, which raises if the name is too long.
    if os.path.isfile(own):  # noqa: PTH113
        return own
    if (report := _REJECTED.fullmatch(path.name)) is not None:
        # As `ReportPaths.beside` names reports.
        for ending in ("", ".csv", ".CSV"):
            of = path.with_name(f"{report[1]}{ending}")
            if (found := mapping_beside(of)) is not None:
                return found
    return None
