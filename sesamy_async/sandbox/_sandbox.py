"""A local Sesamy, the endpoints that control it, and a client of these."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit

import attrs

from sesamy_async._outcome import Outcome
from sesamy_async._settings import is_loopback
from sesamy_async.errors import ConfigurationError, SesamyError

from ._config import Limit, SandboxConfig, structure
from ._exchange import (
    LIMITED,
    Answer,
    Delivery,
    Route,
    SandboxRequest,
    find_route,
    json_answer,
    message_answer,
    parse,
    too_many_requests,
)
from ._faults import Fault, Faults, apply_fault
from ._ledger import NO_ANSWER, Ledger
from ._service import Service


if TYPE_CHECKING:
    from sesamy_async import AsyncSesamy, Response
    from sesamy_async.bulk import Found

    from ._transport import HandlerTransport

BASE_URL = "https://api.sandbox.invalid"
"""The base URL of the in-process sandbox."""

TOKEN_URL = "https://token.sandbox.invalid/oauth/token"  # noqa: S105 - a URL
"""The token endpoint of the in-process sandbox."""

PREFIX = "/_sandbox/"
"""The start of the paths of the endpoints that control a sandbox."""


class Sandbox:
    """A local Sesamy for a client in this process, or to be served.

    It may be used from any number of threads.  With a `KeptLedger` as
    ``ledger``, the next process knows the contracts of this one.

    Attributes:
        config: The configuration.
        ledger: The contracts, tokens and counts.
        faults: The faults to come.
    """

    def __init__(
        self,
        config: SandboxConfig | None = None,
        *,
        ledger: Ledger | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.config: SandboxConfig = config or SandboxConfig()
        self.ledger: Ledger = Ledger() if ledger is None else ledger
        seed = self.config.seed
        # Two sources, so that a random fault doesn't change the ids.
        chance = random.Random(seed)  # noqa: S311 - no secret
        self.faults: Faults = Faults(self.config.fault_rates, chance)
        self._ids: random.Random = (
            random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311 - repeatable on purpose
        )
        self._clock = clock
        self._bucket = self._full_bucket()

    def environment(self, base_url: str | None = None) -> dict[str, str]:
        """Return the SESAMY_* variables that lead a client here.

        Args:
            base_url: Where it is served; leave it out for `transport`.
        """
        vendor, client = self.config.vendors[0], self.config.clients[0]
        base = None if base_url is None else base_url.rstrip("/")
        return {
            "SESAMY_VENDOR_ID": vendor.id,
            "SESAMY_CLIENT_ID": client.id,
            "SESAMY_CLIENT_SECRET": client.secret.reveal(),
            "SESAMY_BASE_URL": base or BASE_URL,
            "SESAMY_TOKEN_URL": f"{base}/oauth/token" if base else TOKEN_URL,
        }

    def client_settings(self) -> dict[str, Any]:
        """Return arguments for ``AsyncSesamy(**...)`` or ``Sesamy(**...)``.

        That client's calls are answered here, in this process.
        """
        settings: dict[str, Any] = {
            name.removeprefix("SESAMY_").lower(): value
            for name, value in self.environment().items()
        }
        return settings | {"transport": self.transport()}

    def transport(self) -> HandlerTransport:
        """Return an httpx transport to this sandbox, blocking or async."""
        from ._transport import HandlerTransport  # noqa: PLC0415 - httpcore

        return HandlerTransport(self._answer_any)

    def _answer_any(self, request: SandboxRequest) -> Answer:
        if request.path.startswith(PREFIX):
            return administer(self, request)
        return self.handle(request)

    def reset(self) -> None:
        """Start over: no contracts, tokens, counts or queued faults."""
        with self.ledger.lock:
            self.ledger.clear()
            self.faults.clear()
            self._bucket = self._full_bucket()

    def _full_bucket(self) -> RateBucket | None:
        limit = self.config.rate_limit
        if limit is None:
            return None
        return RateBucket(limit, free=limit.burst, at=self._clock())

    def handle(self, request: SandboxRequest) -> Answer:
        """Answer a request to Sesamy's API, and do what it asks for."""
        return self.answer(request, self.receive(request.method, request.path))

    def receive(self, method: str, path: str) -> Fault | None:
        """Return the fault of a request, before its body is read.

        The path is percent-encoded, and without the query.
        """
        return self.faults.strike(find_route(method, path).endpoint)

    def answer(
        self, request: SandboxRequest, fault: Fault | None, /
    ) -> Answer:
        """Answer a request, with the fault that `receive` returned."""
        route = find_route(request.method, request.path)
        with self.ledger.lock:
            answer = self._process(request, route, fault)
            lost = answer.delivery is Delivery.NOTHING
            status = NO_ANSWER if lost else answer.status
            self.ledger.note(route.endpoint, status)
        return answer

    def _process(
        self, request: SandboxRequest, route: Route, fault: Fault | None
    ) -> Answer:
        now = self._clock()
        served = fault is None or fault.applied
        headers = {"X-Request-Id": self._new_id()}
        wait = 0
        if self._bucket is not None and route.endpoint in LIMITED:
            wait = self._bucket.take(now) if served else 0
            if self.config.rate_limit_headers:
                headers |= self._bucket.headers(now)
        if wait:
            answer = too_many_requests(wait, headers)
        elif served:
            service = Service(
                config=self.config,
                ledger=self.ledger,
                now=now,
                new_id=self._new_id,
                headers=headers,
            )
            answer = service.answer(request, route)
        else:
            answer = Answer(status=0, headers=headers)
        return answer if fault is None else apply_fault(answer, fault, now)

    def _new_id(self) -> str:
        return f"{self._ids.getrandbits(128):032x}"


@attrs.define
class RateBucket:
    """How many requests of a limit were free, and when."""

    limit: Limit
    free: float
    at: float

    def take(self, now: float) -> int:
        """Count a request, or return the whole seconds to wait for it."""
        self._refill(now)
        missing = max(0.0, 1 - self.free - _ROUNDING)
        if not missing:
            self.free = max(0.0, self.free - 1)
        return math.ceil(missing / self._per_second)

    def headers(self, now: float) -> dict[str, str]:
        """Return the rate limit headers."""
        self._refill(now)
        full = self.at + (self.limit.burst - self.free) / self._per_second
        return {
            "X-RateLimit-Limit": str(self.limit.requests_per_minute),
            "X-RateLimit-Remaining": str(math.floor(self.free + _ROUNDING)),
            "X-RateLimit-Reset": str(math.ceil(full)),
        }

    def _refill(self, now: float) -> None:
        # A clock that is set back frees nothing.
        freed = max(0.0, now - self.at) * self._per_second
        self.free = min(self.free + freed, self.limit.burst)
        self.at = now

    @property
    def _per_second(self) -> float:
        return self.limit.requests_per_minute / 60


# Waiting for exactly the time that an answer says must be enough.
_ROUNDING = 1e-6


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
    site = headers.get("sec-fetch-site", "none").lower()
    if site not in {"same-origin", "none"}:
        return message_answer(403, "A page of another site may not do this.")
    origin = headers.get("origin")
    if origin is not None and origin.lower().partition("://")[2] != host:
        return message_answer(403, "A page of another origin may not do this.")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and (kind or request.body):
        return message_answer(
            415, "Send it with Content-Type: application/json."
        )
    return None


def _is_here(host: str) -> bool:
    """Whether a Host header names this machine."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    # Browsers resolve all of these names to this machine.
    return is_loopback(name) or name.endswith(".localhost")


@attrs.frozen
class SandboxLookup:
    """A `Lookup` for orders that went to a sandbox, served or in process.

    Attributes:
        client: A client of the sandbox.
    """

    client: AsyncSesamy

    async def find(self, external_order_id: str) -> Found | None:
        """Return the contract of an order, a confirmed one first.

        Raises:
            SesamyError: The answer is not a sandbox's, or another vendor
                has a contract for an order with this id.
        """
        order = quote(external_order_id, safe="")
        answer = await self.client.request("GET", f"{PREFIX}orders/{order}")
        return _first(answer, self.client.vendor_id)


def _first(answer: Response, vendor_id: str) -> Found | None:
    from sesamy_async.bulk import Found  # noqa: PLC0415 - loads SQLite

    try:
        contracts = answer.json()["contracts"]
        found = [
            Found(contract_id=each["id"], confirmed=each["confirmed"])
            for each in contracts
        ]
        others = {each["vendorId"] for each in contracts} - {vendor_id}
    except (KeyError, TypeError, ValueError):
        message = "There is no sandbox at the base URL of the client."
        raise SesamyError(message, outcome=Outcome.UNKNOWN) from None
    if others:
        raise SesamyError(
            "Another vendor has a contract for an order with this id; settle "
            "it by hand.",
            outcome=Outcome.UNKNOWN,
        )
    return min(found, key=lambda each: not each.confirmed, default=None)
