"""Ask a sandbox whether an order has a contract."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import attrs

from sesamy_async._call import Response
from sesamy_async._outcome import Outcome
from sesamy_async.bulk import Found
from sesamy_async.errors import SesamyError


if TYPE_CHECKING:
    from sesamy_async._client import AsyncSesamy


@attrs.frozen
class SandboxLookup:
    """A `Lookup` for orders that went to a sandbox, served or in process.

    Attributes:
        client: One that talks to the sandbox.
    """

    client: AsyncSesamy

    async def find(self, external_order_id: str) -> Found | None:
        """Return the contract of an order, a confirmed one first.

        Raises:
            SesamyError: It can't be said.  So it is with every answer of
                what is no sandbox, and where another vendor has a contract
                for such an order: of whose order is asked, nobody says.
        """
        order = quote(external_order_id, safe="")
        answer = await self.client.request("GET", f"/_sandbox/orders/{order}")
        return _first(answer, self.client.vendor_id)


def _first(answer: Response, vendor_id: str) -> Found | None:
    try:
        contracts = answer.json()["contracts"]
        found = [
            Found(contract_id=each["id"], confirmed=each["confirmed"])
            for each in contracts
        ]
        others = {each["vendorId"] for each in contracts} - {vendor_id}
    except (KeyError, TypeError, ValueError):
        raise SesamyError(
            "What has answered is no sandbox.", outcome=Outcome.UNKNOWN
        ) from None
    if others:
        raise SesamyError(
            "Another vendor has a contract for an order of this id; settle "
            "it by hand.",
            outcome=Outcome.UNKNOWN,
        )
    return min(found, key=lambda each: not each.confirmed, default=None)
