"""The sandbox: the rules, the ledger and the faults put together."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from .admin import PREFIX, administer
from .bucket import Bucket
from .config import SandboxConfig
from .damage import damage
from .decision import Moment
from .envelope import error_answer
from .exchange import Answer, Delivery, SandboxRequest
from .fault import Fault, FaultKind
from .faults import Faults
from .ledger import NO_ANSWER, Ledger
from .routes import Endpoint, Route, find_route
from .rules import decide


if TYPE_CHECKING:
    from sesamy_async.transport.handler import HandlerTransport


BASE_URL = "https://api.sandbox.invalid"
"""Where the in-process sandbox pretends to be.

.. versionadded:: 0.1.0
"""

TOKEN_URL = "https://token.sandbox.invalid/oauth/token"  # noqa: S105 - a URL
"""Where the in-process sandbox pretends to give out tokens.

.. versionadded:: 0.1.0
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

    .. versionadded:: 0.1.0
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
        return damage(true, fault, moment.request_id, moment.now)

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

    def transport(self) -> HandlerTransport:
        """Return an httpx transport that ends here, blocking or async."""
        # httpx is only loaded when it is wanted.
        from sesamy_async.transport.handler import (  # noqa: PLC0415
            HandlerTransport,
        )

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

    def _full_bucket(self) -> Bucket | None:
        limit = self.config.rate_limit
        return None if limit is None else Bucket.full(limit, self._clock())

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
