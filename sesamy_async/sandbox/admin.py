"""What a served sandbox offers besides Sesamy's API."""

from __future__ import annotations

from typing import Any, Protocol, cast
from urllib.parse import unquote

from sesamy_async.errors import ConfigurationError

from .envelope import json_answer
from .exchange import Answer, SandboxRequest
from .faults import Faults
from .fields import parse
from .ledger import Ledger


PREFIX = "/_sandbox/"
"""What the paths of these endpoints begin with.

.. versionadded:: 0.1.0
"""

_FAULT_KEYS = {"fault", "times", "on"}


class World(Protocol):
    """What is administered: a sandbox."""

    ledger: Ledger
    faults: Faults

    def reset(self) -> None:
        """Start over."""
        ...


def administer(world: World, request: SandboxRequest) -> Answer:
    """Answer a request to an endpoint of the sandbox's own.

    ``GET /_sandbox/ledger`` tells what was done,
    ``GET /_sandbox/orders/{externalOrderId}`` which contracts an order has,
    ``POST /_sandbox/reset`` starts over, and ``POST /_sandbox/faults``
    queues a fault, such as
    ``{"fault": "status:503", "times": 2, "on": "create"}``.
    """
    match request.method, request.path.removeprefix(PREFIX).split("/"):
        case "GET", ["ledger"]:
            return json_answer(200, world.ledger.as_json())
        case "GET", ["orders", order]:
            return json_answer(200, world.ledger.order_as_json(unquote(order)))
        case "POST", ["reset"]:
            world.reset()
            return json_answer(200, {})
        case "POST", ["faults"]:
            return _queue(world, request.body)
        case _:
            return json_answer(
                404,
                {
                    "message": "There are GET /_sandbox/ledger, "
                    "GET /_sandbox/orders/{externalOrderId}, "
                    "POST /_sandbox/reset and POST /_sandbox/faults."
                },
            )


def _queue(world: World, body: bytes) -> Answer:
    try:
        asked = parse(body)
    except ValueError:
        return _refuse("The body must be JSON.")
    problem = _problem(asked)
    if problem is not None:
        return _refuse(problem)
    try:
        world.faults.add(
            asked["fault"],
            times=asked.get("times", 1),
            on=asked.get("on", "any"),
        )
    except ConfigurationError as error:
        return _refuse(str(error.args[0]))
    return json_answer(
        200, {"pending": [str(fault) for fault in world.faults.pending]}
    )


def _problem(asked: Any) -> str | None:
    if not isinstance(asked, dict):
        return "The body must be an object."
    asked = cast("dict[str, Any]", asked)
    if not asked.keys() <= _FAULT_KEYS:
        return "Only fault, times and on are known."
    if not isinstance(asked.get("fault"), str):
        return "fault is required and must be a string."
    if type(asked.get("times", 1)) is not int:
        return "times must be a whole number."
    if not isinstance(asked.get("on", ""), str):
        return "on must be a string."
    return None


def _refuse(message: str) -> Answer:
    return json_answer(400, {"message": message})
