"""Ask a sandbox whether an order has a contract."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import attrs

from sesamy_async.bulk.lookup import Found
from sesamy_async.core.outcome import Outcome
from sesamy_async.core.response import Response
from sesamy_async.errors import SesamyError


if TYPE_CHECKING:
    from sesamy_async.client import AsyncSesamy


@attrs.frozen
class SandboxLookup:
    """A `Lookup` for orders that went to a sandbox, served or in process.

    Attributes:
        client: One that talks to the sandbox.

    .. versionadded:: 0.1.0
    """

    client: AsyncSesamy

    async def find(self, external_order_id: str) -> Found | None:
        """Return the contract of an order, a confirmed one first.

        Raises:
            SesamyError: It can't be said; so is every answer of what is no
                sandbox.
        """
        order = quote(external_order_id, safe="")
        answer = await self.client.request("GET", f"/_sandbox/orders/{order}")
        return _first(answer)


def _first(answer: Response) -> Found | None:
    try:
        found = [
            Found(contract_id=each["id"], confirmed=each["confirmed"])
            for each in answer.json()["contracts"]
        ]
    except (KeyError, TypeError, ValueError):
        raise SesamyError(
            "What has answered is no sandbox.", outcome=Outcome.UNKNOWN
        ) from None
    return min(found, key=lambda each: not each.confirmed, default=None)
