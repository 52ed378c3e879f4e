"""What a person does about an order that is not done."""

from __future__ import annotations

from sesamy_async.bulk.state import State


LOOK = (
    "Ask the publisher whether this order has a contract, and tell it to "
    "`sesamy journal resolve`; do not send it again before."
)
"""What to do about an order that may or may not have a contract."""

STRAY = (
    "Nothing has to be done: an unconfirmed contract gives no access. "
    "The publisher can remove it."
)
"""What to do about a contract that may be left over."""

_UNPROCESSED = {
    State.PENDING: "nothing was sent yet",
    State.INTENT: "it was about to be created, or was, when the run ended",
    State.CREATED: "its contract is made, and not confirmed yet",
}


def unprocessed(state: State) -> str:
    """Return why an order is not finished, where nothing else is known."""
    return _UNPROCESSED[state]
