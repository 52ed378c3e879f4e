"""Make connections: one-connection httpx transports that share a context."""

from __future__ import annotations

import ssl
from functools import cache
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from sesamy_async.core.runtime import Runtime
from sesamy_async.errors import ConfigurationError

from .bounded_stream import Allowance, BoundedBackend
from .settings import Connections
from .wires import AsyncTransportWire, BlockingTransportWire


@cache
def default_context(*, trust_env: bool) -> ssl.SSLContext:
    """Return the one context of this process: it takes 20 ms to build."""
    return httpx.create_ssl_context(trust_env=trust_env)


@cache
def _no_tls() -> ssl.SSLContext:
    """Return a context that trusts nobody, for plain connections."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def proxy_for(origin: str, settings: Connections) -> str | None:
    """Return the URL of the proxy that leads to `origin`, if any."""
    if settings.proxy or not settings.trust_env:
        return settings.proxy
    target = urlsplit(origin)
    proxies = getproxies()
    proxy = proxies.get(target.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(target.netloc):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def open_async(origin: str, settings: Connections) -> AsyncTransportWire:
    """Make a connection for `AsyncSesamy`; it connects at its first use."""
    options = _options(origin, settings)
    transport = _made(httpx.AsyncHTTPTransport, options)
    return AsyncTransportWire(transport, owned=True)


def open_blocking(
    origin: str, settings: Connections, runtime: Runtime
) -> BlockingTransportWire:
    """Make a connection for `Sesamy`; it connects at its first use."""
    options = _options(origin, settings)
    transport = _made(httpx.HTTPTransport, options)
    allowance = Allowance(runtime)
    # httpx has no parameter for the network backend, httpcore has; a test
    # of dripping answers fails should these names ever change.
    pool: Any = transport._pool  # noqa: SLF001
    backend = pool._network_backend  # noqa: SLF001
    pool._network_backend = BoundedBackend(backend, allowance)  # noqa: SLF001
    return BlockingTransportWire(transport, allowance, owned=True)


def _options(origin: str, settings: Connections) -> dict[str, Any]:
    proxy = proxy_for(origin, settings)
    tls = origin.startswith("https:") or (proxy or "").startswith("https:")
    context = settings.ssl_context
    if context is None:
        trust_env = settings.trust_env
        context = default_context(trust_env=trust_env) if tls else _no_tls()
    limits = httpx.Limits(
        max_connections=1,
        max_keepalive_connections=1,
        keepalive_expiry=settings.idle,
    )
    return {
        "verify": context,
        "http2": False,
        "limits": limits,
        "trust_env": False,
        "proxy": proxy,
    }


def _made(kind: Any, options: dict[str, Any]) -> Any:
    try:
        return kind(**options)
    except (ImportError, ValueError, httpx.InvalidURL):
        usable = False
    if not usable:
        raise ConfigurationError(
            "transport: the proxy (proxy=, or HTTPS_PROXY, HTTP_PROXY, "
            "ALL_PROXY) can't be used; give the URL of an http or https "
            "proxy, or install httpx[socks] for a socks5 one."
        )
    return None
