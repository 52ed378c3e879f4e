"""Make connections of `transport=`: proxies, TLS, and which httpx."""

from __future__ import annotations

import codecs
import os
import ssl
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache, partial
from importlib import import_module
from types import FunctionType
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import attrs

from sesamy_async._call import Runtime, Transport, load_backends
from sesamy_async._settings import is_loopback
from sesamy_async.errors import ConfigurationError

from .http11 import Connect, Host, NetworkPath
from .peers import HttpxPeer, OwnPeer, Peer
from .settings import (
    CORES,
    Connections,
    impossible_proxy,
    is_proxy,
    library_of,
    load_library,
)
from .stream import FORK_LOCK, connect_blocking
from .transport import HttpTransport, Make


_AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_NO_LIMIT = 2**31


def bind(
    given: Any, runtime: Runtime, *, blocking: bool, urls: Iterable[str] = ()
) -> Transport:
    """Return the transport for a client.

    Args:
        given: None, a `Connections`, or an httpx client or transport.
        runtime: The client's.
        blocking: Whether it is for `Sesamy`.
        urls: Where calls will go, if that is known.

    Raises:
        ConfigurationError: It is none of these, or for the other client,
            or the environment names no authorities for TLS.
    """
    settings = Connections() if given is None else given
    if isinstance(settings, Connections):
        httpx = load_library(settings.library)
        settings = prepare(settings, httpx, urls, blocking=blocking)
        make: Make = partial(_peer, settings, httpx, blocking)
        patched: Callable[[], bool] = Patches(httpx, blocking=blocking)
        return HttpTransport(make, patched, runtime, settings)
    if (httpx := library_of(given)) is None:
        raise _refusal(given, blocking=blocking)
    kinds = (
        (httpx.Client, httpx.BaseTransport)
        if blocking
        else (httpx.AsyncClient, httpx.AsyncBaseTransport)
    )
    if not isinstance(given, kinds):
        raise _refusal(given, blocking=blocking)
    if not blocking:
        load_backends()
    # Subclasses may do anything; an application (`ASGITransport`) has the
    # request when it raises; what a client sends through, only a trace shows.
    known = type(given) in {
        httpx.HTTPTransport,
        httpx.AsyncHTTPTransport,
        httpx.MockTransport,
    }
    peer = partial(HttpxPeer, httpx, given, blocking=blocking, known=known)
    # The user's own client or transport has its own limits.
    settings = Connections(cap=_NO_LIMIT)
    return HttpTransport(lambda _: peer(), lambda: False, runtime, settings)


def _refusal(given: object, *, blocking: bool) -> ConfigurationError:
    mine, wanted = (
        ("Sesamy", "an httpx.Client or a blocking httpx transport")
        if blocking
        else ("AsyncSesamy", "an httpx.AsyncClient or an async transport")
    )
    return ConfigurationError(
        f"transport: {mine} takes {wanted}, or Connections(...); "
        f"got {type(given).__name__}."
    )


def default_context(httpx: Any, *, trust_env: bool) -> ssl.SSLContext:
    """Return the context that clients share: it takes 20 ms to build.

    There is one for each setting of the environment.
    """
    named = map(os.environ.get, _AUTHORITIES) if trust_env else ()
    return _context(httpx, tuple(named), trust_env=trust_env)


@cache
def _context(
    httpx: Any, named: tuple[str | None, ...], *, trust_env: bool
) -> ssl.SSLContext:
    del named  # The library reads them itself.
    try:
        with FORK_LOCK:
            context: ssl.SSLContext = httpx.create_ssl_context(
                trust_env=trust_env
            )
    except OSError as error:  # ssl.SSLError is one.
        raise ConfigurationError(
            "transport: the certificates named by SSL_CERT_FILE or "
            f"SSL_CERT_DIR can't be read ({error})."
        ) from error
    return context


@cache
def _no_tls() -> ssl.SSLContext:
    """Return a context for plain connections."""
    with FORK_LOCK:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def proxy_for(origin: str, settings: Connections) -> str | None:
    """Return the URL of the proxy that leads to `origin`, if any.

    A proxy of the environment is never used for this machine: it would get
    the secret, the token and the orders in clear text, and would connect to
    its own machine.

    Raises:
        ConfigurationError: The proxy in the settings would get them.
    """
    target = urlsplit(origin)
    local = is_loopback(target.hostname or "")
    if settings.proxy:
        plain = local and target.scheme == "http"
        if plain and not is_loopback(urlsplit(settings.proxy).hostname or ""):
            raise ConfigurationError(
                "transport.proxy: with http to this machine, a proxy on "
                "another machine would see the secret and the orders. Use "
                "https URLs, or no proxy."
            )
        return settings.proxy
    if local or not settings.trust_env:
        return None
    proxies = getproxies()
    proxy = proxies.get(target.scheme) or proxies.get("all")
    # NO_PROXY may name an IPv6 address with brackets or without.
    names = target.netloc, target.hostname or ""
    if not proxy or any(proxy_bypass(name) for name in names):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def prepare(
    settings: Connections,
    httpx: Any,
    urls: Iterable[str],
    *,
    blocking: bool,
) -> Connections:
    """Load and build now what a call would have to otherwise.

    An import holds a lock: if another thread forks meanwhile, the child
    would wait for it for ever.  It would also hold up the event loop.

    Returns:
        The settings, with a context for TLS if one of the URLs needs it.
    """
    codecs.lookup("idna")  # The codec of host names.
    connector(blocking=blocking)
    if not blocking:
        load_backends()
    _no_tls()  # The first context of a process sets up OpenSSL, locked too.
    ways = [(url, proxy_for(url, settings)) for url in urls]
    for _, proxy in ways:
        if proxy is None:
            continue
        if not is_proxy(proxy):
            raise impossible_proxy()
        if proxy.startswith("socks"):
            try:
                import_module("socksio")
            except ImportError:
                raise impossible_proxy() from None
    context = settings.ssl_context
    if context is None and any(_needs_tls(*way) for way in ways):
        context = default_context(httpx, trust_env=settings.trust_env)
    return attrs.evolve(settings, ssl_context=context)


def connector(*, blocking: bool) -> Connect:
    """Return what opens streams; each client loads only its own."""
    if blocking:
        return connect_blocking
    from .anyio_stream import connect_anyio  # noqa: PLC0415

    return connect_anyio


def _peer(
    settings: Connections,
    httpx: Any,
    blocking: bool,  # noqa: FBT001 - bound in `bind`
    key: tuple[str, bool],
) -> Peer:
    """Make what leads to an origin: through httpx if it is patched."""
    origin, patched = key
    route = route_to(origin, settings, httpx)
    if not (patched or is_socks(route)):
        return OwnPeer(route, connector(blocking=blocking))
    proxy, context = route.proxy, route.context
    kind = httpx.HTTPTransport if blocking else httpx.AsyncHTTPTransport
    with suppress(ImportError, ValueError, httpx.InvalidURL):
        # By itself, httpx trusts certifi's authorities at an https proxy.
        through = kind(
            verify=context,
            trust_env=False,
            proxy=proxy and httpx.Proxy(proxy.url, ssl_context=context),
            limits=httpx.Limits(
                max_connections=1, max_keepalive_connections=0
            ),
        )
        return HttpxPeer(
            httpx,
            through,
            blocking=blocking,
            owned=True,
            proxy=route.proxy_name,
        )
    # Outside of the block: what was raised there may contain the password.
    raise impossible_proxy()


def route_to(origin: str, settings: Connections, httpx: Any) -> NetworkPath:
    """Return the way to an origin.

    Raises:
        ConfigurationError: The proxy of the environment can't be used.
    """
    url = proxy_for(origin, settings)
    if url is not None and not is_proxy(url):
        raise impossible_proxy()
    context = settings.ssl_context
    if context is None:
        context = (
            default_context(httpx, trust_env=settings.trust_env)
            if _needs_tls(origin, url)
            else _no_tls()
        )
    return NetworkPath(
        target=Host.of(origin),
        context=context,
        proxy=None if url is None else Host.of(url),
        proxy_name=None if url is None else _name_of(url, settings),
    )


def is_socks(route: NetworkPath) -> bool:
    """Whether a proxy on the way speaks SOCKS, and not HTTP."""
    return route.proxy is not None and route.proxy.scheme.startswith("socks")


def _needs_tls(url: str, proxy: str | None) -> bool:
    return url.startswith("https:") or (proxy or "").startswith("https:")


def _name_of(proxy: str, settings: Connections) -> str:
    """Name a proxy without its user and password."""
    _, _, name = urlsplit(proxy).netloc.rpartition("@")
    return name if settings.proxy else f"{name} of the environment"


class Patches:
    """Says whether somebody has patched httpx or the httpcore beneath it.

    respx, pytest-httpx and OpenTelemetry's instrumentation replace the method
    by which a transport, pool or connection handles a request, in order to
    see all requests.  They may do so before our import, so a method is
    original if its code is in the library's files.
    """

    def __init__(self, httpx: Any, *, blocking: bool) -> None:
        self._httpx = httpx
        self._method = "handle_request" if blocking else "handle_async_request"
        # Threads share it, so it is replaced as a whole.
        self._known: tuple[Any, list[type], tuple[str, ...]] = None, [], ()

    def __call__(self) -> bool:
        """Look again: a mock may have come or gone."""
        core = sys.modules.get(CORES[self._httpx.__name__])
        known, kinds, homes = self._known
        if not kinds or core is not known:
            kinds, homes = self._look(core)
            self._known = core, kinds, homes
        method = self._method
        return not all(
            _is_original(vars(kind).get(method), homes) for kind in kinds
        )

    def _look(self, core: Any) -> tuple[list[type], tuple[str, ...]]:
        """Return the classes with the method, and the library's folders."""
        httpx = self._httpx
        inside: dict[str, Any] = getattr(core, "__dict__", {})
        found: list[Any] = [httpx.HTTPTransport, httpx.AsyncHTTPTransport]
        found += inside.values()
        kinds = [
            each
            for each in found
            if isinstance(each, type) and hasattr(each, self._method)
        ]
        modules = (httpx, core) if core else (httpx,)
        return kinds, tuple(f"{each.__path__[0]}{os.sep}" for each in modules)


def _is_original(function: object, homes: tuple[str, ...]) -> bool:
    return function is None or (
        isinstance(function, FunctionType)
        and not hasattr(function, "__wrapped__")
        and function.__code__.co_filename.startswith(homes)
    )
