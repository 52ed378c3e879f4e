"""A row of the file, before and after it is read."""

from __future__ import annotations

import attrs

from sesamy_async.models import NewContract

from .problem import Problem


@attrs.frozen
class Record:
    """A row as it stands in the file.

    Attributes:
        number: The row, counted as in `Problem`.
        cells: Its cells; of JSON Lines, the line alone.  Personal, so in
            no repr.
    """

    number: int
    cells: tuple[str, ...] = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Sale:
    """What a right row says: an order, and what it is sold under.

    Attributes:
        order: The order.
        promo_code: Its own, instead of the import's; or None.
        vendor_id: Its own, instead of the client's; or None.

    .. versionadded:: 0.1.0
    """

    order: NewContract
    promo_code: str | None = None
    vendor_id: str | None = None


@attrs.frozen
class Skimmed:
    """What a check must know of a right row.

    Attributes:
        external_order_id: Which order it is.
        promo_code: Its own; or None.
    """

    external_order_id: str
    promo_code: str | None = None


@attrs.frozen
class Mistaken:
    """A row that holds no order that can be sent.

    Attributes:
        problems: All that is wrong with it.
        external_order_id: Which order it is, where that can be read.
        perhaps: Which order it may be once it is mended, where that can't;
            it may be anything that stands there, so it is in no repr.
    """

    problems: tuple[Problem, ...]
    external_order_id: str | None = None
    perhaps: str | None = attrs.field(default=None, repr=False)

    @property
    def reason(self) -> str:
        """What is wrong, as one line."""
        return "; ".join(
            f"{each.column}: {each.reason}" if each.column else each.reason
            for each in self.problems
        )
