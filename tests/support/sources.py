"""Files of orders that are none: for tests of what reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from sesamy_async import NewContract, User
from sesamy_async.bulk import Mistaken, Problem, Row, Sale


@attrs.frozen
class Listed:
    """A `Source` of orders that are numbered."""

    ids: tuple[str, ...]  # "" where the row is mistaken.
    promo_codes: Mapping[str, str] = attrs.field(factory=dict[str, str])

    @property
    def name(self) -> str:
        """How messages call it."""
        return "orders.csv"

    @property
    def header(self) -> tuple[str, ...]:
        """One column."""
        return ("externalOrderId",)

    def fingerprint(self) -> str:
        """Return what changes with it."""
        return repr(self)

    def records(self) -> Iterator[Row]:
        """Yield a row for each id; the first one is row 2."""
        for number, order_id in enumerate(self.ids, start=2):
            yield Row(number, (order_id,))

    def read(self, record: Row) -> Sale | Mistaken:
        """Return the order of a row."""
        [order_id] = record.cells
        if not order_id:
            problem = Problem(record.number, "externalOrderId", "required")
            return Mistaken((problem,))
        order = NewContract(
            external_order_id=order_id,
            payment_provider="KLARNA",
            payment_method="CARD",
            quantity=1,
            user_data=User(email=f"{record.number}@example.com"),
        )
        return Sale(order=order, promo_code=self.promo_codes.get(order_id))


def listed(count: int) -> Listed:
    """Return a source of so many orders: A-2, A-3, ..."""
    return Listed(tuple(f"A-{row}" for row in range(2, count + 2)))
