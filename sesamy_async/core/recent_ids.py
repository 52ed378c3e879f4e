"""Which order got which contract, of the latest ones."""

from __future__ import annotations

from threading import Lock

from .after_fork import renewed_after_fork


class RecentIds:
    """Remembers the contract ids that a client got, the latest of them.

    It keeps hashes (64 bits, of a secret seed) instead of the ids: an id
    may have megabytes, and none of them is ever told.

    Args:
        most: How many ids it remembers.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._orders: dict[int, int] = {}
        self._lock = Lock()
        renewed_after_fork(self)

    def after_fork(self) -> None:
        """Begin anew in a child: another thread may have held the lock."""
        self._lock = Lock()

    def belongs(self, vendor: str, contract_id: str, order: str) -> bool:
        """Return whether a contract is this order's, as far as is known.

        A contract that is not known is given to the order.

        Args:
            vendor: The publisher.
            contract_id: What was answered.
            order: The externalOrderId.
        """
        key, owner = hash((vendor, contract_id)), hash(order)
        with self._lock:
            known = self._orders.pop(key, owner)
            self._orders[key] = known  # As the latest one.
            if len(self._orders) > self._most:
                del self._orders[next(iter(self._orders))]
        return known == owner
