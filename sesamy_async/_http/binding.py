"""Make the transport of a client from what was given as ``transport=``."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, cast

import attrs

from sesamy_async._call import Runtime, Transport, load_backends
from sesamy_async.errors import ConfigurationError

from .adapters import (
    AsyncAdapter,
    BlockingAdapter,
    by_async_client,
    by_async_transport,
    by_client,
    by_transport,
)
from .blocking_stream import Allowance
from .opening import (
    impossible_proxy,
    is_proxy,
    open_async,
    open_blocking,
    prepare,
    proxy_for,
)
from .settings import Connections, Library, library_of, load_library
from .transport import HttpxTransport, Make


_NO_LIMIT = 2**31


def bind(
    given: Any, runtime: Runtime, *, blocking: bool, urls: Iterable[str] = ()
) -> Transport:
    """Return the transport for a client.

    Args:
        given: None, a `Connections`, or an httpx client or transport.
        runtime: The client's.
        blocking: Whether it is for `Sesamy`.
        urls: Where calls will go, as far as that is known.

    Raises:
        ConfigurationError: It is none of these, or for the other client,
            or the environment names no authorities for TLS.
    """
    if isinstance(given, Connections):
        settings = given
    elif given is None or library_of(given) is not None:
        settings = Connections(through=given)
    else:
        raise _refusal(given, blocking=blocking)
    through = settings.through
    if through is None:
        # Not in a method of the settings: a traceback would show the
        # password of the proxy as a local of theirs.
        if settings.proxy is not None and not is_proxy(settings.proxy):
            raise impossible_proxy()
        library = load_library(settings.library)
        settings = prepare(settings, library, urls, blocking=blocking)
        make: Make | None = partial(
            open_blocking if blocking else open_async,
            settings=settings,
            library=library,
            runtime=runtime,
        )
    else:
        library = cast("Library", library_of(through))
        make = _adapt(through, library, runtime, blocking=blocking)
        if not blocking:
            load_backends()
        # The user's own client or transport has its own limits.
        settings = attrs.evolve(settings, cap=_NO_LIMIT)
    if make is None:
        raise _refusal(through, blocking=blocking)
    return HttpxTransport(make, runtime, settings, library)


def check_proxy(given: Any, *urls: str) -> None:
    """Refuse a proxy that would see the requests to these URLs.

    Raises:
        ConfigurationError: It would.
    """
    if isinstance(given, Connections) and given.through is None:
        for url in urls:
            proxy_for(url, given)


def _adapt(
    through: Any, library: Library, runtime: Runtime, *, blocking: bool
) -> Make | None:
    """Return what adapts a client or transport; None if it is of no use."""
    httpx = library.httpx
    known = partial(_is_known, through, httpx)
    handle: Any
    if blocking:
        if isinstance(through, httpx.Client):
            handle = by_client
        elif isinstance(through, httpx.BaseTransport):
            handle = by_transport
        else:
            return None
        return lambda _: BlockingAdapter(
            through=through,
            handle=handle,
            known=known,
            allowance=Allowance(runtime),
        )
    if isinstance(through, httpx.AsyncClient):
        handle = by_async_client
    elif isinstance(through, httpx.AsyncBaseTransport):
        handle = by_async_transport
    else:
        return None
    return lambda _: AsyncAdapter(through=through, handle=handle, known=known)


def _is_known(through: Any, httpx: Any) -> bool:
    """Whether what this raises means what it means in httpx.

    That holds for httpx's own transports, and for a client that sends
    through nothing else; not for a subclass, which may do anything.  An
    application (`ASGITransport`, `WSGITransport`) already has the request
    when it raises.

    Args:
        through: A client or transport of the user's.
        httpx: The module that it belongs to.
    """
    traced = {httpx.HTTPTransport, httpx.AsyncHTTPTransport}
    if type(through) not in {httpx.Client, httpx.AsyncClient}:
        return type(through) in {*traced, httpx.MockTransport}
    # These are private names of httpx: should they ever change, a test with
    # respx fails.
    mounted = filter(None, through._mounts.values())  # noqa: SLF001
    kinds: set[Any] = {type(each) for each in (through._transport, *mounted)}  # noqa: SLF001
    # A hook for answers may raise anything after a mock has answered.
    hooked = bool(through.event_hooks["response"])
    return kinds <= (traced if hooked else {*traced, httpx.MockTransport})


def _refusal(through: object, *, blocking: bool) -> ConfigurationError:
    mine, wanted = (
        ("Sesamy", "an httpx.Client or a blocking httpx transport")
        if blocking
        else ("AsyncSesamy", "an httpx.AsyncClient or an async transport")
    )
    return ConfigurationError(
        f"transport: {mine} takes {wanted}, or Connections(...); "
        f"got {type(through).__name__}."
    )
