"""What the rules say of one request."""

from __future__ import annotations

import attrs

from .contract import SoldContract
from .exchange import Answer
from .token import Grant


@attrs.frozen(kw_only=True)
class Moment:
    """What a rule needs of the world.

    Attributes:
        now: The Unix time.
        request_id: Sesamy's name for the request.
        fresh: An id that nothing has yet.
    """

    now: float
    request_id: str
    fresh: str


@attrs.frozen
class Decision:
    """An answer, and what the ledger must take in for it to be true.

    Attributes:
        answer: For the client.
        change: For the ledger, if anything was done.
    """

    answer: Answer
    change: SoldContract | Grant | None = None
