"""What is to be done when an import has ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from sesamy_async.bulk.summary import ImportSummary

from .kind import Kind
from .place import STRAYS
from .words import count


def steps(summary: ImportSummary, paths: Mapping[str, Path]) -> Iterator[str]:
    """Yield a sentence for each thing that is left to do.

    Args:
        summary: How the run ended.
        paths: Where the reports are, by the word in their names.
    """

    def named(kind: str) -> str:
        path = paths.get(kind)
        return f"the {kind} report" if path is None else path.name

    if summary.unprocessed:
        yield (
            f"{count(summary.unprocessed, 'row')} not finished: give the same "
            "command again. It goes on where it stopped, and sends nothing "
            "twice."
        )
    if summary.unknown:
        yield (
            f"{count(summary.unknown, 'order')} to look at: ask the "
            "publisher whether there is a contract, and tell it to `sesamy "
            "journal resolve`. Do not send them again before. They are in "
            f"{named(Kind.UNKNOWN)}."
        )
    if summary.rejected:
        yield (
            f"{count(summary.rejected, 'row')} rejected: mend what "
            f"{named(Kind.REJECTED)} tells, and import that file."
        )
    if summary.strays:
        yield (
            f"At most {count(summary.strays, 'contract')} may be left "
            "unconfirmed. They give no access, and nothing has to be done; "
            f"the publisher can remove them: see {named(STRAYS)}."
        )
