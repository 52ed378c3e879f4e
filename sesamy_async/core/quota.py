"""The retry budget of a client, as it stands."""

from __future__ import annotations

from threading import Lock

from .after_fork import renewed_after_fork
from .retry_policy import Reason, RetryBudget


class Quota:
    """Counts the tokens of a `RetryBudget`; safe under threads."""

    def __init__(self) -> None:
        self._spent = 0
        self._lock = Lock()
        renewed_after_fork(self)

    def after_fork(self) -> None:
        """Begin anew in a child: another thread may have held the lock."""
        self._lock = Lock()

    def take(self, budget: RetryBudget, reason: Reason) -> bool:
        """Pay for a retry; return False where the budget is spent."""
        cost = budget.cost(reason)
        with self._lock:
            if self._spent + cost > budget.capacity:
                return False
            self._spent += cost
            return True

    def give_back(self, tokens: int) -> None:
        """Return tokens after a success."""
        if self._spent:
            with self._lock:
                self._spent = max(0, self._spent - tokens)
