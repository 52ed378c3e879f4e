"""A local Sesamy, and the endpoints that control it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import unquote, urlsplit

import attrs

from sesamy_async.errors import ConfigurationError

from ._config import SandboxConfig, ServerBucket
from ._exchange import (
    Answer,
    Delivery,
    Endpoint,
    Route,
    SandboxRequest,
    error_answer,
    find_route,
    json_answer,
    parse,
)
from ._faults import Fault, FaultKind, Faults, apply_fault
from ._ledger import NO_ANSWER, Ledger
from ._service import Moment, decide


if TYPE_CHECKING:
    from ._transport import HandlerTransport

PREFIX = "/_sandbox/"
"""What the paths of these endpoints begin with.
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


BASE_URL = "https://api.sandbox.invalid"
"""Where the in-process sandbox pretends to be.
"""

TOKEN_URL = "https://token.sandbox.invalid/oauth/token"  # noqa: S105 - a URL
"""Where the in-process sandbox pretends to give out tokens.
"""

_PAYMENTS = frozenset({Endpoint.CREATE, Endpoint.CONFIRM})


@attrs.frozen(kw_only=True)
class Arrival:
    """A request whose head was read: where it goes, what will go wrong.

    Attributes:
        route: The operation.
        fault: What goes wrong, if anything.
    """

    route: Route
    fault: Fault | None

    @property
    def unread(self) -> bool:
        """Whether the connection dies before the body is read."""
        fault = self.fault
        return fault is not None and fault.kind is FaultKind.DROP_BEFORE


class Sandbox:
    """A local Sesamy: hand it to a client, or serve it.

    It may be used from any number of threads; `KeptLedger` as ``ledger``
    lets the next process go on in the same world.

    Attributes:
        config: The world that it plays.
        ledger: What it has done.
        faults: What is to go wrong.
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
        # Two sources, so that a fault by chance doesn't change the ids.
        chance = random.Random(seed)  # noqa: S311 - no secret
        self.faults: Faults = Faults(self.config.fault_rates, chance)
        self._ids: random.Random = (
            random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311 - repeatable on purpose
        )
        self._clock = clock
        self._bucket = self._full_bucket()

    def handle(self, request: SandboxRequest) -> Answer:
        """Answer a request, and do what it asks for."""
        return self.answer(request, self.receive(request.method, request.path))

    def receive(self, method: str, path: str) -> Arrival:
        """Look at the head of a request, before its body is read.

        Args:
            method: ``"POST"``, ``"GET"``, ...
            path: Still percent-encoded, without the query.
        """
        route = find_route(method, path)
        return Arrival(route=route, fault=self.faults.strike(route.endpoint))

    def answer(self, request: SandboxRequest, arrival: Arrival) -> Answer:
        """Answer a request that was received."""
        with self.ledger.lock:
            moment = Moment(
                now=self._clock(),
                request_id=self._new_id(),
                fresh=self._fresh_id(),
            )
            answer = self._process(request, arrival, moment)
            lost = answer.delivery is Delivery.NOTHING
            status = NO_ANSWER if lost else answer.status
            self.ledger.note(arrival.route.endpoint, status)
        return answer

    def _process(
        self, request: SandboxRequest, arrival: Arrival, moment: Moment
    ) -> Answer:
        fault = arrival.fault
        if fault is None:
            return self._serve(request, arrival.route, moment)
        if fault.applied:
            true = self._serve(request, arrival.route, moment)
        else:
            true = self._not_served(arrival.route, moment)
        return apply_fault(true, fault, moment.request_id, moment.now)

    def _serve(
        self, request: SandboxRequest, route: Route, moment: Moment
    ) -> Answer:
        headers = {"X-Request-Id": moment.request_id}
        answer = None
        if self._bucket is not None and route.endpoint in _PAYMENTS:
            self._bucket, reading = self._bucket.take(moment.now)
            if self.config.rate_limit_headers:
                headers |= reading.headers
            wait = reading.retry_after
            if wait:
                answer = error_answer(
                    429,
                    f"Rate limit exceeded; retry after {wait} seconds.",
                    moment.request_id,
                    retry_after=wait,
                )
        if answer is None:
            decision = decide(request, route, self.config, self.ledger, moment)
            if decision.change is not None:
                self.ledger.apply(decision.change)
            answer = decision.answer
        return attrs.evolve(answer, headers={**answer.headers, **headers})

    def _not_served(self, route: Route, moment: Moment) -> Answer:
        """Return the headers of an answer to what was never looked at."""
        headers = {"X-Request-Id": moment.request_id}
        if (
            self._bucket is not None
            and self.config.rate_limit_headers
            and route.endpoint in _PAYMENTS
        ):
            headers |= self._bucket.later(moment.now).read().headers
        return Answer(status=0, headers=headers)

    def environment(self, base_url: str | None = None) -> dict[str, str]:
        """Return the SESAMY_* variables that lead a client here.

        Args:
            base_url: Where it is served; leave it out for `transport`.
        """
        vendor, client = self.config.vendors[0], self.config.clients[0]
        token_url = TOKEN_URL
        if base_url is not None:
            base_url = base_url.rstrip("/")
            token_url = f"{base_url}/oauth/token"
        return {
            "SESAMY_VENDOR_ID": vendor.id,
            "SESAMY_CLIENT_ID": client.id,
            "SESAMY_CLIENT_SECRET": client.secret.reveal(),
            "SESAMY_BASE_URL": base_url or BASE_URL,
            "SESAMY_TOKEN_URL": token_url,
        }

    def client_settings(self) -> dict[str, Any]:
        """Return the arguments of a client that ends here, in this process.

        Returns:
            What ``AsyncSesamy(**...)`` and ``Sesamy(**...)`` take.
        """
        prefix = "SESAMY_"
        settings = {
            name.removeprefix(prefix).lower(): value
            for name, value in self.environment().items()
        }
        return {**settings, "transport": self.transport()}

    def transport(self) -> HandlerTransport:
        """Return an httpx transport that ends here, blocking or async."""
        # httpx is only loaded when it is wanted.
        from ._transport import HandlerTransport  # noqa: PLC0415 - as above

        return HandlerTransport(self._answer_all)

    def _answer_all(self, request: SandboxRequest) -> Answer:
        """Answer a request to Sesamy's API, or to the sandbox's own."""
        if request.path.startswith(PREFIX):
            return administer(self, request)
        return self.handle(request)

    def reset(self) -> None:
        """Start over: no contracts, tokens, counts or queued faults."""
        with self.ledger.lock:
            self.ledger.clear()
            self.faults.clear()
            self._bucket = self._full_bucket()

    def _full_bucket(self) -> ServerBucket | None:
        limit = self.config.rate_limit
        return (
            None if limit is None else ServerBucket.full(limit, self._clock())
        )

    def _fresh_id(self) -> str:
        """Return an id that no contract has.

        With a seed, the next process begins with the ids of this one, and
        a `KeptLedger` has them already.
        """
        fresh = self._new_id()
        while self.ledger.contract(fresh) is not None:
            fresh = self._new_id()
        return fresh

    def _new_id(self) -> str:
        return f"{self._ids.getrandbits(128):032x}"
