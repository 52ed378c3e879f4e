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

from .adapters import AsyncTransportWire, BlockingTransportWire
from .blocking_stream import Allowance, BlockingBackend
from .settings import Connections, Library
from .stream import UNFORKED, Handshaking, open_ahead


_PROXIES = {"http", "https", "socks5", "socks5h"}
_BLOCKING = (f"{__package__}.http11",)
_ASYNC = (f"{__package__}.asyncio_stream", f"{__package__}.trio_stream")
_AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def default_context(chosen: Library, *, trust_env: bool) -> ssl.SSLContext:
    """Return the context that clients share: it takes 20 ms to build.

    There is one for each setting of the environment.

    Raises:
        ConfigurationError: The environment names no authorities.
    """
    named = map(os.environ.get, _AUTHORITIES) if trust_env else ()
    return _context(chosen, tuple(named), trust_env=trust_env)


@cache
def _context(
    chosen: Library, named: tuple[str | None, ...], *, trust_env: bool
) -> ssl.SSLContext:
    del named  # The library reads them itself.
    try:
        with UNFORKED:
            context: ssl.SSLContext = chosen.httpx.create_ssl_context(
                trust_env=trust_env
            )
    except OSError as error:  # ssl.SSLError is one.
        raise ConfigurationError(
            "transport: there are no certificates to be read where "
            f"SSL_CERT_FILE or SSL_CERT_DIR leads to ({error})."
        ) from error
    return context


@cache
def _no_tls() -> ssl.SSLContext:
    """Return a context that trusts nobody, for plain connections."""
    with UNFORKED:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def proxy_for(origin: str, settings: Connections) -> str | None:
    """Return the URL of the proxy that leads to `origin`, if any.

    To this machine none of the environment does: it would get the secret,
    the token and the orders in clear text, and would look for the port on
    its own machine.

    Raises:
        ConfigurationError: The proxy that was given would get them.
    """
    target = urlsplit(origin)
    local = is_loopback(_host(origin))
    if settings.proxy:
        plain = local and target.scheme == "http"
        if plain and not is_loopback(_host(settings.proxy)):
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


def prepared(
    settings: Connections,
    chosen: Library,
    urls: Iterable[str],
    *,
    blocking: bool,
) -> Connections:
    """Load and build now what a call would have to otherwise.

    An import holds a lock: a process that is forked meanwhile, by another
    thread, would wait for it for ever, whatever the deadline of its calls.
    And both hold up the event loop for as long as a call may take.

    Args:
        settings: How connections are made.
        chosen: The httpx to use.
        urls: Where calls will go.
        blocking: Whether it is for `Sesamy`.

    Returns:
        The settings, with a context for TLS where one of the URLs needs it.

    Raises:
        ConfigurationError: The environment names no authorities.
    """
    chosen.core()
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
        context = default_context(chosen, trust_env=settings.trust_env)
    if context is not None and context.sslobject_class is ssl.SSLObject:
        context.sslobject_class = Handshaking
    return attrs.evolve(settings, ssl_context=context)


def open_async(
    origin: str, settings: Connections, chosen: Library, runtime: Runtime
) -> AsyncTransportWire:
    """Make a connection for `AsyncSesamy`; it connects at its first use."""
    options = _options(origin, settings, chosen)
    transport = _made(chosen.httpx.AsyncHTTPTransport, chosen, options)
    core = chosen.core()
    backend = _backend(core, runtime)
    if options["proxy"] is not None:
        # A proxy's pool takes the backend only from within.
        transport._pool._network_backend = backend  # noqa: SLF001
        return AsyncTransportWire(
            transport, owned=True, proxy=_named(options["proxy"], settings)
        )
    connection = core.AsyncHTTPConnection(
        _origin(core, origin),
        ssl_context=options["verify"],
        network_backend=backend,
    )
    _go_directly(transport, connection)
    return AsyncTransportWire(
        transport,
        owned=True,
        connection=connection,
        ahead=partial(open_ahead, connection, core, runtime=runtime),
    )


def open_blocking(
    origin: str, settings: Connections, chosen: Library, runtime: Runtime
) -> BlockingTransportWire:
    """Make a connection for `Sesamy`; it connects at its first use."""
    options = _options(origin, settings, chosen)
    transport = _made(chosen.httpx.HTTPTransport, chosen, options)
    allowance = Allowance(runtime)
    core = chosen.core()
    backend = BlockingBackend(allowance, core)
    if options["proxy"] is not None:
        if not options["proxy"].startswith("https:"):
            # As in `open_async`.  (Over TLS to the proxy, TLS to Sesamy
            # is more than a socket can.)
            transport._pool._network_backend = backend  # noqa: SLF001
        return BlockingTransportWire(
            transport,
            allowance,
            owned=True,
            proxy=_named(options["proxy"], settings),
        )
    # Only here and in `prepared`: whoever awaits needs none.
    from sesamy_async._http.http11 import BlockingExchanges  # noqa: PLC0415

    exchanges = BlockingExchanges(
        _origin(core, origin), options["verify"], backend, core
    )
    # It does nothing but take a lock, but it is where respx listens.
    connection = core.HTTPConnection(_origin(core, origin))
    connection._connection = exchanges  # noqa: SLF001 - as in _go_directly
    _go_directly(transport, connection)
    return BlockingTransportWire(
        transport, allowance, owned=True, exchanges=exchanges
    )


def _backend(core: Any, runtime: Runtime) -> Any:
    """Return what opens streams on the running loop."""
    if hasattr(current_token().native_token, "create_connection"):
        # Only here and in `prepared`: whoever blocks needs no asyncio.
        from sesamy_async._http.asyncio_stream import AsyncioBackend  # noqa: PLC0415

        return AsyncioBackend(core)
    from sesamy_async._http.trio_stream import TrioBackend  # noqa: PLC0415 - as above

    return TrioBackend(core.TrioBackend(), runtime)


def _go_directly(transport: Any, connection: Any) -> None:
    """Put a connection where an httpx transport has a pool.

    Our own set does what a pool is for.  The two have one interface; the
    name is httpx's private one: should it ever change, every call on a
    socket fails, and with it half of the tests.
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
    origin: str, settings: Connections, chosen: Library
) -> dict[str, Any]:
    proxy = proxy_for(origin, settings)
    context = settings.ssl_context
    if context is None:
        context = (
            default_context(chosen, trust_env=settings.trust_env)
            if _needs_tls(origin, proxy)
            else _no_tls()
        )
    return {
        "verify": context,
        "http2": False,
        "limits": chosen.httpx.Limits(
            max_connections=1,
            max_keepalive_connections=1,
            keepalive_expiry=settings.idle,
        ),
        "trust_env": False,
        "proxy": proxy,
    }


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def is_proxy(url: str) -> bool:
    """Whether this can be the URL of a proxy."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    visible = url.isascii() and url.isprintable() and " " not in url
    return parts.scheme in _PROXIES and bool(host) and port != 0 and visible


def no_proxy() -> ConfigurationError:
    """Return the error for a proxy that can't be used, without its URL."""
    return ConfigurationError(
        "transport: the proxy (proxy=, or HTTPS_PROXY, HTTP_PROXY, "
        "ALL_PROXY) can't be used; give the URL of an http or https "
        "proxy, or install httpx[socks] for a socks5 one."
    )


def _named(proxy: str, settings: Connections) -> str:
    """Name a proxy, without its user and password, and say whose it is."""
    _, _, name = urlsplit(proxy).netloc.rpartition("@")
    return name if settings.proxy else f"{name} of the environment"


def _made(kind: Any, chosen: Library, options: dict[str, Any]) -> Any:
    httpx = chosen.httpx
    with suppress(ImportError, ValueError, httpx.InvalidURL):
        proxy = options["proxy"]
        if proxy is not None and proxy.startswith("https:"):
            # By itself, httpx trusts certifi's authorities there.
            proxy = httpx.Proxy(proxy, ssl_context=options["verify"])
        return kind(**{**options, "proxy": proxy})
    # Outside of the block: what was raised there may hold the password.
    raise no_proxy()
