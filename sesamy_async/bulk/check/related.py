"""Other imports that may have sent orders of a file."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from sesamy_async.bulk.errors import JournalBusyError, JournalError
from sesamy_async.bulk.journal import Journal, journal_path
from sesamy_async.bulk.journal.place import (
    SUFFIX,
    followed,
    is_journal,
    same_file,
)
from sesamy_async.bulk.journal.trouble import told
from sesamy_async.bulk.reports.place import Place


def related_journals(
    source: Path, *, base_url: str, journal: Path | None = None
) -> tuple[Path, ...]:
    """Return the journals of imports that a file goes with, by its name.

    Of ``orders.rejected.csv`` these are ``orders.csv.journal`` beside it,
    and those of all other reports of ``orders.csv``, and of their reports:
    whoever mends a row may write an id there that one of them has sent.

    Args:
        source: The file of orders.
        base_url: Where its orders go; imports that sent theirs elsewhere
            are left out.
        journal: Its own, which is left out; that beside it if not given.

    Raises:
        JournalError: One of them can't be read, or is in use.

    .. versionadded:: 0.1.0
    """
    own = journal_path(source) if journal is None else journal
    places = [Place.beside(own).root]
    place = Place.beside(followed(source))
    # A file that is no report may be imported twice, with two journals.
    if place.root not in (place, *places):
        places.append(place.root)
    found: list[Path] = []
    for each in _journals(places, own):
        with opened(each, source.name) as other:
            if other.terms.reach(base_url):
                found.append(each)
    return tuple(found)


@contextmanager
def opened(path: Path, name: str) -> Generator[Journal]:
    """Open the journal of another import.

    Args:
        path: The journal.
        name: Of the file that goes with it.

    Raises:
        JournalError: It can't be opened; the message says why it has to
            be, and what to do.
    """
    try:
        journal = Journal.open(path)
    except JournalBusyError:
        raise JournalBusyError(
            f"{name} goes with {path}, the journal of another import, and "
            "that one is in use. Let it end, or stop it, and try again: "
            "what was sent there must not be sent from here."
        ) from None
    except JournalError as error:
        raise type(error)(
            f"{name} goes with another import: what was sent there must not "
            f"be sent from here. {error.args[0]}"
        ) from error
    with journal:
        yield journal


def _journals(places: list[Place], own: Path) -> Iterator[Path]:
    for place in places:
        with told(own):
            files = sorted(place.folder.iterdir())
        for each in files:
            if Place.beside(each).root != place or not each.is_file():
                continue
            ours = each.name.endswith(SUFFIX) or is_journal(each)
            if ours and not same_file(each, own):
                yield each
