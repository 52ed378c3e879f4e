"""What a journal holds of one row."""

from __future__ import annotations

import attrs

from sesamy_async.bulk.state import State


@attrs.frozen(kw_only=True)
class Planned:
    """A row as the check leaves it, for a new journal.

    Attributes:
        row: Its number.
        order_id: Its externalOrderId; None where it can't be read, or
            where another row has it.
        reason: Why it is rejected; None where it can be sent.
    """

    row: int
    order_id: str | None
    reason: str | None = None


@attrs.frozen(kw_only=True)
class Entry:
    """A row as it stands in the journal.

    Attributes:
        row: Its number.
        order_id: Its externalOrderId; None where the row holds none.
        state: How far it has come.
        contract_id: The contract that is, or will be, confirmed.
        reason: Why it is where it is; nothing personal.
        strays: How many unconfirmed contracts it may have left.
        at: When its state last changed, in Unix seconds.

    .. versionadded:: 0.1.0
    """

    row: int
    order_id: str | None
    state: State
    contract_id: str | None = None
    reason: str | None = None
    strays: int = 0
    at: float = 0.0


@attrs.frozen(kw_only=True)
class Change:
    """What becomes of a row.

    Attributes:
        row: Its number.
        state: How far it has come now.
        contract_id: None leaves what is there.
        reason: Replaces what is there, None too.
        strays: How many more strays it may have left.
    """

    row: int
    state: State
    contract_id: str | None = None
    reason: str | None = None
    strays: int = 0
