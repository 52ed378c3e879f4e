"""The activity: onboard an order over the store of orders.

One activity is enough: with a store, `onboard` may be called any number of
times for an order, and goes on where the store says.  So Temporal may repeat
it, even while a worker that it takes for dead is still at work.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from sesamy_async import AsyncSesamy, NewContract, SesamyError
from sesamy_async.problems import problem_of


DEADLINE = 20.0  # Seconds that a try may take, with the SDK's own retries.
HEARTBEAT = 10.0  # Seconds of silence after which a worker counts as dead.
# Who has to act where trying again does not help: somebody who looks whether
# Sesamy has a contract, or the seller; else whoever runs this.
WHO = {HTTPStatus.ACCEPTED: "LOOK", HTTPStatus.UNPROCESSABLE_ENTITY: "WRONG"}


@dataclass(frozen=True)
class Sale:
    """What a workflow starts with; `order` is ``NewContract.to_dict()``."""

    vendor_id: str
    promo_code: str
    order: dict[str, Any]


@dataclass(frozen=True)
class Reported:
    """What a workflow ends with: the confirmed contract."""

    contract_id: str
    strays: int


class Activities:
    """What a worker does for workflows, with its one client."""

    def __init__(self, sesamy: AsyncSesamy) -> None:
        self._sesamy = sesamy

    @activity.defn
    async def onboard(self, sale: Sale) -> Reported:
        """Onboard an order; if that fails, tell Temporal how to go on."""
        beating = asyncio.create_task(_beat())
        try:
            done = await self._sesamy.contracts.onboard(
                sale.promo_code,
                NewContract.from_dict(sale.order),
                vendor_id=sale.vendor_id,
            )
        except SesamyError as error:
            who = WHO.get(problem_of(error).status, "OPERATOR")
            wait = getattr(error, "retry_after", None)
            raise ApplicationError(
                str(error),  # It has nothing personal.
                type="AGAIN" if error.retryable else who,
                non_retryable=not error.retryable,
                next_retry_delay=timedelta(seconds=wait) if wait else None,
            ) from None
        finally:
            beating.cancel()
        return Reported(done.contract.id, done.strays)


async def _beat() -> None:
    """Tell Temporal that this worker is alive."""
    while True:
        activity.heartbeat()
        await asyncio.sleep(HEARTBEAT / 4)
