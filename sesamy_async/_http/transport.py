"""Send requests through httpx and read the answers to their end."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Hashable, Iterable
from contextlib import suppress
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import urlsplit

import attrs

from sesamy_async._call import (
    LARGEST_ERROR,
    Call,
    Latency,
    Request,
    Response,
    Runtime,
    Trusts,
    is_own,
    renewed_after_fork,
    trusts_all,
)
from sesamy_async._headers import SUCCESS, Headers
from sesamy_async._outcome import Failure, FailureKind, TransportFailure

from .adapters import Adapter, SendTracker
from .body import ACCEPT_ENCODING, Body
from .failures import FailureFacts, as_of_httpx, failure_of, is_foreign
from .pool import Pool
from .settings import Connections, Library


_WITH_BODY = {"POST", "PUT", "PATCH"}
_TIMEOUTS = ("connect", "read", "write", "pool")
_ACCEPT_ENCODING = (b"Accept-Encoding", ACCEPT_ENCODING.encode())


def request_of(
    request: Request,
    library: Library,
    seconds: float | None,
    trace: Callable[..., Any],
) -> Any:
    """Return an `httpx.Request`.

    It is made of encoded headers and a ready stream, which httpx would work
    out again for each request.

    Args:
        request: The request.
        library: The httpx to use.
        seconds: What one network operation may take; None for no limit.
        trace: Called with the events of httpcore.

    Raises:
        UnicodeError: A header is not ASCII.
    """
    url = library.url(request.url)
    return library.httpx.Request(
        request.method,
        url,
        headers=_headers(request, url.netloc),
        stream=library.stream(request.content),
        extensions={
            "timeout": dict.fromkeys(_TIMEOUTS, seconds),
            "trace": trace,
        },
    )


def _headers(request: Request, host: bytes) -> list[tuple[bytes, bytes]]:
    headers = [(b"Host", host), _ACCEPT_ENCODING]
    for name, value in request.headers.items():
        headers.append((name.encode("ascii"), value.encode("ascii")))
    if request.content or request.method in _WITH_BODY:
        length = str(len(request.content)).encode()
        headers.append((b"Content-Length", length))
    if request.authorization is not None:
        # Last: nothing may raise while it is in a local of ours.
        token = request.authorization.reveal().encode("ascii")
        headers.append((b"Authorization", token))
    return headers


_LEAST = 0.001  # Zero would make a socket non-blocking.

_T = TypeVar("_T")

Make = Callable[[str], Adapter]


class HttpxTransport:
    """A `Transport` with a pool of connections for each host and loop.

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
        context = settings.ssl_context
        # A server may ask for our certificate after it has read.
        self._late_tls = context is not None and context.post_handshake_auth
        self._pools: dict[tuple[Hashable, str], Pool] = {}
        self.latency: Latency = Latency()
        self._lock = Lock()
        renewed_after_fork(self)

    def after_fork(self) -> None:
        """Begin anew in a child: another thread may have held the lock."""
        self._lock = Lock()

    @property
    def used(self) -> bool:
        """Whether there may be open connections of ours."""
        return any(each.count for each in self._pools.values())

    async def send(self, call: Call, trusts: Trusts = trusts_all) -> Response:
        """Send the request once and read the whole answer.

        Args:
            call: The call to send.
            trusts: Says by the answer whether the connection may be used
                again.

        Raises:
            TransportFailure: There is no complete answer.
        """
        return await self._over(call, self._exchange, trusts)

    async def connect(self, call: Call) -> None:
        """Open a connection for later, unless one is free already.

        Raises:
            TransportFailure: There is none; nothing was sent.
        """
        await self._over(call, self._open, lambda _: True)

    async def _over(
        self,
        call: Call,
        work: Callable[[Adapter, Call], Awaitable[_T]],
        trusts: Callable[[_T], bool],
    ) -> _T:
        """Do something over a connection, and keep it if it can be used."""
        pool = self._pool_for(call.request.url)
        adapter = await pool.acquire(
            self.latency.latest(call, self._runtime.now()),
            first=call.completes,
        )
        if adapter is None:
            raise TransportFailure(_NO_CONNECTION)
        try:
            result = await work(adapter, call)
            trusted = trusts(result)
        except BaseException as error:
            untraced = call.record.sent is None
            if untraced and adapter.owned and not isinstance(error, Exception):
                # Cancelled before the first event.
                call.record.sent = False
            pool.discard()
            await self._close([adapter])
            raise
        if trusted and pool in self._pools.values():
            pool.release(adapter)
            await self._close(pool.stale())
        else:
            # What it brings next may belong to another call, or the client
            # was closed meanwhile.
            pool.discard()
            await self._close([adapter])
        return result

    async def _close(self, adapters: Iterable[Adapter]) -> None:
        """Close them all; an error there does not change how a call ended.

        If the task is cancelled meanwhile (on asyncio no shield prevents
        that), the others are closed too: nobody else knows of them.
        """
        cancelled: BaseException | None = None
        for adapter in adapters:
            try:
                with self._runtime.shield(), suppress(Exception):
                    await adapter.aclose()
            except BaseException as error:  # noqa: BLE001 - raised below
                cancelled = error
        if cancelled is not None:
            raise cancelled

    async def aclose(self) -> None:
        """Close the free connections of the present scope."""
        scope = self._runtime.scope()
        with self._lock:
            mine = [key for key in self._pools if key[0] == scope]
            pools = [self._pools.pop(key) for key in mine]
        for pool in pools:
            await self._close((*pool.stale(), *pool.drain()))

    def _pool_for(self, url: str) -> Pool:
        origin = origin_of(url)
        if origin is None:
            raise TransportFailure(_NO_URL)
        key = (self._runtime.scope(), origin)
        pool = self._pools.get(key)
        if pool is None:
            with self._lock:
                self._forget_the_dead()
                pool = self._pools.setdefault(
                    key,
                    Pool(
                        lambda: self._make(origin),
                        self._runtime,
                        cap=self._settings.cap,
                        idle=self._settings.idle,
                    ),
                )
        return pool

    def _forget_the_dead(self) -> None:
        """Drop the connections of parents and of loops that are closed.

        They can't be closed from here: a parent still uses its own, and
        those of a closed loop went with it.
        """
        dead = [key for key in self._pools if not self._runtime.alive(key[0])]
        for key in dead:
            del self._pools[key]

    async def _open(self, adapter: Adapter, call: Call) -> None:
        httpx = self._library.httpx
        try:
            await adapter.open(self._seconds(call), call.deadline)
        except Exception as caught:  # noqa: BLE001 - every end is known
            error = as_of_httpx(caught, httpx)
            facts = FailureFacts(sent=False, late=self._is_late(call))
            failure = failure_of(error, httpx, facts)
            cause = error if is_foreign(error, httpx) else None
        else:
            return
        raise TransportFailure(failure) from cause

    async def _exchange(self, adapter: Adapter, call: Call) -> Response:
        status: int | None = None
        cause: Exception | None = None
        headers, body = Headers(), Body("", 0, 0)
        tracker = SendTracker(call.record)
        call.record.began = began = self._runtime.now()
        try:
            answer = await adapter.send(
                self._request(call, adapter, tracker), call.deadline
            )
            call.record.status_code = status = answer.status_code
            headers = Headers.from_raw(answer.headers.raw)
            body = Body(
                headers.get("content-encoding", ""),
                _limit(call, status, self._settings),
                status,
                late=lambda: self._is_late(call),
            )
            await adapter.read(answer, body)
            self.latency.note(self._runtime.now() - began)
            return Response(
                status_code=status, headers=headers, content=body.finish()
            )
        except TransportFailure as caught:
            failure = caught.failure
        except Exception as caught:  # noqa: BLE001 - every end is known
            httpx = self._library.httpx
            unread = tracker.new_connection and adapter.owned
            facts = FailureFacts(
                sent=call.record.sent,
                status_code=status,
                known=adapter.known(),
                unread=unread and not self._late_tls,
                proxy=adapter.proxy,
                behind_proxy=tracker.behind_proxy,
                late=self._is_late(call),
            )
            failure = failure_of(caught, httpx, facts)
            # The words of httpx may repeat a header: only what is foreign
            # to it is chained.
            cause = caught if is_foreign(caught, httpx) else None
        finally:
            call.record.own = is_own(headers, body.start)
        failure = attrs.evolve(failure, own=call.record.own, headers=headers)
        raise TransportFailure(failure) from cause

    def _is_late(self, call: Call) -> bool:
        return self._runtime.now() >= call.deadline

    def _request(
        self, call: Call, adapter: Adapter, tracker: SendTracker
    ) -> Any:
        seconds, trace = self._seconds(call), adapter.trace(tracker)
        try:
            return request_of(call.request, self._library, seconds, trace)
        except Exception:
            call.record.sent = False
            raise

    def _seconds(self, call: Call) -> float | None:
        """Return what one network operation may take; None for no limit."""
        left = call.deadline - self._runtime.now()
        timeout = max(_LEAST, min(call.timeout, left))
        return None if timeout == math.inf else timeout


def _limit(call: Call, status: int, settings: Connections) -> int:
    """Return how many bytes of an answer are read at most.

    Parsing them takes up to a hundred times as much memory, and time in
    which nothing else is done.
    """
    limits = [settings.max_response_size]
    if call.max_response_size is not None:
        limits.append(call.max_response_size)
    if status not in SUCCESS:
        limits.append(LARGEST_ERROR)
    return min(limits)


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
