"""Send requests through httpx and read the answers to their end."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import attrs

from sesamy_async.core.after_fork import renewed_after_fork
from sesamy_async.core.call import Call
from sesamy_async.core.failure import (
    Failure,
    FailureKind,
    TransportFailure,
)
from sesamy_async.core.headers import Headers
from sesamy_async.core.latency import Latency
from sesamy_async.core.response import Response
from sesamy_async.core.runtime import Runtime

from .body import Body
from .boundary import Boundary
from .connection_set import ConnectionSet
from .failures import failure_of, is_foreign
from .library import Library
from .requests import request_of
from .settings import Connections
from .wires import Wire


_LEAST = 0.001  # Zero would make a socket non-blocking.

Make = Callable[[str], Wire]
_Sets = dict[tuple[Hashable, str], ConnectionSet[Wire]]


class OverHttpx:
    """A `Transport` with a set of connections for each host and loop.

    Args:
        make: Makes a connection to an origin.
        runtime: For time, events and the present scope.
        settings: How many connections, and how large an answer.
        library: The httpx to use.
    """

    def __init__(
        self,
        make: Make,
        runtime: Runtime,
        settings: Connections,
        library: Library,
    ) -> None:
        self._make = make
        self._library = library
        self._runtime = runtime
        self._settings = settings
        self._sets: _Sets = {}
        self.latency: Latency = Latency()
        self._lock = Lock()
        renewed_after_fork(self)

    def after_fork(self) -> None:
        """Begin anew in a child: another thread may have held the lock."""
        self._lock = Lock()

    @property
    def used(self) -> bool:
        """Whether there may be open connections of ours."""
        return any(each.count for each in self._sets.values())

    async def send(self, call: Call) -> Response:
        """Send the request once and read the whole answer.

        Raises:
            TransportFailure: There is no complete answer.
        """
        connections = self._set_for(call.request.url)
        wire = await connections.acquire(
            self.latency.latest(call, self._runtime.now()),
            first=call.completes,
        )
        if wire is None:
            raise TransportFailure(_NO_CONNECTION)
        try:
            response = await self._exchange(wire, call)
        except BaseException as error:
            untraced = call.record.sent is None
            if untraced and wire.traced and not isinstance(error, Exception):
                # Cancelled before the first event.
                call.record.sent = False
            connections.discard()
            await self._close([wire])
            raise
        if connections in self._sets.values():
            connections.release(wire)
            await self._close(connections.stale())
        else:  # The client was closed meanwhile.
            connections.discard()
            await self._close([wire])
        return response

    async def _close(self, wires: Iterable[Wire]) -> None:
        """Close them; no trouble with that changes what became of a call.

        All of them, also where the task is cancelled meanwhile, which on
        asyncio no shield keeps off: nobody else knows of the others.
        """
        cancelled: BaseException | None = None
        for wire in wires:
            try:
                with self._runtime.shield(), suppress(Exception):
                    await wire.aclose()
            except BaseException as error:  # noqa: BLE001 - raised below
                cancelled = error
        if cancelled is not None:
            raise cancelled

    async def aclose(self) -> None:
        """Close the free connections of the present scope."""
        scope = self._runtime.scope()
        with self._lock:
            mine = [key for key in self._sets if key[0] == scope]
            sets = [self._sets.pop(key) for key in mine]
        for each in sets:
            await self._close((*each.stale(), *each.drain()))

    def _set_for(self, url: str) -> ConnectionSet[Wire]:
        origin = origin_of(url)
        if origin is None:
            raise TransportFailure(_NO_URL)
        key = (self._runtime.scope(), origin)
        connections = self._sets.get(key)
        if connections is None:
            with self._lock:
                self._forget_the_dead()
                connections = self._sets.setdefault(
                    key,
                    ConnectionSet(
                        lambda: self._make(origin),
                        self._runtime,
                        cap=self._settings.cap,
                        idle=self._settings.idle,
                    ),
                )
        return connections

    def _forget_the_dead(self) -> None:
        """Drop the connections of parents and of loops that are closed.

        They can't be closed from here: a parent still uses its own, and
        those of a closed loop went with it.
        """
        dead = [key for key in self._sets if not self._runtime.alive(key[0])]
        for key in dead:
            del self._sets[key]

    async def _exchange(self, wire: Wire, call: Call) -> Response:
        status: int | None = None
        cause: Exception | None = None
        boundary = Boundary(call.record)
        call.record.began = began = self._runtime.now()
        try:
            answer = await wire.send(
                self._request(call, wire, boundary), call.deadline
            )
            call.record.status_code = status = answer.status_code
            headers = Headers.from_raw(answer.headers.raw)
            encoding = headers.get("content-encoding", "")
            limit = self._settings.max_response_size
            body = Body(encoding, limit, status)
            await wire.read(answer, body)
            self.latency.note(self._runtime.now() - began)
            return Response(
                status_code=status, headers=headers, content=body.finish()
            )
        except TransportFailure as caught:
            failure = caught.failure
        except Exception as caught:  # noqa: BLE001 - every end is known
            sent = call.record.sent
            httpx = self._library.httpx
            failure = failure_of(caught, httpx, sent=sent, status_code=status)
            # The words of httpx may repeat a header: only what is foreign
            # to it is chained.
            cause = caught if is_foreign(caught, httpx) else None
        raise TransportFailure(self._timely(call, failure)) from cause

    def _timely(self, call: Call, failure: Failure) -> Failure:
        """Say that the deadline passed, where that is what ended it."""
        late = self._runtime.now() >= call.deadline
        if not late or failure.status_code is not None:
            return failure
        return attrs.evolve(
            failure, kind=FailureKind.DEADLINE, detail="The deadline passed."
        )

    def _request(self, call: Call, wire: Wire, boundary: Boundary) -> Any:
        left = call.deadline - self._runtime.now()
        timeout = max(_LEAST, min(call.timeout, left))
        seconds = None if timeout == math.inf else timeout
        trace = wire.trace(boundary)
        return request_of(call.request, self._library, seconds, trace)


def origin_of(url: str) -> str | None:
    """Return scheme, host and port of a URL; None where it has none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return None
    return f"{parts.scheme}://{parts.netloc}"


_NO_URL = Failure(
    kind=FailureKind.REQUEST,
    detail="The URL is neither http nor https.",
    sent=False,
)
_NO_CONNECTION = Failure(
    kind=FailureKind.DEADLINE,
    detail="No connection became free in time for the deadline.",
    sent=False,
)
