"""The endpoints that control a sandbox, and who may use them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import attrs

from sesamy_async._settings import is_loopback
from sesamy_async.errors import ConfigurationError

from ._config import structure
from ._exchange import (
    Answer,
    SandboxRequest,
    json_answer,
    message_answer,
    parse,
)
from ._faults import Faults


if TYPE_CHECKING:
    from ._sandbox import Sandbox

PREFIX = "/_sandbox/"
"""The start of the paths of the endpoints that control a sandbox."""

FORM = f"{PREFIX}page"
"""Where the forms of the page go."""


def administer(sandbox: Sandbox, request: SandboxRequest) -> Answer:
    """Answer a request to the endpoints that control a sandbox."""
    match request.method, request.path.removeprefix(PREFIX).split("/"):
        case "GET", ["ledger"]:
            return json_answer(200, sandbox.ledger.as_json())
        case "GET", ["orders", order]:
            shown = sandbox.ledger.order_as_json(unquote(order))
            return json_answer(200, shown)
        case "POST", ["reset"]:
            sandbox.reset()
            return json_answer(200, {})
        case "POST", ["faults"]:
            return _queue_fault(sandbox.faults, request.body)
        case _:
            return message_answer(
                404,
                "There are GET /_sandbox/ledger, "
                "GET /_sandbox/orders/{externalOrderId}, "
                "POST /_sandbox/reset and POST /_sandbox/faults.",
            )


@attrs.frozen
class _FaultOrder:
    """The body of ``POST /_sandbox/faults``."""

    fault: str
    times: int = 1
    on: str = "any"


def _queue_fault(faults: Faults, body: bytes) -> Answer:
    try:
        content = parse(body)
        if not isinstance(content, dict):
            return message_answer(400, "The body must be an object.")
        asked = structure(content, _FaultOrder)
        faults.add(asked.fault, times=asked.times, on=asked.on)
    except ConfigurationError as error:
        return message_answer(400, str(error.args[0]))
    except ValueError:
        return message_answer(400, "The body must be JSON.")
    pending = [str(fault) for fault in faults.pending]
    return json_answer(200, {"pending": pending})


def refuse_foreign(request: SandboxRequest) -> Answer | None:
    """Return the refusal of a request that a web page may have caused.

    A page of any site can post to this machine if the body has a content
    type that forms have, and can read the answers if the name of its own
    site resolves to this machine (DNS rebinding).
    """
    headers = request.headers
    host = headers.get("host", "").lower()
    if not _is_here(host):
        return message_answer(
            403,
            "The Host header must name this machine, as 127.0.0.1 or "
            "localhost do.",
        )
    if request.method in {"GET", "HEAD"}:
        return None
    if reason := _foreign(request.path, headers, host):
        return message_answer(403, reason)
    wanted = _FORM_TYPE if request.path == FORM else "application/json"
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != wanted and (kind or request.body):
        return message_answer(415, f"Send it with Content-Type: {wanted}.")
    return None


_FORM_TYPE = "application/x-www-form-urlencoded"


def _foreign(path: str, headers: Mapping[str, str], host: str) -> str:
    """Return why a request is refused that may change something."""
    site = headers.get("sec-fetch-site", "none").lower()
    if site not in {"same-origin", "none"}:
        return "A page of another site may not do this."
    origin = headers.get("origin")
    if origin is not None and origin.lower().partition("://")[2] != host:
        return "A page of another origin may not do this."
    # A page of any site can send a form without being asked for permission;
    # a browser says where it comes from.
    if path == FORM and origin is None and site != "same-origin":
        return "Only the sandbox's own page may do this."
    return ""


def _is_here(host: str) -> bool:
    """Whether a Host header names this machine."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    # Browsers resolve all of these names to this machine.
    return is_loopback(name) or name.endswith(".localhost")
