"""Whether a connection of httpx's can be used once more after a rest."""

from __future__ import annotations

import ssl
from typing import Any

from .readable import holds_more


def usable(connection: Any, transport: Any) -> bool:
    """Whether an idle connection can be used once more.

    Bytes behind an answer stay in the buffers of h11 and TLS, and would be
    taken for the answer to the next order: the worst that a connection can
    do.  Only those two know of them; should these private names ever
    change, every second call on a socket fails, and with it half of the
    tests.

    Args:
        connection: httpcore's, or None where there is a pool (a proxy's).
        transport: The httpx transport that has that pool.
    """
    if connection is None:
        pool = transport._pool.connections  # noqa: SLF001
        return all(usable(each, None) for each in pool)
    if connection.is_closed() or connection.has_expired():
        return False
    # A proxy's connection holds that to the target.
    inner = connection
    while inner is not None and not hasattr(inner, "_h11_state"):
        inner = inner._connection  # noqa: SLF001
    return inner is None or not _has_more(inner)


def _has_more(inner: Any) -> bool:
    """Whether there are bytes behind an answer that was read."""
    if inner._h11_state.trailing_data[0]:  # noqa: SLF001 - as said above
        return True
    stream = inner._network_stream  # noqa: SLF001 - as said above
    # Of one that was opened ahead, `has_expired` does not ask that.
    if not inner.is_idle() and stream.get_extra_info("is_readable"):
        return True
    tls = stream.get_extra_info("ssl_object")
    # Of an `SSLSocket`, `has_expired` knows: our stream says "is_readable".
    return isinstance(tls, ssl.SSLObject) and holds_more(tls)
