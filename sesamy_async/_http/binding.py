"""Make the transport of a client from what was given as ``transport=``."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, cast

import attrs

from sesamy_async._call import Runtime, Transport, load_backends
from sesamy_async.errors import ConfigurationError

from .adapters import (
    AsyncClientWire,
    AsyncTransportWire,
    BlockingClientWire,
    BlockingTransportWire,
)
from .blocking_stream import Allowance
from .opening import (
    is_proxy,
    no_proxy,
    open_async,
    open_blocking,
    prepared,
    proxy_for,
)
from .settings import Connections, Library, library, library_of
from .transport import Make, OverHttpx


_ENOUGH = 2**31


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
        # Not by the settings themselves: its password would be a local of
        # a frame of theirs.
        if settings.proxy is not None and not is_proxy(settings.proxy):
            raise no_proxy()
        chosen = library(settings.library)
        settings = prepared(settings, chosen, urls, blocking=blocking)
        make = _own(settings, chosen, runtime, blocking=blocking)
        return OverHttpx(make, runtime, settings, chosen)
    theirs = cast("Library", library_of(through))
    foreign = _foreign(through, theirs, runtime, blocking=blocking)
    if foreign is None:
        raise _refusal(through, blocking=blocking)
    if not blocking:
        load_backends()
    # What the caller gave has limits of its own.
    settings = attrs.evolve(settings, cap=_ENOUGH)
    return OverHttpx(foreign, runtime, settings, theirs)


def check_way(given: Any, *urls: str) -> None:
    """Refuse a proxy that would see what is sent to these URLs.

    Raises:
        ConfigurationError: It would.
    """
    if isinstance(given, Connections) and given.through is None:
        for url in urls:
            proxy_for(url, given)


def _own(
    settings: Connections,
    chosen: Library,
    runtime: Runtime,
    *,
    blocking: bool,
) -> Make:
    opened = open_blocking if blocking else open_async
    return partial(opened, settings=settings, chosen=chosen, runtime=runtime)


def _foreign(
    through: Any, theirs: Library, runtime: Runtime, *, blocking: bool
) -> Make | None:
    httpx = theirs.httpx
    known = partial(knows, through, httpx)
    if blocking and isinstance(through, httpx.Client):
        return lambda _: BlockingClientWire(through, Allowance(runtime), known)
    if blocking and isinstance(through, httpx.BaseTransport):
        return lambda _: BlockingTransportWire(
            through, Allowance(runtime), owned=False, known=known
        )
    if not blocking and isinstance(through, httpx.AsyncClient):
        return lambda _: AsyncClientWire(through, known)
    if not blocking and isinstance(through, httpx.AsyncBaseTransport):
        return lambda _: AsyncTransportWire(through, owned=False, known=known)
    return None


def knows(through: Any, httpx: Any) -> bool:
    """Whether what this raises means what it means in httpx.

    So it is for httpx's own transports, and for a client that sends through
    nothing else; not for a subclass, which may do anything.  An application
    (`ASGITransport`, `WSGITransport`) has the request when it raises.

    Args:
        through: A client or transport of the caller's.
        httpx: The module that it belongs to.
    """
    traced = {httpx.HTTPTransport, httpx.AsyncHTTPTransport}
    if type(through) not in {httpx.Client, httpx.AsyncClient}:
        return type(through) in {*traced, httpx.MockTransport}
    # The names are httpx's private ones: should they ever change, a test
    # with respx fails.
    mounted = filter(None, through._mounts.values())  # noqa: SLF001
    kinds = {type(each) for each in (through._transport, *mounted)}  # noqa: SLF001
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
