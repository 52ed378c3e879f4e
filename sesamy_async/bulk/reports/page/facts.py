"""What a page is made of."""

from __future__ import annotations

import attrs

from sesamy_async.bulk.journal.terms import Terms
from sesamy_async.bulk.journal.timeline import Span
from sesamy_async.bulk.reports.reports import Reports
from sesamy_async.bulk.summary import ImportSummary


@attrs.frozen(kw_only=True)
class Facts:
    """All that is told; nothing of it is personal.

    Attributes:
        summary: How the run ended.
        terms: What was imported, and where to.
        reports: What was reported of every row.
        spans: How many orders ended when, in this run and those before.
        width: Seconds that each span is long.
        now: When the page is made, in Unix seconds.

    .. versionadded:: 0.1.0
    """

    summary: ImportSummary
    terms: Terms
    reports: Reports
    spans: tuple[Span, ...]
    width: float
    now: float

    @property
    def real(self) -> bool:
        """Whether the orders went to an address; a sandbox has but a name."""
        return "://" in self.terms.base_url

    @property
    def began(self) -> float:
        """When the first order ended, in Unix seconds."""
        return self.spans[0].start if self.spans else self.now

    @property
    def ended(self) -> float:
        """When the last order ended, to a span."""
        return self.spans[-1].start + self.width if self.spans else self.now
