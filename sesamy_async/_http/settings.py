"""How connections are made: settings, and which httpx."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator
from functools import cache
from importlib import import_module
from typing import Any, Literal

import attrs

from sesamy_async._call import guarded_init
from sesamy_async._checks import (
    NotPickled,
    Problems,
    check_number,
    url_parts,
)
from sesamy_async._settings import check_flag
from sesamy_async.errors import ConfigurationError


class OneShotBody:
    """A request's body that is in memory.

    httpx's own stream is an async generator: if a call is cancelled while its
    body is written, trio warns that nobody closed it.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        return iter((self._content,))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return AsyncChunks(iter(self))


@attrs.frozen(eq=False, repr=False)
class AsyncChunks(AsyncIterator[bytes]):
    """Chunks that are there already, for code that awaits them."""

    _chunks: Iterator[bytes]

    async def __anext__(self) -> bytes:
        for chunk in self._chunks:
            return chunk
        raise StopAsyncIteration


@cache
def stream_of(httpx: Any) -> Any:
    """Return the class of a request's body for an httpx."""
    bases = (OneShotBody, httpx.AsyncByteStream, httpx.SyncByteStream)
    return type("OneShotStream", bases, {})


CORES = {"httpx": "httpcore", "httpx2": "httpcore2"}
"""The httpcore beneath each httpx."""


def load_library(name: str) -> Any:
    """Import an httpx, or raise a `ConfigurationError`."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        raise ConfigurationError(
            f"transport.library: {name} is not installed. Run "
            f"pip install 'sesamy-async[{name}]'."
        ) from None


def library_of(given: object) -> Any:
    """Return the httpx that a client or transport belongs to, if any."""
    for kind in type(given).__mro__:
        name = kind.__module__.partition(".")[0]
        if name in CORES:
            return load_library(name)
    return None


_MIB = 2**20
_PROXIES = {"http", "https", "socks5", "socks5h"}


@guarded_init  # The URL of a proxy may have a password.
@attrs.frozen(kw_only=True)
class Connections(NotPickled):
    """The SDK's own connections; pass one as ``transport=`` to change them.

    HTTP/1.1 only: with HTTP/2, one lost connection would make the outcome
    of many calls unknown at once.

    Attributes:
        cap: The most connections to one host at once; further calls wait
            for one, at most until their deadline.
        idle: Seconds after which an unused connection is not used again.
            Servers usually close theirs after 5 s, and a request that
            crosses with that has an unknown outcome.
        max_response_size: The most bytes that a response may have,
            decompressed.  For contracts, tokens and errors it is less.
        proxy: URL of a proxy for all requests; by default it is taken from
            the environment (``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY``,
            ``NO_PROXY``).
        trust_env: Whether to read those variables, ``SSL_CERT_FILE`` and
            ``SSL_CERT_DIR``.
        ssl_context: For your own authorities or client certificates; also
            used for an ``https://`` proxy.
        library: ``"httpx"``, or ``"httpx2"`` for its maintained
            continuation (extra ``httpx2``).

    Raises:
        ConfigurationError: It names all settings that are wrong.
    """

    cap: int = 100
    idle: float = 4.0
    max_response_size: int = 8 * _MIB
    proxy: str | None = attrs.field(default=None, repr=False)
    trust_env: bool = True
    ssl_context: ssl.SSLContext | None = None
    library: Literal["httpx", "httpx2"] = "httpx"

    def __attrs_post_init__(self) -> None:
        check = Problems()
        check(check_number, "transport.idle", self.idle, least=0)
        for name in ("cap", "max_response_size"):
            check(_check_whole, f"transport.{name}", getattr(self, name))
        check(_check_proxy, self.proxy)
        check(check_flag, "transport.trust_env", self.trust_env)
        check(_check_context, self.ssl_context)
        check(_check_library, self.library)
        check.raise_all()


def _check_whole(name: str, number: object) -> None:
    check_number(name, number, least=1)
    if not isinstance(number, int):
        raise ConfigurationError(f"{name} must be a whole number.")


def is_proxy(url: str) -> bool:
    """Whether this can be the URL of a proxy."""
    parts = url_parts(url)
    return parts is not None and parts.scheme in _PROXIES


def impossible_proxy() -> ConfigurationError:
    """Return the error for a proxy that can't be used, without its URL."""
    return ConfigurationError(
        "transport: the proxy (proxy=, or HTTPS_PROXY, HTTP_PROXY, "
        "ALL_PROXY) can't be used. Give the URL of an http or https "
        "proxy, or install httpx[socks] for a socks5 one."
    )


def _check_proxy(proxy: object) -> None:
    if proxy is not None and not isinstance(proxy, str):
        raise ConfigurationError("transport.proxy must be a URL.")
    if proxy is not None and not is_proxy(proxy):
        raise impossible_proxy()


def _check_context(context: object) -> None:
    if context is None:
        return
    if not isinstance(context, ssl.SSLContext):
        raise ConfigurationError(
            "transport.ssl_context must be an ssl.SSLContext, such as "
            "ssl.create_default_context(cafile=...); got "
            f"{type(context).__name__}."
        )
    if context.protocol is ssl.PROTOCOL_TLS_SERVER:
        raise ConfigurationError(
            "transport.ssl_context is one for servers. Make it with "
            "ssl.create_default_context(), without a purpose."
        )


def _check_library(library: object) -> None:
    if library not in tuple(CORES):  # A list has no hash.
        raise ConfigurationError(
            'transport.library must be "httpx" or "httpx2".'
        )
