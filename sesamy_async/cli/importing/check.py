"""Look at the whole file before anything is sent."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

from sesamy_async.bulk.check import Checked, check, write_problems
from sesamy_async.bulk.errors import InputFileError
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.reports.words import count
from sesamy_async.bulk.source import Source

from .watch import counting


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
