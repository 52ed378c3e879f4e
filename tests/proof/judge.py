"""The judge: what a call said, against what the sandbox's ledger knows."""

from __future__ import annotations

from sesamy_async import Outcome
from sesamy_async.sandbox import Ledger
from support.calling import Ending


def judged(ending: Ending, ledger: Ledger, order_id: str) -> str | None:
    """Return how the end of a create contradicts the ledger, or None.

    Args:
        ending: Of the only create of this order.
        ledger: The truth.
        order_id: Its externalOrderId.
    """
    ids = [contract.id for contract in ledger.contracts(order_id)]
    if len(ids) > 1:
        return f"{order_id}: one create, {len(ids)} contracts"
    if ending.error is None:
        if ids == [ending.value.id]:
            return None
        return f"{order_id}: success with {ending.value.id}, not {ids}"
    if len(ids) in _COUNTS[ending.error.outcome]:
        return None
    return f"{order_id}: {ending.error.outcome} with {len(ids)} contracts"


_COUNTS = {
    Outcome.NOT_SENT: {0},
    Outcome.REFUSED: {0},
    Outcome.UNKNOWN: {0, 1},
    Outcome.APPLIED: {1},
}
