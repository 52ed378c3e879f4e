"""The check before an import: files, preview and estimate."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

import attrs

from sesamy_async._call import RateLimit
from sesamy_async.bulk import Confirm, InputFileError, Source, reports
from sesamy_async.bulk.check import Checked, check, write_problems
from sesamy_async.bulk.journal import Journal, journal_path
from sesamy_async.bulk.journal._files import SUFFIX, same_file, wal_of
from sesamy_async.bulk.reading import write_template
from sesamy_async.bulk.reports._places import STRAYS
from sesamy_async.bulk.reports._words import count, duration

from .import_progress import counting
from .output import CommandResult, UsageError


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


_SHOWN = 20


@contextmanager
def checked(
    source: Source,
    promo: str | None,
    problems: Path,
    *,
    journals: Sequence[Journal],
    skip: bool,
) -> Generator[Checked]:
    """Yield what the check of all rows found.

    Args:
        source: The rows.
        promo: The promo code of those that name none.
        problems: Where all problems are written, if there are any.
        journals: Of other imports, whose orders are not sent again.
        skip: Whether rows may be wrong.

    Raises:
        InputFileError: Rows are wrong; the first ones are named.
        JournalError: One of the journals can't be read.
    """
    with counting(f"Checking {source.name}") as on_rows:
        found = check(
            source, promo_code=promo, on_rows=on_rows, journals=journals
        )
    with found:
        if found.invalid and not skip:
            raise _refused(source, found, problems)
        # Those of an earlier check were mended, or come into a report.
        with suppress(OSError):
            problems.unlink()
        yield found


def alike(found: Checked) -> tuple[str, ...]:
    """Return what is told of ids that look the same; nothing of none."""
    pairs = found.alike()
    shown = [
        f"row {each.row} (like row {each.other})"
        for each in islice(pairs, _SHOWN)
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


def _refused(source: Source, found: Checked, path: Path) -> InputFileError:
    shown = [str(each) for each in islice(found.problems(), _SHOWN + 1)]
    if len(shown) > _SHOWN:
        shown[_SHOWN:] = ["and more"]
    rows = count(found.invalid, "row")
    return InputFileError(
        f"{source.name} has mistakes in {rows} of {found.rows:,}: "
        f"{'; '.join(shown)}. {_kept(found, path)} Mend the file, or let "
        "--skip-invalid leave these rows out.",
        problems=shown,
    )


def _kept(found: Checked, path: Path) -> str:
    try:
        write_problems(found, path)
    except InputFileError as error:
        # What is wrong with the rows is more important.
        return f"(The list of all is missing: {error.args[0]})"
    return f"All are in {path}."


def seconds_for(orders: int, confirm: Confirm, limit: RateLimit) -> float:
    """Return how many seconds the orders take, after a rest.

    Args:
        orders: How many are to be sent.
        confirm: How many calls each takes.
        limit: What is permitted.
    """
    return max(0.0, orders * confirm.calls - limit.burst) / limit.rate


def estimate(orders: int, confirm: Confirm) -> str:
    """Say it for people, at the rate that Sesamy documents (D)."""
    limit = RateLimit()
    seconds = seconds_for(orders, confirm, limit)
    calls = count(orders * confirm.calls, "call")
    if not seconds:
        return f"{calls}; a burst of {limit.burst:,} is permitted at once"
    return (
        f"{calls}; at least {duration(seconds)} at the permitted "
        f"{limit.rate:g} per second"
    )


_DEFAULT = "orders.csv"


def template(file: str | None) -> CommandResult:
    """Write a CSV file and a mapping, where none are.

    Args:
        file: The path of the CSV file; orders.csv if not given.

    Raises:
        UsageError: Both would be one file.
        InputFileError: One is there already, or can't be written.
    """
    path = Path(file or _DEFAULT)
    mapping = path.with_suffix(".toml")
    if mapping == path:
        raise UsageError(f"{path} is the mapping's name; name a CSV file.")
    write_template(path, mapping)
    return CommandResult(
        f"{path} is a file to begin with, and {mapping} a mapping.",
        {"template": str(path), "mapping": str(mapping)},
        (
            "  Fill it in, and try it with --promo SPRING-12 --sandbox.",
            "  Are your headers others? Write them into the mapping.",
        ),
    )
