"""A local Sesamy, and the endpoints that control it."""

from __future__ import annotations

import math
import random
import shlex
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import attrs

from sesamy_async._call import wall_clock
from sesamy_async._outcome import Outcome
from sesamy_async.errors import ConfigurationError, SesamyError

from ._config import Limit, SandboxConfig, structure
from ._exchange import (
    LIMITED,
    Answer,
    Route,
    SandboxRequest,
    find_route,
    json_answer,
    message_answer,
    parse,
    too_many_requests,
    wrong_method,
)
from ._faults import Fault, Faults, apply_fault
from ._ledger import Ledger, record
from ._service import EVENT_TYPES, Service, event


if TYPE_CHECKING:
    from sesamy_async import AsyncSesamy
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

    Any number of threads may use it.

    Args:
        config: The configuration; by default that of the README.
        ledger: A `KeptLedger`, if the next process is to know its contracts.
        clock: Returns the time, in Unix seconds.
        on_event: Called with each event, as Sesamy posts it to webhooks,
            after the request that led to it was processed and before the
            response.

    Attributes:
        config: The configuration.
        ledger: The contracts, tokens, counts, requests and events.
        faults: The faults to come.
        subscribers: Called with each event; the first is `on_event`.
    """

    def __init__(
        self,
        config: SandboxConfig | None = None,
        *,
        ledger: Ledger | None = None,
        clock: Callable[[], float] | None = None,
        on_event: Callable[[dict[str, str]], object] | None = None,
    ) -> None:
        self.config: SandboxConfig = config or SandboxConfig()
        self.ledger: Ledger = Ledger() if ledger is None else ledger
        seed = self.config.seed
        # Two sources, so that a random fault doesn't change the ids.
        self.faults: Faults = Faults(
            self.config.fault_rates,
            random.Random(seed),  # noqa: S311 - no secret
        )
        self._ids: random.Random = (
            random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311 - repeatable on purpose
        )
        self.subscribers: list[Callable[[dict[str, str]], object]] = (
            [] if on_event is None else [on_event]
        )
        self._clock = clock or wall_clock()
        self._bucket = self._full_bucket()

    def emit(self, kind: str, contract_id: str) -> dict[str, str]:
        """Emit an event about a contract, as if it happened in Sesamy.

        Args:
            kind: An event type, such as ``"contract.1#update"``.
            contract_id: A contract of the ledger.

        Returns:
            The event; it is in the ledger, and goes to the webhook.

        Raises:
            ConfigurationError: The event type or the contract is unknown.
        """
        contract = self.ledger.contract(contract_id)
        if contract is None:
            raise ConfigurationError("There is no such contract.")
        if kind not in EVENT_TYPES:
            known = ", ".join(EVENT_TYPES)
            raise ConfigurationError(f"The event types are {known}.")
        made = event(kind, contract, self._clock())
        self.ledger.add_events([made])
        self.publish([made])
        return dict(made)

    def environment(self, base_url: str | None = None) -> dict[str, str]:
        """Return the SESAMY_* variables that lead a client here.

        Args:
            base_url: Where it is served; None for `transport`.
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

        The calls of that client end here, in this process.
        """
        return {
            **{
                name.removeprefix("SESAMY_").lower(): value
                for name, value in self.environment().items()
            },
            "transport": self.transport(),
        }

    def transport(self) -> HandlerTransport:
        """Return an httpx transport to this sandbox, blocking or async."""
        from ._transport import HandlerTransport  # noqa: PLC0415 - httpcore

        return HandlerTransport(
            lambda request: (
                self.administer(request)
                if request.path.startswith(PREFIX)
                else self.handle(request)
            )
        )

    def reset(self) -> None:
        """Delete all contracts, tokens, counts and queued faults."""
        with self.ledger.lock:
            self.ledger.clear()
            self.faults.clear()
            self._bucket = self._full_bucket()

    @property
    def now(self) -> float:
        """The time of its clock, in Unix seconds."""
        return self._clock()

    @property
    def free_requests(self) -> int | None:
        """How many requests the rate limit permits now; None for any."""
        with self.ledger.lock:
            if self._bucket is None:
                return None
            return self._bucket.free_at(self._clock())

    def use_up_rate_limit(self) -> None:
        """Use up the rate limit; it is refilled as usual."""
        with self.ledger.lock:
            if self._bucket is not None:
                self._bucket.free = 0.0
                self._bucket.at = self._clock()

    def _full_bucket(self) -> RateBucket | None:
        limit = self.config.rate_limit
        if limit is None:
            return None
        return RateBucket(limit, free=limit.burst, at=self._clock())

    def handle(self, request: SandboxRequest) -> Answer:
        """Process a request to Sesamy's API, and return the response."""
        return self.answer(request, self.receive(request.method, request.path))

    def receive(self, method: str, path: str) -> Fault | None:
        """Return the fault of a request, before its body is read.

        The path is percent-encoded, and without the query.
        """
        return self.faults.strike(find_route(method, path).endpoint)

    def answer(
        self, request: SandboxRequest, fault: Fault | None, /
    ) -> Answer:
        """Process a request with the fault that `receive` returned."""
        route = find_route(request.method, request.path)
        events: list[dict[str, str]] = []
        with self.ledger.lock:
            now = self._clock()
            answer = self._process(request, route, fault, now, events.append)
            self.ledger.note(record(request, route, fault, answer, now))
            self.ledger.add_events(events)
        # Not while it is locked: a subscriber may wait for who needs it.
        self.publish(events)
        return answer

    def publish(self, events: Iterable[Mapping[str, str]]) -> None:
        """Hand events to the subscribers, also those that had them."""
        for made, subscriber in product(events, [*self.subscribers]):
            subscriber(dict(made))

    def administer(self, request: SandboxRequest) -> Answer:
        """Process a request to the endpoints that control the sandbox."""
        act: Callable[[], dict[str, Any] | None]
        match request.path.removeprefix(PREFIX).split("/"):
            case ["ledger"]:
                method, act = "GET", self.ledger.as_json
            case ["orders", order]:
                show = self.ledger.order_as_json
                method, act = "GET", partial(show, unquote(order))
            case ["reset"]:
                method, act = "POST", self.reset
            case ["faults"]:
                method, act = "POST", partial(self._queue_fault, request.body)
            case _:
                return message_answer(
                    404,
                    "There are GET /_sandbox/ledger, "
                    "GET /_sandbox/orders/{externalOrderId}, "
                    "POST /_sandbox/reset and POST /_sandbox/faults.",
                )
        if request.method != method:
            return wrong_method(method)
        try:
            return json_answer(200, act() or {})
        except ConfigurationError as error:
            return message_answer(400, str(error.args[0]))

    def _queue_fault(self, body: bytes) -> dict[str, Any]:
        try:
            content = parse(body)
        except ValueError:
            raise ConfigurationError("The body must be JSON.") from None
        if not isinstance(content, dict):
            raise ConfigurationError("The body must be an object.")
        asked = structure(content, _FaultOrder)
        self.faults.add(asked.fault, times=asked.times, on=asked.on)
        return {"pending": [*map(str, self.faults.pending)]}

    def _process(
        self,
        request: SandboxRequest,
        route: Route,
        fault: Fault | None,
        now: float,
        emit: Callable[[dict[str, str]], None],
    ) -> Answer:
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
                emit=emit,
            )
            answer = service.answer(request, route)
        else:
            answer = Answer(status=0, headers=headers)
        return answer if fault is None else apply_fault(answer, fault, now)

    def _new_id(self) -> str:
        return f"{self._ids.getrandbits(128):032x}"


@attrs.frozen
class _FaultOrder:
    fault: str
    times: int = 1
    on: str = "any"


@attrs.define
class RateBucket:
    """How many requests of a rate limit were free, and when."""

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

    def free_at(self, now: float) -> int:
        self._refill(now)
        return math.floor(self.free + _ROUNDING)

    def headers(self, now: float) -> dict[str, str]:
        self._refill(now)
        full = self.at + (self.limit.burst - self.free) / self._per_second
        return {
            "X-RateLimit-Limit": str(self.limit.requests_per_minute),
            "X-RateLimit-Remaining": str(self.free_at(now)),
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


# To wait for exactly the time that a response says must be enough.
_ROUNDING = 1e-6


def exports(sandbox: Sandbox, base_url: str) -> str:
    """Return the shell commands that set `Sandbox.environment`."""
    variables = sandbox.environment(base_url).items()
    return "\n".join(f"export {k}={shlex.quote(v)}" for k, v in variables)


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
            SesamyError: The response is not a sandbox's, or another vendor
                has a contract for an order with this id.
        """
        from sesamy_async.bulk import Found  # noqa: PLC0415 - loads SQLite

        order = quote(external_order_id, safe="")
        response = await self.client.request("GET", f"{PREFIX}orders/{order}")
        try:
            contracts = response.json()["contracts"]
            found = [
                Found(contract_id=each["id"], confirmed=each["confirmed"])
                for each in contracts
            ]
            vendors = {each["vendorId"] for each in contracts}
        except (KeyError, TypeError, ValueError):
            message = "There is no sandbox at the base URL of the client."
            raise SesamyError(message, outcome=Outcome.UNKNOWN) from None
        if vendors - {self.client.vendor_id}:
            raise SesamyError(
                "Another vendor has a contract for an order with this id. "
                "Settle the order by hand.",
                outcome=Outcome.UNKNOWN,
            )
        return min(found, key=lambda each: not each.confirmed, default=None)
