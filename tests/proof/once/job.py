"""What the processes of a trial are told to do, and what they tell."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

import attrs


class Kind(StrEnum):
    """How an order is told."""

    ONBOARD = "onboard"
    CAREFUL = "onboard without strays"
    AT_ONCE = "create, confirmed at once"


class Step(StrEnum):
    """Where a process kills itself."""

    BEFORE_CLAIM = "before the claim"
    AFTER_CLAIM = "after the claim"
    AFTER_CREATE = "after the create"
    AFTER_ID = "after the id is written"
    AFTER_CONFIRM = "after the confirm"


LIMIT = 60.0
"""Seconds after which a process has hung."""


@attrs.frozen(kw_only=True)
class Worker:
    """One process.

    Attributes:
        world: ``"asyncio"``, ``"trio"`` or ``"blocking"``.
        orders: Their ids, in the order in which they are told.
        kind: How.
        at_once: How many at a time.
        step: Where it kills itself; None for nowhere.
        passage: At which passage of that step, from 1.
        after: Seconds after which it is killed from outside.
    """

    world: str
    orders: tuple[str, ...]
    kind: Kind = Kind.ONBOARD
    at_once: int = 1
    step: Step | None = None
    passage: int = 1
    after: float = LIMIT


@attrs.frozen(kw_only=True)
class Job:
    """Processes that run at the same time.

    Attributes:
        store: The URL of the store.
        settings: The SESAMY_* variables that lead to the sandbox.
        workers: The processes.
        lasts: Seconds that a claim lasts.
        method: The payment method of all orders.
    """

    store: str
    settings: dict[str, str]
    workers: tuple[Worker, ...]
    lasts: float = 0.4
    method: str = "CARD"

    def dump(self) -> str:
        """Return it as JSON, on one line."""
        return json.dumps(attrs.asdict(self))

    @classmethod
    def load(cls, line: str) -> Job:
        """Read it from its JSON."""
        told: dict[str, Any] = json.loads(line)
        workers = tuple(
            Worker(
                **{
                    **each,
                    "orders": tuple(each["orders"]),
                    "kind": Kind(each["kind"]),
                    "step": each["step"] and Step(each["step"]),
                }
            )
            for each in told.pop("workers")
        )
        return cls(**told, workers=workers)


@attrs.frozen(kw_only=True)
class Said:
    """What a call said of its order.

    Attributes:
        order: The id of the order.
        kind: How it was told.
        done: Whether the call returned a contract.
        contract: Its id, if the call knows one.
        outcome: What an error says became of it.
        retryable: What an error says of the same call.
        error: The name and text of an error.
    """

    order: str
    kind: Kind
    done: bool
    contract: str | None = None
    outcome: str | None = None
    retryable: bool = False
    error: str = ""


@attrs.frozen
class Ended:
    """How a process ended, and what it said before.

    Attributes:
        killed: Whether by SIGKILL.
        code: What it exited with, otherwise.
        said: Of each order that it came to.
    """

    killed: bool
    code: int
    said: tuple[Said, ...]
