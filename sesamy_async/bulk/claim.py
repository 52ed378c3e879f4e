"""An order that is an importer's to process now."""

from __future__ import annotations

import attrs

from .journal.entry import Entry
from .record import Sale


@attrs.frozen
class Claim:
    """One order, with what the journal says of it.

    Attributes:
        entry: How far it has come.
        sale: What is to be sent; in no repr.
        asked: Whether its confirm may have been sent before.
    """

    entry: Entry
    sale: Sale = attrs.field(repr=False)
    asked: bool = False
