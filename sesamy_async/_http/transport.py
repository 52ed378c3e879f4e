"""Send requests and read the responses to their end, over pools of peers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import attrs

from sesamy_async._call import (
    LARGEST_ERROR,
    Call,
    Latency,
    Response,
    Runtime,
    Trusts,
    is_own,
)
from sesamy_async._headers import SUCCESS, Headers
from sesamy_async._outcome import Failure, FailureKind, TransportFailure

from .body import Body
from .failures import failure_of, is_foreign
from .http11 import origin_of
from .peers import Patience, Peer
from .pool import Pool, Pools
from .settings import Connections


_T = TypeVar("_T")

Make = Callable[[tuple[str, bool]], Peer]
"""Makes what leads to an origin; the flag says whether through httpx."""


class HttpTransport:
    """A `Transport` with a pool for each host, in each process and loop.

    `patched` says whether somebody has patched httpx to see all requests.
    """

    def __init__(
        self,
        make: Make,
        patched: Callable[[], bool],
        runtime: Runtime,
        settings: Connections,
    ) -> None:
        cap, idle = settings.cap, settings.idle
        self._pools: Pools[tuple[str, bool], Peer] = Pools(
            lambda key: Pool(partial(make, key), runtime, cap=cap, idle=idle),
            runtime,
        )
        self._patched = patched
        self._runtime = runtime
        self._settings = settings
        self.latency: Latency = Latency()

    @property
    def used(self) -> bool:
        return self._pools.used

    async def send(
        self, call: Call, trusts: Trusts = lambda _: True
    ) -> Response:
        return await self._over(call, self._exchange, trusts)

    async def connect(self, call: Call) -> None:
        await self._over(call, self._open, lambda _: True)

    async def aclose(self) -> None:
        await self._pools.aclose()

    async def _over(
        self,
        call: Call,
        work: Callable[[Peer, Patience], Awaitable[_T]],
        trusts: Callable[[_T], bool],
    ) -> _T:
        """Do something over a peer, and keep it if it can be used again."""
        origin = origin_of(call.request.url)
        if origin is None:
            raise TransportFailure(_NO_URL)
        pool = self._pools.get((origin, self._patched()))
        peer = await pool.acquire(
            self.latency.latest(call, self._runtime.now()),
            first=call.completes,
        )
        if peer is None:
            raise TransportFailure(_NO_CONNECTION)
        try:
            result = await work(peer, Patience(call, self._runtime))
            trusted = trusts(result)
        except BaseException:
            await self._pools.put_back(pool, peer, again=False)
            raise
        again = trusted and peer.is_idle
        await self._pools.put_back(pool, peer, again=again)
        return result

    async def _open(self, peer: Peer, patience: Patience) -> None:
        try:
            await peer.connect_ahead(patience.part)
        except Exception as caught:  # noqa: BLE001 - every end is known
            failure, cause = _explained(caught, peer, patience)
        else:
            return
        raise TransportFailure(failure) from cause

    async def _exchange(self, peer: Peer, patience: Patience) -> Response:
        call, now = patience.call, self._runtime.now
        record = call.record
        headers = Headers()
        body: Body | None = None
        cause: BaseException | None = None
        record.began = began = now()
        try:
            status, raw = await peer.send(call, patience)
            record.status_code = status
            headers = Headers.from_raw(raw)
            body = Body(
                headers.get("content-encoding", ""),
                _limit(call, status, self._settings),
                status,
                late=lambda: patience.late,
            )
            await peer.read(body, patience)
            self.latency.note(now() - began)
            return Response(
                status_code=status, headers=headers, content=body.finish()
            )
        except TransportFailure as caught:
            failure = caught.failure
        except Exception as caught:  # noqa: BLE001 - every end is known
            failure, cause = _explained(caught, peer, patience)
        finally:
            record.own = is_own(headers, body.start if body else b"")
        failure = attrs.evolve(failure, own=record.own, headers=headers)
        raise TransportFailure(failure) from cause


def _explained(
    caught: Exception, peer: Peer, patience: Patience
) -> tuple[Failure, Exception | None]:
    """Return what an exception means, and its cause to show.

    Exceptions of httpx may repeat a header, so they are not shown.
    """
    record = patience.call.record
    facts = attrs.evolve(
        peer.facts(),
        sent=record.sent,
        status_code=record.status_code,
        late=patience.late,
    )
    cause = caught if is_foreign(caught) else None
    return failure_of(caught, facts), cause


def _limit(call: Call, status: int, settings: Connections) -> int:
    """Return how many bytes of a response are read.

    Parsing them takes up to a hundred times as much memory.
    """
    limit = settings.max_response_size
    if call.max_response_size is not None:
        limit = min(limit, call.max_response_size)
    return limit if status in SUCCESS else min(limit, LARGEST_ERROR)


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
