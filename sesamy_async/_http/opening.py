"""Open connections: proxies, TLS, and what is prepared ahead."""

from __future__ import annotations

import codecs
import os
import ssl
from collections.abc import Iterable
from contextlib import suppress
from functools import cache, partial
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import attrs
from anyio.lowlevel import current_token

from sesamy_async._call import Runtime, load_backends
from sesamy_async._settings import is_loopback
from sesamy_async.errors import ConfigurationError

from .adapters import (
    AsyncAdapter,
    BlockingAdapter,
    by_async_transport,
    by_transport,
)
from .blocking_stream import Allowance, BlockingBackend
from .settings import Connections, Library
from .stream import (
    FORK_LOCK,
    ForkSafeTLS,
    connection_usable,
    open_ahead,
    pool_usable,
)


_PROXIES = {"http", "https", "socks5", "socks5h"}
_BLOCKING = (f"{__package__}.http11",)
_ASYNC = (f"{__package__}.asyncio_stream", f"{__package__}.trio_stream")
_AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def default_context(library: Library, *, trust_env: bool) -> ssl.SSLContext:
    """Return the context that clients share: it takes 20 ms to build.

    There is one for each setting of the environment.

    Raises:
        ConfigurationError: The environment names no authorities.
    """
    named = map(os.environ.get, _AUTHORITIES) if trust_env else ()
    return _context(library, tuple(named), trust_env=trust_env)


@cache
def _context(
    library: Library, named: tuple[str | None, ...], *, trust_env: bool
) -> ssl.SSLContext:
    del named  # The library reads them itself.
    try:
        with FORK_LOCK:
            context: ssl.SSLContext = library.httpx.create_ssl_context(
                trust_env=trust_env
            )
    except OSError as error:  # ssl.SSLError is one.
        raise ConfigurationError(
            "transport: no certificates can be read where SSL_CERT_FILE or "
            f"SSL_CERT_DIR leads to ({error})."
        ) from error
    return context


@cache
def _no_tls() -> ssl.SSLContext:
    """Return a context that trusts nobody, for plain connections."""
    with FORK_LOCK:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def is_proxy(url: str) -> bool:
    """Whether this can be the URL of a proxy."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    visible = url.isascii() and url.isprintable() and " " not in url
    return parts.scheme in _PROXIES and bool(host) and port != 0 and visible


def impossible_proxy() -> ConfigurationError:
    """Return the error for a proxy that can't be used, without its URL."""
    return ConfigurationError(
        "transport: the proxy (proxy=, or HTTPS_PROXY, HTTP_PROXY, "
        "ALL_PROXY) can't be used; give the URL of an http or https "
        "proxy, or install httpx[socks] for a socks5 one."
    )


def proxy_for(origin: str, settings: Connections) -> str | None:
    """Return the URL of the proxy that leads to `origin`, if any.

    A proxy of the environment is never used for this machine: it would get
    the secret, the token and the orders in clear text, and would look for
    the port on its own machine.

    Raises:
        ConfigurationError: The proxy in the settings would get them.
    """
    target = urlsplit(origin)
    local = is_loopback(target.hostname or "")
    if settings.proxy:
        plain = local and target.scheme == "http"
        if plain and not is_loopback(urlsplit(settings.proxy).hostname or ""):
            raise ConfigurationError(
                "transport.proxy: http to this machine through a proxy on "
                "another one would show it the secret and the customers' "
                "data; give https URLs, or no proxy."
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
    library: Library,
    urls: Iterable[str],
    *,
    blocking: bool,
) -> Connections:
    """Load and build now what a call would have to otherwise.

    An import holds a lock: if another thread forks meanwhile, the child
    would wait for that lock for ever, whatever the deadline of its calls.
    Both also hold up the event loop for as long as a call may take.

    Args:
        settings: How connections are made.
        library: The httpx to use.
        urls: Where calls will go.
        blocking: Whether it is for `Sesamy`.

    Returns:
        The settings, with a context for TLS where one of the URLs needs it.

    Raises:
        ConfigurationError: The environment names no authorities.
    """
    library.core()
    codecs.lookup("idna")  # The codec of host names, whatever they hold.
    for name in _BLOCKING if blocking else _ASYNC:
        import_module(name)
    if not blocking:
        load_backends()  # After httpcore, which loads trio.
    _no_tls()  # The first context of a process sets up OpenSSL, locked too.
    context = settings.ssl_context
    if context is None and any(
        _needs_tls(url, proxy_for(url, settings)) for url in urls
    ):
        context = default_context(library, trust_env=settings.trust_env)
    if context is not None and context.sslobject_class is ssl.SSLObject:
        context.sslobject_class = ForkSafeTLS
    return attrs.evolve(settings, ssl_context=context)


def open_async(
    origin: str, settings: Connections, library: Library, runtime: Runtime
) -> AsyncAdapter:
    """Make a connection for `AsyncSesamy`; it connects at its first use."""
    options = _options(origin, settings, library)
    transport = _made(library.httpx.AsyncHTTPTransport, library, options)
    core = library.core()
    backend = _backend(core, runtime)
    if options["proxy"] is not None:
        # A pool that exists takes another backend only by this name.
        transport._pool._network_backend = backend  # noqa: SLF001
        return AsyncAdapter(
            through=transport,
            handle=by_async_transport,
            owned=True,
            usable=partial(pool_usable, transport),
            proxy=_name_of(options["proxy"], settings),
        )
    connection = core.AsyncHTTPConnection(
        _origin(core, origin),
        ssl_context=options["verify"],
        network_backend=backend,
    )
    _put(connection, transport)
    return AsyncAdapter(
        through=transport,
        handle=by_async_transport,
        owned=True,
        usable=partial(connection_usable, connection),
        connect=partial(open_ahead, connection, core, runtime),
    )


def open_blocking(
    origin: str, settings: Connections, library: Library, runtime: Runtime
) -> BlockingAdapter:
    """Make a connection for `Sesamy`; it connects at its first use."""
    options = _options(origin, settings, library)
    transport = _made(library.httpx.HTTPTransport, library, options)
    allowance = Allowance(runtime)
    core = library.core()
    backend = BlockingBackend(allowance, core)
    if options["proxy"] is not None:
        if not options["proxy"].startswith("https:"):
            # As in `open_async`.  (A socket can't have TLS to Sesamy over
            # TLS to the proxy.)
            transport._pool._network_backend = backend  # noqa: SLF001
        return BlockingAdapter(
            through=transport,
            handle=by_transport,
            owned=True,
            usable=partial(pool_usable, transport),
            proxy=_name_of(options["proxy"], settings),
            allowance=allowance,
        )
    # Only here and in `prepare`: the async client needs none.
    from sesamy_async._http.http11 import BlockingExchanges  # noqa: PLC0415

    exchanges = BlockingExchanges(
        _origin(core, origin), options["verify"], backend, core
    )
    # It does nothing but take a lock, but it is what respx patches.
    connection = core.HTTPConnection(_origin(core, origin))
    connection._connection = exchanges  # noqa: SLF001 - as in `_put`
    _put(connection, transport)
    return BlockingAdapter(
        through=transport,
        handle=by_transport,
        owned=True,
        usable=exchanges.usable,
        connect=exchanges.open,
        allowance=allowance,
    )


def _backend(core: Any, runtime: Runtime) -> Any:
    """Return what opens streams on the running loop."""
    if hasattr(current_token().native_token, "create_connection"):
        # Only here and in `prepare`: the blocking client needs no asyncio.
        from sesamy_async._http.asyncio_stream import AsyncioBackend  # noqa: PLC0415

        return AsyncioBackend(core)
    from sesamy_async._http.trio_stream import TrioBackend  # noqa: PLC0415 - as above

    return TrioBackend(core.TrioBackend(), runtime)


def _put(connection: Any, transport: Any) -> None:
    """Put a connection where an httpx transport has a pool.

    Our own pool does what that one is for, and a connection has the same
    interface.  The name is a private one of httpx: should it ever change,
    every call on a socket fails, and half of the tests do.
    """
    transport._pool = connection  # noqa: SLF001


def _origin(core: Any, origin: str) -> Any:
    parts = urlsplit(origin)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = parts.hostname or ""
    return core.Origin(parts.scheme.encode(), host.encode(), port)


def _needs_tls(url: str, proxy: str | None) -> bool:
    return url.startswith("https:") or (proxy or "").startswith("https:")


def _options(
    origin: str, settings: Connections, library: Library
) -> dict[str, Any]:
    proxy = proxy_for(origin, settings)
    context = settings.ssl_context
    if context is None:
        context = (
            default_context(library, trust_env=settings.trust_env)
            if _needs_tls(origin, proxy)
            else _no_tls()
        )
    return {
        "verify": context,
        "http2": False,
        "limits": library.httpx.Limits(
            max_connections=1,
            max_keepalive_connections=1,
            keepalive_expiry=settings.idle,
        ),
        "trust_env": False,
        "proxy": proxy,
    }


def _name_of(proxy: str, settings: Connections) -> str:
    """Name a proxy, without its user and password, and say whose it is."""
    _, _, name = urlsplit(proxy).netloc.rpartition("@")
    return name if settings.proxy else f"{name} of the environment"


def _made(kind: Any, library: Library, options: dict[str, Any]) -> Any:
    """Make an httpx transport.

    Raises:
        ConfigurationError: The proxy is none.
    """
    httpx = library.httpx
    with suppress(ImportError, ValueError, httpx.InvalidURL):
        proxy = options["proxy"]
        if proxy is not None and proxy.startswith("https:"):
            # By itself, httpx trusts certifi's authorities there.
            proxy = httpx.Proxy(proxy, ssl_context=options["verify"])
        return kind(**{**options, "proxy": proxy})
    # Outside of the block: what was raised there may hold the password.
    raise impossible_proxy()
