"""What an import has agreed to: the same at each restart."""

from __future__ import annotations

import attrs

from sesamy_async.bulk.confirm import Confirm


SANDBOX = "sandbox "
"""What `Terms.base_url` begins with in a sandbox of an import's own."""


@attrs.frozen(kw_only=True)
class Terms:
    """What must not change between two runs of one import.

    Attributes:
        source: The name of the file, for messages.
        fingerprint: Of the file and of how it is read.
        promo_code: For rows that name none; None where all do.
        vendor_id: For rows that name none.
        base_url: Where the orders go: production and a sandbox are two
            imports.
        confirm: When contracts are confirmed.
        strays: Whether an interrupted create may be sent again.

    .. versionadded:: 0.1.0
    """

    source: str
    fingerprint: str
    promo_code: str | None
    vendor_id: str
    base_url: str
    confirm: Confirm = Confirm.SEPARATELY
    strays: bool = True

    @property
    def repeatable(self) -> bool:
        """Whether an interrupted create is sent again."""
        return self.strays and self.confirm.repeatable

    def reach(self, base_url: str) -> bool:
        """Whether orders that go to this address meet those of the import.

        Each import in a sandbox has one of its own.  They count as one, so
        that a rehearsal tells what the real import would.
        """
        if self.base_url.startswith(SANDBOX):
            return base_url.startswith(SANDBOX)
        return self.base_url == base_url
