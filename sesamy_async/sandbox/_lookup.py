"""Ask a sandbox whether an order has a contract."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import attrs

from sesamy_async._outcome import Outcome
from sesamy_async.errors import SesamyError


if TYPE_CHECKING:
    from sesamy_async import AsyncSesamy, Response
    from sesamy_async.bulk import Found


@attrs.frozen
class SandboxLookup:
    """A `Lookup` for orders that went to a sandbox, served or in process.

    Attributes:
        client: A client of the sandbox.
    """

    client: AsyncSesamy

    async def find(self, external_order_id: str) -> Found | None:
        """Return the contract of an order, a confirmed one first.

        Raises:
            SesamyError: The answer is not a sandbox's, or another vendor
                has a contract for an order with this id: an id does not
                say whose order it is.
        """
        order = quote(external_order_id, safe="")
        answer = await self.client.request("GET", f"/_sandbox/orders/{order}")
        return _first(answer, self.client.vendor_id)


def _first(answer: Response, vendor_id: str) -> Found | None:
    # Only here: it loads SQLite, which a sandbox can do without.
    from sesamy_async.bulk import Found  # noqa: PLC0415 - as above

    try:
        contracts = answer.json()["contracts"]
        found = [
            Found(contract_id=each["id"], confirmed=each["confirmed"])
            for each in contracts
        ]
        others = {each["vendorId"] for each in contracts} - {vendor_id}
    except (KeyError, TypeError, ValueError):
        raise SesamyError(
            "There is no sandbox at the base URL of the client.",
            outcome=Outcome.UNKNOWN,
        ) from None
    if others:
        raise SesamyError(
            "Another vendor has a contract for an order with this id; settle "
            "it by hand.",
            outcome=Outcome.UNKNOWN,
        )
    return min(found, key=lambda each: not each.confirmed, default=None)
