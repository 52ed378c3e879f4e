"""Lookups, which know whether an order has a contract."""

from __future__ import annotations

from typing import Protocol

import attrs


@attrs.frozen(kw_only=True)
class Found:
    """A contract that an order has.

    Attributes:
        contract_id: Its id.
        confirmed: Whether it gives access.
    """

    contract_id: str
    confirmed: bool


class Lookup(Protocol):
    """Says whether an order has a contract.

    Sesamy documents no such call; your publisher may have one, or a list of
    contracts that you can search.
    """

    async def find(self, external_order_id: str) -> Found | None:
        """Return the contract of an order, a confirmed one first.

        Returns:
            None only if it is certain that there is none.

        Raises:
            SesamyError: It is not known now.
        """
        ...
