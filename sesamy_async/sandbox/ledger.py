"""What the sandbox has done: the truth about every order."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import AbstractContextManager
from typing import Any

from sesamy_async.core.secret import Secret

from .contract import SoldContract
from .routes import Endpoint
from .token import Grant


NO_ANSWER = 0
"""Stands for the status where the client got no answer.

.. versionadded:: 0.1.0
"""


class Ledger:
    """Contracts, tokens and counts; read it from any thread.

    .. versionadded:: 0.1.0
    """

    def __init__(self) -> None:
        # Re-entrant: the sandbox holds it over a decision and its effect.
        self.lock: AbstractContextManager[bool] = threading.RLock()
        self._contracts: dict[str, SoldContract] = {}
        self._orders: dict[str, list[str]] = {}
        self._grants: dict[Secret, Grant] = {}
        self._answers: Counter[tuple[Endpoint, int]] = Counter()

    def contracts(self, external_order_id: str) -> tuple[SoldContract, ...]:
        """Return the contracts of an order, the oldest first."""
        with self.lock:
            ids = self._orders.get(external_order_id, ())
            return tuple(self._contracts[each] for each in ids)

    def count(self, external_order_id: str) -> int:
        """Return how many contracts an order has."""
        return len(self.contracts(external_order_id))

    def confirmed(self, external_order_id: str) -> tuple[SoldContract, ...]:
        """Return those contracts of an order that give access."""
        return tuple(
            contract
            for contract in self.contracts(external_order_id)
            if contract.confirmed
        )

    def orders(self) -> tuple[str, ...]:
        """Return every externalOrderId, the oldest first."""
        with self.lock:
            return tuple(self._orders)

    @property
    def total(self) -> int:
        """How many contracts there are."""
        return len(self._contracts)

    def requests(
        self, endpoint: str | None = None, status: int | None = None
    ) -> int:
        """Count the requests that came.

        Args:
            endpoint: Only those of ``"token"``, ``"create"``,
                ``"confirm"`` or ``"other"``.
            status: Only those answered so; `NO_ANSWER` (0) for those
                whose connection was cut before an answer.
        """
        with self.lock:
            return sum(
                count
                for (to, answered), count in self._answers.items()
                if endpoint in {None, to} and status in {None, answered}
            )

    def contract(self, contract_id: str) -> SoldContract | None:
        """Return a contract by its id."""
        return self._contracts.get(contract_id)

    def grant(self, token: Secret) -> Grant | None:
        """Return what a token is good for."""
        return self._grants.get(token)

    def apply(self, change: SoldContract | Grant) -> None:
        """Take in a new token, or a contract that is new or changed."""
        with self.lock:
            if isinstance(change, Grant):
                self._grants[change.token] = change
                return
            if change.id not in self._contracts:
                ids = self._orders.setdefault(change.external_order_id, [])
                ids.append(change.id)
            self._contracts[change.id] = change

    def note(self, endpoint: Endpoint, status: int) -> None:
        """Count an answer, as the client gets it."""
        with self.lock:
            self._answers[endpoint, status] += 1

    def revoke_tokens(self) -> None:
        """Make every token given out so far worthless."""
        with self.lock:
            self._grants.clear()

    def clear(self) -> None:
        """Forget everything, tokens included."""
        with self.lock:
            self._contracts.clear()
            self._orders.clear()
            self._grants.clear()
            self._answers.clear()

    def order_as_json(self, external_order_id: str) -> dict[str, Any]:
        """Return the contracts of an order, the oldest first, for JSON."""
        return {
            "contracts": [
                {
                    "id": contract.id,
                    "confirmed": contract.confirmed,
                    "vendorId": contract.vendor_id,
                    "promoCode": contract.promo_code,
                }
                for contract in self.contracts(external_order_id)
            ]
        }

    def as_json(self) -> dict[str, Any]:
        """Return the contracts of every order and the counts, for JSON."""
        with self.lock:
            orders = {
                order: self.order_as_json(order)["contracts"]
                for order in self._orders
            }
            requests: dict[str, dict[str, int]] = {}
            for (endpoint, status), count in sorted(self._answers.items()):
                counts = requests.setdefault(endpoint, {})
                counts[str(status or "none")] = count
            confirmed = sum(
                contract.confirmed for contract in self._contracts.values()
            )
            return {
                "orders": orders,
                "totals": {
                    "orders": len(orders),
                    "contracts": self.total,
                    "confirmed": confirmed,
                },
                "requests": requests,
            }
