"""What an import makes sure of before it sends: its files, and its rows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import attrs

from sesamy_async._call import RateLimit
from sesamy_async._wal import same_file, wal_of
from sesamy_async.bulk import InputFileError, Source
from sesamy_async.bulk._told import Told, told_by
from sesamy_async.bulk.check import Checked, write_problems
from sesamy_async.bulk.journal import journal_path
from sesamy_async.bulk.journal._files import SUFFIX
from sesamy_async.bulk.reports import Place
from sesamy_async.bulk.reports._words import count, duration

from .output import UsageError


@attrs.frozen
class Files:
    """The files of an import; `page` is its HTML report."""

    source: Path
    journal: Path
    page: Path | None

    @classmethod
    def of(cls, source: str, journal: Path | None, page: Path | None) -> Files:
        """Return them; by default, the journal is beside the source."""
        path = Path(source)
        return cls(path, journal or journal_path(path), page)

    @property
    def ledger(self) -> Path:
        """The contracts of its sandbox; beside the journal."""
        name = self.journal.name.removesuffix(SUFFIX)
        return self.journal.with_name(f"{name}.sandbox")

    @property
    def reports(self) -> Place:
        """Where the reports are; beside the journal."""
        return Place.beside(self.journal)

    @property
    def problems(self) -> Path:
        """The list of what is wrong with the rows."""
        return self.reports.of("problems")

    def keep_apart(self, mapping: Path | None) -> None:
        """Refuse to write over a file that is read or kept."""
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
            alike = Place.beside(journal) == self.reports
            if alike and not same_file(journal, self.journal):
                raise UsageError(
                    f"The reports would have the names of those of {journal}. "
                    "Give the import another name with --journal."
                )

    def _written(self) -> Iterator[Path]:
        yield self.journal
        yield wal_of(self.journal)
        yield self.ledger
        yield self.problems
        yield from self.reports.every()
        if self.page is not None:
            yield self.page


_MOST_SHOWN = 20


def refused(source: Source, found: Checked, path: Path) -> InputFileError:
    """Return the error that names the first problems; list all in a file."""
    shown = [str(each) for each in islice(found.problems(), _MOST_SHOWN + 1)]
    if len(shown) > _MOST_SHOWN:
        shown[_MOST_SHOWN:] = ["and more"]
    try:
        write_problems(found, path)
        kept = f"All are in {path}."
    except InputFileError as error:
        # The problems of the rows are more important.
        kept = f"(The list of all is missing: {error.args[0]})"
    return InputFileError(
        f"{source.name} has mistakes in {count(found.invalid, 'row')} of "
        f"{found.rows:,}: {'; '.join(shown)}. {kept} Correct the file, or "
        "leave these rows out with --skip-invalid.",
        problems=shown,
    )


def alike(found: Checked) -> tuple[str, ...]:
    """Return a note on ids that look the same, if there are any."""
    pairs = found.alike()
    shown = [
        f"row {each.row} (like row {each.other})"
        for each in islice(pairs, _MOST_SHOWN)
    ]
    if not shown:
        return ()
    more = sum(1 for _ in pairs)
    if more:
        shown.append(f"and {more:,} more")
    said = (
        f"Ids that look the same: {', '.join(shown)} differ in upper and "
        "lower case or in Unicode form only, and are orders of their own."
    )
    return (said,)


def in_store(told: Told, name: str) -> Iterator[str]:
    """Yield what a store knew of the orders, and what differs."""
    parts = [f"{told.new:,} new"]
    if told.begun:
        parts.append(f"{told.begun:,} created")
    if told.first is not None:
        by = told_by(told.first)
        parts.append(f"{told.already:,} already confirmed (first {by})")
    if told.doubtful:
        parts.append(f"{told.doubtful:,} in doubt")
    if told != Told():
        yield f"The store of orders, {name}, says: {', '.join(parts)}."
    if told.differ:
        yield f"{differing(told)} Such rows are not sent."


def differing(told: Told) -> str:
    """Return which orders were reported before with other data."""
    rows = ", ".join(map(str, told.differing))
    more = told.differ - len(told.differing)
    rest = f" and {more:,} more" if more else ""
    return (
        f"{count(told.differ, 'order')} with an id that was reported before "
        f"with other data: row {rows}{rest}."
    )


def estimate(calls: int) -> str:
    """Return how long calls take at the rate that Sesamy documents."""
    limit = RateLimit()
    waiting = calls - limit.burst
    told = count(calls, "call")
    if waiting <= 0:
        return f"{told}; a burst of {limit.burst:,} is permitted at once"
    return (
        f"{told}; at least {duration(waiting / limit.rate)} at the permitted "
        f"{limit.rate:g} per second"
    )
