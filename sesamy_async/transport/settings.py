"""How connections are made: a value to pass as ``transport=``."""

from __future__ import annotations

import ssl
from typing import Any

import attrs

from sesamy_async.core.numbers import check_number
from sesamy_async.errors import ConfigurationError

from .library import Name


_MIB = 2**20


@attrs.frozen(kw_only=True)
class Connections:
    """The SDK's own connections; give one as ``transport=`` to change them.

    HTTP/1.1 only: with HTTP/2, one lost connection would make the outcome
    of many calls unknown at once.

    Attributes:
        cap: How many connections there may be to one host at once; further
            calls wait their turn, until their deadline at most.
        idle: Seconds after which an unused connection is not used again.
            Servers usually close theirs after 5 s, and a request that
            crosses with that has an unknown outcome.
        max_response_size: Bytes that an answer may have, decompressed.
            Of contracts, tokens and errors less is read.
        proxy: URL of a proxy for all requests; by default it is taken from
            the environment (``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY``,
            ``NO_PROXY``).
        trust_env: Whether to look at those variables, and at
            ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``.
        ssl_context: For your own authorities or client certificates, with
            an ``https://`` proxy too.
        library: ``"httpx"``, or ``"httpx2"`` for its maintained
            continuation (extra ``httpx2``).
        through: An httpx client or transport to send through instead of
            own connections.  It stays yours: it is not closed.

    .. versionadded:: 0.1.0
    """

    cap: int = 100
    idle: float = 4.0
    max_response_size: int = 8 * _MIB
    proxy: str | None = attrs.field(default=None, repr=False)
    trust_env: bool = True
    ssl_context: ssl.SSLContext | None = None
    library: Name = "httpx"
    through: Any = None

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.proxy, str | None):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError("transport.proxy must be a URL.")
        check_number("transport.cap", self.cap, least=1)
        check_number("transport.idle", self.idle, least=0)
        check_number(
            "transport.max_response_size", self.max_response_size, least=1
        )
