"""What a served sandbox offers besides Sesamy's API."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any, Protocol, cast
from urllib.parse import unquote, urlsplit

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


_SAFE = {"GET", "HEAD"}
_OWN_PAGES = {"same-origin", "none"}
_JSON = "application/json"


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


def refuse_foreign(request: SandboxRequest) -> Answer | None:
    """Refuse what a web page may have a browser send here.

    A page of any site can post to this machine, if it leaves the type of
    the body at one that a form has; and it can read the answers if the
    name of its own site comes to lead here (DNS rebinding).

    Args:
        request: To an endpoint of the sandbox's own, over a socket.

    Returns:
        The refusal, or None.
    """
    headers = request.headers
    host = headers.get("host", "")
    if not _is_loopback(host):
        return _forbid(
            "The Host header must name this machine, as 127.0.0.1 or "
            "localhost do."
        )
    if request.method in _SAFE:
        return None
    if headers.get("sec-fetch-site", "none").lower() not in _OWN_PAGES:
        return _forbid("A page of another site may not change the sandbox.")
    origin = headers.get("origin")
    if origin is not None and _place(origin) != host.lower():
        return _forbid("A page of another origin may not change the sandbox.")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _JSON and (kind or request.body):
        return json_answer(
            415, {"message": f"Send it with Content-Type: {_JSON}."}
        )
    return None


def _is_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return ip_address(name).is_loopback
    except ValueError:
        # Also of what follows, each browser says that it is this machine.
        return f".{host.lower().partition(':')[0]}".endswith(".localhost")


def _place(origin: str) -> str:
    """Return host and port of an origin; of none, nothing."""
    return origin.lower().partition("://")[2]


def _forbid(message: str) -> Answer:
    return json_answer(403, {"message": message})


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
