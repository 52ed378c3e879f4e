"""HTTP/1.1, one exchange after another, over any stream.

It is written once, as ``async def``: over blocking streams it never suspends.
"""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable
from functools import lru_cache
from http import HTTPStatus
from time import monotonic
from typing import Any, TypeAlias, cast
from urllib.parse import urlsplit

import attrs
import h11
import httpx

from sesamy_async._headers import SUCCESS

from .stream import Stream, TlsStream, Wait, until


# h11 checks this after it has parsed what was read, so a head may be longer
# by one read.
_LARGEST_HEAD = 100 * 1024
_LEAST_WAIT = 0.01

Connect: TypeAlias = Callable[[str, int, Wait], Awaitable[Stream]]
"""Opens a stream to a host and port."""


@lru_cache(256)  # A client uses few URLs again and again.
def origin_of(url: str) -> str | None:
    """Return scheme, host and port of a URL; None if it has none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return None
    return f"{parts.scheme}://{parts.netloc}"


@attrs.frozen(kw_only=True)
class Host:
    """A host to connect to; the URL of a proxy may contain a password."""

    url: str = attrs.field(repr=False)
    scheme: str
    host: str
    port: int
    name: bytes  # Host and port, as in the URL.

    @classmethod
    def of(cls, url: str) -> Host:
        """Return the host of a URL, or raise `httpx.InvalidURL`."""
        parsed = httpx.URL(url)
        return cls(
            url=url,
            scheme=parsed.scheme,
            host=parsed.raw_host.decode("ascii"),
            port=parsed.port or (443 if parsed.scheme == "https" else 80),
            name=parsed.netloc,
        )

    @property
    def secure(self) -> bool:
        return self.scheme == "https"

    def login(self) -> list[tuple[bytes, bytes]]:
        """Return the header with the user and password for a proxy."""
        parsed = httpx.URL(self.url)
        if not parsed.userinfo:
            return []
        pair = f"{parsed.username}:{parsed.password}"
        basic = b"Basic " + b64encode(pair.encode())
        return [(b"Proxy-Authorization", basic)]


@attrs.frozen(kw_only=True)
class NetworkPath:
    """The way to a host; `proxy_name` is what errors call the proxy."""

    target: Host
    context: ssl.SSLContext  # For the target and the proxy.
    proxy: Host | None = None
    proxy_name: str | None = None


class Connection:
    """An HTTP/1.1 connection: idle, or in one exchange.

    If an exchange does not come to its end, the caller must close the
    connection.  It raises the exceptions of httpx, for the same causes.

    Attributes:
        fresh: Whether it was opened for the present exchange.
        behind_proxy: Whether a proxy has led to the target.
    """

    def __init__(self, route: NetworkPath, connect: Connect) -> None:
        self.route = route
        self.fresh: bool = False
        self.behind_proxy: bool = False
        self._open = connect
        self._stream: Stream | None = None
        self._h11 = _protocol()

    @property
    def is_open(self) -> bool:
        return self._stream is not None

    @property
    def session(self) -> ssl.SSLObject | None:
        stream = self._stream
        return stream.session if isinstance(stream, TlsStream) else None

    @property
    def is_idle(self) -> bool:
        """Whether no exchange is under way or was given up."""
        return self._h11.our_state is h11.IDLE

    @property
    def refuses(self) -> bool:
        """Whether the server has stopped reading the request."""
        return self._h11.our_state is h11.ERROR

    def usable(self) -> bool:
        """Whether it can be used again.

        Bytes behind a response would be taken for the response to the next
        order: the worst that a connection can do.
        """
        stream = self._stream
        if stream is None or not self.is_idle:
            return False
        return not (self._h11.trailing_data[0] or stream.readable())

    async def connect(self, part: Callable[[], Wait]) -> None:
        """Connect, unless that is done.

        `part` is called for each part (connecting, the response of a proxy,
        each TLS handshake), and says how long that may take.
        """
        self.fresh = self._stream is None
        if not self.fresh:
            return
        target, proxy = self.route.target, self.route.proxy
        first = proxy or target
        try:
            wait = part()
            self._stream = await self._open(first.host, first.port, wait)
            if first.secure:
                await self._secure(first, part())
            if proxy is not None and target.secure:
                await self._lead_through(proxy, part())
                self.behind_proxy = True
                await self._secure(target, part())
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except h11.RemoteProtocolError as error:
            raise httpx.ConnectError(
                "The proxy does not speak HTTP"
            ) from error
        except UnicodeError as error:
            words = "The host name can't be looked up."
            raise httpx.ConnectError(words) from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error

    async def connect_ahead(self, part: Callable[[], Wait]) -> None:
        """Connect for a later request, unless that is done.

        A round trip after a handshake a server sends tickets, which would
        look like bytes behind a response, or, in TLS 1.3, refuses our
        certificate.  So they are read here.
        """
        began = monotonic()
        await self.connect(part)
        if not (self.fresh and self.route.target.secure):
            return
        wanted, left = max(_LEAST_WAIT, monotonic() - began), part()()
        wait = until(monotonic, wanted if left is None else min(wanted, left))
        try:
            await self._opened.receive(wait)
        except TimeoutError:
            return
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        raise httpx.ConnectError(
            "The server closed the connection, or sent data, before the "
            "first request."
        )

    def head(
        self, method: str, target: bytes, headers: list[tuple[bytes, bytes]]
    ) -> bytes:
        """Return the head of a request, ready to be written."""
        place, proxy = self.route.target, self.route.proxy
        if proxy is not None and not place.secure:
            target = b"http://" + place.name + target
            headers = [*headers, *proxy.login()]
        return self.encoded(
            h11.Request, method=method, target=target, headers=headers
        )

    def encoded(self, kind: Any, **facts: Any) -> bytes:
        """Return an event of h11's to write; b"" if nobody reads any more."""
        if self.refuses:
            return b""
        try:
            return cast("bytes", self._h11.send(kind(**facts)) or b"")
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from error

    async def write(self, data: bytes, wait: Wait) -> None:
        """Send a part of a request.

        It is no error here if the server stops reading: it may have responded
        before.  But the connection can't be used again.
        """
        try:
            await self._opened.send(data, wait)
        except TimeoutError as error:
            raise httpx.WriteTimeout(str(error)) from error
        except OSError:
            self._h11.send_failed()

    async def response(self, wait: Wait) -> Any:
        """Return the head of the response, also of a 101."""
        while not _is_final(event := await self._event(wait)):
            pass
        return event

    async def chunk(self, wait: Wait) -> bytes | None:
        """Return the next piece of the body; None at its end."""
        event = await self._event(wait)
        if isinstance(event, h11.Data):
            return bytes(event.data)
        if self._h11.our_state is self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()
        return None

    async def aclose(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.aclose()

    @property
    def _opened(self) -> Stream:
        if self._stream is None:
            raise httpx.ReadError("The connection is closed.")
        return self._stream

    async def _event(self, wait: Wait) -> Any:
        try:
            return await self._next(self._h11, wait)
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error)) from error
        except TimeoutError as error:
            raise httpx.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ReadError(str(error)) from error

    async def _next(self, protocol: h11.Connection, wait: Wait) -> Any:
        while (event := protocol.next_event()) is h11.NEED_DATA:
            protocol.receive_data(await self._opened.receive(wait))
        return event

    async def _secure(self, place: Host, wait: Wait) -> None:
        context = self.route.context
        context.set_alpn_protocols(["http/1.1"])
        self._stream = stream = TlsStream(self._opened, context, place.host)
        await stream.shake_hands(wait)

    async def _lead_through(self, proxy: Host, wait: Wait) -> None:
        """Ask a proxy for a tunnel to the target."""
        target = self.route.target
        host = f"[{target.host}]" if ":" in target.host else target.host
        name = f"{host}:{target.port}".encode()
        headers = [(b"Host", name), (b"Accept", b"*/*"), *proxy.login()]
        protocol = _protocol()
        request = h11.Request(method="CONNECT", target=name, headers=headers)
        await self._opened.send(protocol.send(request) or b"", wait)
        while not _is_final(event := await self._next(protocol, wait)):
            pass
        if event.status_code not in SUCCESS:
            raise httpx.ProxyError(f"{event.status_code} ")
        if protocol.trailing_data[0]:
            raise httpx.ProxyError("It sent data after its response.")


def _protocol() -> h11.Connection:
    return h11.Connection(h11.CLIENT, max_incomplete_event_size=_LARGEST_HEAD)


def _is_final(event: Any) -> bool:
    """Whether it is the final response, and not a 1xx."""
    return (
        isinstance(event, h11.Response)
        or event.status_code == HTTPStatus.SWITCHING_PROTOCOLS
    )
