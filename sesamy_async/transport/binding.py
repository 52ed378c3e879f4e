"""Make the transport of a client from what was given as ``transport=``."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import attrs

from sesamy_async.core.runtime import Runtime
from sesamy_async.core.transport import Transport
from sesamy_async.errors import ConfigurationError
from sesamy_async.runtimes.on_anyio import load_backends

from .blocking_stream import Allowance
from .library import Library, library, library_of
from .opening import open_async, open_blocking, prepared
from .over_httpx import Make, OverHttpx
from .settings import Connections
from .wires import (
    AsyncClientWire,
    AsyncTransportWire,
    BlockingClientWire,
    BlockingTransportWire,
)


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
    settings = given if isinstance(given, Connections) else None
    settings = settings or Connections(through=given)
    through = settings.through
    if through is None:
        chosen = library(settings.library)
        settings = prepared(settings, chosen, urls, blocking=blocking)
        make = _own(settings, chosen, runtime, blocking=blocking)
        return OverHttpx(make, runtime, settings, chosen)
    theirs = library_of(through)
    if theirs is None:
        raise _refusal(through, blocking=blocking)
    foreign = _foreign(through, theirs, runtime, blocking=blocking)
    if foreign is None:
        raise _refusal(through, blocking=blocking)
    if not blocking:
        load_backends()
    # What the caller gave has limits of its own.
    settings = attrs.evolve(settings, cap=_ENOUGH)
    return OverHttpx(foreign, runtime, settings, theirs)


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
    if blocking and isinstance(through, httpx.Client):
        return lambda _: BlockingClientWire(through, Allowance(runtime))
    if blocking and isinstance(through, httpx.BaseTransport):
        return lambda _: BlockingTransportWire(
            through, Allowance(runtime), owned=False
        )
    if not blocking and isinstance(through, httpx.AsyncClient):
        return lambda _: AsyncClientWire(through)
    if not blocking and isinstance(through, httpx.AsyncBaseTransport):
        return lambda _: AsyncTransportWire(through, owned=False)
    return None


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
