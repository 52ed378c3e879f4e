"""What processes that share a rate are told to do, and what they tell."""

from __future__ import annotations

import json
from enum import StrEnum

import attrs
import cattrs

from sesamy_async import RateLimit


class Keeping(StrEnum):
    """How the processes keep the rate."""

    SHARED = "one pace"
    FALLBACK = "one pace, and a share each while Redis is away"
    SHARE = "a share of the rate each"
    WHOLE = "the whole rate each"


class Kind(StrEnum):
    """What a process calls."""

    CREATE = "create"
    ONBOARD = "onboard"

    @property
    def requests(self) -> int:
        """How many requests a call consists of."""
        return 1 if self is Kind.CREATE else 2


LIMIT = 150.0
"""Seconds after which a process has hung."""


@attrs.frozen(kw_only=True)
class Worker:
    """One process.

    Attributes:
        name: Of its orders.
        world: ``"asyncio"`` or ``"blocking"``.
        kind: What it calls.
        at_once: How many calls it makes at a time, one after the other.
        pause: Seconds before each call; 0 for a busy process.
        after: Seconds from the start after which it is killed.
    """

    name: str
    world: str
    kind: Kind
    at_once: int = 1
    pause: float = 0.0
    after: float = LIMIT

    @property
    def busy(self) -> bool:
        """Whether it always has something to send."""
        return not self.pause


@attrs.frozen(kw_only=True)
class Job:
    """Processes that run at the same time.

    Attributes:
        redis: The URL of the server for the shared pace.
        pace: The name of the shared pace.
        keeping: How they keep the rate.
        limit: What they are told of the rate.
        settings: The SESAMY_* variables that lead to the sandbox.
        workers: The processes.
        start: When they begin, on the monotonic clock of the machine.
        lasts: Seconds from the start in which they begin calls.  Each makes
            one call for each of its `at_once` in any case.
        deadline: Seconds, for each call.
    """

    redis: str
    pace: str
    keeping: Keeping
    limit: RateLimit
    settings: dict[str, str]
    workers: tuple[Worker, ...]
    start: float
    lasts: float
    deadline: float = 30.0

    def dump(self) -> str:
        """Return it as JSON, on one line."""
        return json.dumps(attrs.asdict(self))

    @classmethod
    def load(cls, line: str) -> Job:
        """Read it from its JSON."""
        return cattrs.structure(json.loads(line), cls)


@attrs.frozen(kw_only=True)
class Made:
    """A call that has ended.

    Attributes:
        order: The id of its order.
        kind: What was called.
        busy: Whether its process was a busy one.
        asked: When it was made, on the monotonic clock of the machine.
        ended: When it ended.
        outcome: What became of it, if it failed.
        error: The name and text of the error.
    """

    order: str
    kind: Kind
    busy: bool
    asked: float
    ended: float
    outcome: str | None = None
    error: str = ""

    @property
    def done(self) -> bool:
        """Whether it returned a contract."""
        return self.outcome is None
