"""Other imports that may have sent orders of a file."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sesamy_async.bulk.errors import (
    JournalBusyError,
    JournalError,
    JournalMismatchError,
)
from sesamy_async.bulk.journal import Journal, journal_path
from sesamy_async.bulk.journal.place import (
    SUFFIX,
    followed,
    is_journal,
    same_file,
)
from sesamy_async.bulk.reports.place import Place

from .alike import looks


@contextmanager
def related_journals(
    source: Path, *, base_url: str, journal: Path | None = None
) -> Generator[tuple[Journal, ...]]:
    """Open the journals of imports that a file goes with, by its name.

    Of ``orders.rejected.csv`` these are ``orders.csv.journal`` beside it,
    and those of all other reports of ``orders.csv``, and of their reports:
    whoever mends a row may write an id there that one of them has sent.

    They stay open as long as the block runs.  Make the journal of the file
    in it: none of these imports can begin, or go on, between the check and
    that.

    Args:
        source: The file of orders.
        base_url: Where its orders go; imports that sent theirs elsewhere
            are left out.
        journal: Its own, which is left out; that beside it if not given.

    Raises:
        JournalError: One of them can't be read, or is in use; or they can't
            be searched for.  Nothing was sent.

    .. versionadded:: 0.1.0
    """
    own = journal_path(source) if journal is None else journal
    # All are found before one is opened, for finding opens files, too: to
    # close a second name of a journal would free its lock.
    paths = _found(source, own)
    with ExitStack() as held:
        related: list[Journal] = []
        for path in paths:
            other = _opened(path, source.name)
            if other.terms.reach(base_url):
                related.append(held.enter_context(other))
            else:
                other.close()
        yield tuple(related)


def _found(source: Path, own: Path) -> list[Path]:
    found: list[Path] = []
    try:
        for root in _roots(source, own):
            for each in _journals(root):
                if not any(same_file(each, one) for one in (own, *found)):
                    found.append(each)
    except OSError as error:
        raise JournalError(
            f"The journal {own} can't be made, for the journals of related "
            f"imports can't be looked for ({error.filename}: "
            f"{error.strerror}). See that this is there, and that you may "
            "read it.",
            unsent=True,
        ) from error
    return found


def _roots(source: Path, own: Path) -> list[Place]:
    roots = [Place.beside(own).root]
    place = Place.beside(followed(source))
    # A file that is no report may be imported twice, with two journals.
    if place.root not in (place, *roots):
        roots.append(place.root)
    return roots


def _journals(root: Place) -> Iterator[Path]:
    # The name may be typed in another case, or Unicode form, than the disk
    # returns it in.
    stem = looks(root.stem)
    for each in sorted(root.folder.iterdir()):
        if (
            looks(Place.beside(each).root.stem) == stem
            and each.is_file()
            and (each.name.endswith(SUFFIX) or is_journal(each))
        ):
            yield each


def _opened(path: Path, name: str) -> Journal:
    try:
        return Journal.open(path)
    except JournalBusyError:
        raise JournalBusyError(
            f"{name} goes with {path}, the journal of another import, and "
            "that one is in use. Let it end, or stop it, and try again: "
            "what was sent there must not be sent from here.",
            unsent=True,
        ) from None
    except JournalError as error:
        raise type(error)(
            f"{name} goes with another import: what was sent there must not "
            f"be sent from here. {_trouble(path, error)}",
            unsent=True,
        ) from error


def _trouble(path: Path, error: JournalError) -> str:
    if isinstance(error, JournalMismatchError) and not is_journal(path):
        return (
            f"But {path} is no journal of an import, though it has the name "
            "of one. If it is damaged, get it back from a backup; if it is "
            "something else, move it away."
        )
    return str(error.args[0])
