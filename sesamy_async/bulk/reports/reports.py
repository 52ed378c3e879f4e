"""What was reported, and where."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs

from sesamy_async.bulk.journal.entry import Entry

from .kind import Kind


@attrs.frozen(kw_only=True)
class Reports:
    """The reports that were written.

    Attributes:
        rows: How many rows each kind has; they add up to those of the file.
        paths: Where each report is, by the word in its name, such as
            ``"rejected"``; a report without rows is not there.
        kept: Reports that were left as they are, because somebody has
            changed them or imports them; their rows are in no new one.
        rejections: Reasons of the rejected rows with their counts, the most
            frequent first.
        unknown: The first orders that a person has to look at.
        strays: The first orders that may have left unconfirmed contracts.

    .. versionadded:: 0.1.0
    """

    rows: Mapping[Kind, int]
    paths: Mapping[str, Path]
    kept: tuple[Path, ...] = ()
    rejections: tuple[tuple[str, int], ...] = ()
    unknown: tuple[Entry, ...] = ()
    strays: tuple[Entry, ...] = ()
