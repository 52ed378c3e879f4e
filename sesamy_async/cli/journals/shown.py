"""Show a journal, or remove it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from sesamy_async.bulk.journal import Entry, Journal, Terms
from sesamy_async.bulk.journal.place import find_journal
from sesamy_async.bulk.journal.presence import wal_of
from sesamy_async.bulk.state import State
from sesamy_async.cli.answer import Answer, rows
from sesamy_async.cli.usage import UsageError


_MOST_SHOWN = 20


@contextmanager
def opened(file: Path) -> Generator[Journal]:
    """Open a journal for the time of a command.

    No import is running then, so an order that was being sent was cut off:
    that is decided first, as at a restart.

    Args:
        file: The journal, or the file of orders beside it.

    Raises:
        JournalError: It can't be used.
    """
    with Journal.open(find_journal(file)) as journal:
        journal.restart()
        yield journal


def shown(journal: Journal) -> Answer:
    """Return what a journal holds."""
    tally = _Tally.of(journal)
    terms = journal.terms
    unknown = list(journal.entries(states={State.UNKNOWN}))
    strays = journal.strays()
    return Answer(
        f"{journal.path} is the journal of {terms.source}: {tally.rows} rows.",
        {
            "journal": str(journal.path),
            **_terms(terms),
            "rows": tally.rows,
            **tally.counts,
            "strays": strays,
            "orders": [
                {
                    "external_order_id": entry.order_id,
                    "row": entry.row,
                    "reason": entry.reason,
                }
                for entry in unknown
            ],
        },
        (
            *rows(**_terms(terms)),
            "",
            *rows(**tally.counts, strays=strays),
            *_listed(unknown),
        ),
    )


def recovered(file: Path, *, yes: bool) -> Answer:
    """Make a journal whole again whose WAL is gone for good.

    Raises:
        UsageError: The option is missing that allows it.
        JournalError: It is whole, or can't be used.
    """
    path = find_journal(file)
    if not yes:
        raise UsageError(
            f"{wal_of(path)} says which orders were sent last. Look for it "
            "first; give --yes if it is gone for good."
        )
    unknown = Journal.recover(path)
    return Answer(
        f"{path} can be used again; {unknown} orders became unknown.",
        {"journal": str(path), "unknown": unknown},
    )


def purged(journal: Journal, *, yes: bool, force: bool) -> Answer:
    """Remove a journal, unless it is still needed.

    Raises:
        UsageError: An option is missing that allows it.
    """
    tally = _Tally.of(journal)
    if (tally.unknown or tally.unprocessed) and not force:
        raise UsageError(
            f"{journal.path} is still needed: {tally.unknown} orders are "
            f"unknown, and {tally.unprocessed} are not finished. Settle and "
            "finish them first; --force removes it all the same."
        )
    if not yes:
        raise UsageError(
            f"{journal.path} says which of {tally.rows} rows were sent; "
            "without it, importing their file again sends them all again. "
            "Give --yes to remove it."
        )
    journal.purge()
    return Answer(
        f"{journal.path} is removed.",
        {"removed": str(journal.path), "rows": tally.rows, **tally.counts},
    )


@attrs.frozen(kw_only=True)
class _Tally:
    """How many rows are where, in the words of the reports."""

    rows: int
    confirmed: int
    created: int
    rejected: int
    unknown: int

    @classmethod
    def of(cls, journal: Journal) -> _Tally:
        states = journal.counts()
        only_created = journal.terms.confirm.goal is State.CREATED
        return cls(
            rows=sum(states.values()),
            confirmed=states[State.CONFIRMED],
            created=states[State.CREATED] if only_created else 0,
            rejected=states[State.REJECTED],
            unknown=states[State.UNKNOWN],
        )

    @property
    def unprocessed(self) -> int:
        settled = self.confirmed + self.created + self.rejected + self.unknown
        return self.rows - settled

    @property
    def counts(self) -> dict[str, int]:
        return {
            "confirmed": self.confirmed,
            "created": self.created,
            "rejected": self.rejected,
            "unknown": self.unknown,
            "unprocessed": self.unprocessed,
        }


def _terms(terms: Terms) -> dict[str, Any]:
    return {
        "source": terms.source,
        "promo": terms.promo_code,
        "vendor": terms.vendor_id,
        "base_url": terms.base_url,
        "confirm": str(terms.confirm),
        "no_strays": not terms.strays,
    }


def _listed(unknown: list[Entry]) -> tuple[str, ...]:
    if not unknown:
        return ()
    lines = [
        f"  row {entry.row}, order {entry.order_id!r}: "
        f"{entry.reason or 'no reason was kept'}"
        for entry in unknown[:_MOST_SHOWN]
    ]
    more = len(unknown) - _MOST_SHOWN
    if more > 0:
        lines.append(f"  and {more} more; --json lists them all")
    return (
        "",
        "Unknown, so somebody has to look (sesamy journal resolve --help):",
        *lines,
    )
