"""Creates over connections that break at any byte."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from proof.claim import Claim, Row, Scale
from proof.site import Way
from proof.wire import anywhere, before, in_http
from proof.wire.cause import Cause
from proof.wire.names import resolver
from proof.wire.trial import named, rows_of
from support.tls import client_context, server_context


_CAUSES: tuple[Cause, ...] = (
    *before.CAUSES,
    *in_http.CAUSES,
    *anywhere.CAUSES,
)
# Much of the time is spent waiting for timeouts, so this saves a lot of it.
_AT_ONCE = 3
_BRIEF = (Way.HTTP, Way.TLS_CONNECT, Way.HTTPX)


def _rows(scale: Scale) -> Iterator[Row]:
    # They are made once, but not when several threads ask at once.
    server_context()
    client_context()
    ways = _BRIEF if scale.brief else tuple(Way)
    jobs = [(way, part) for way in ways for part in _dealt(way)]
    with resolver(), ThreadPoolExecutor(len(jobs)) as pool:
        tried = [
            pool.submit(rows_of, way, causes, scale) for way, causes in jobs
        ]
        found = {row.what: row for rows in tried for row in rows.result()}
    for way in ways:
        yield from (found[named(way, each)] for each in _on(way))


def _on(way: Way) -> list[Cause]:
    return [cause for cause in _CAUSES if way in cause.ways]


def _dealt(way: Way) -> list[list[Cause]]:
    """Deal them so that each part waits about as long as the others."""
    causes = sorted(_on(way), key=lambda each: each.timeouts)
    return [causes[first::_AT_ONCE] for first in range(_AT_ONCE)]


CLAIM = Claim(
    name="wire",
    promise=(
        "Wherever a connection breaks, a create reports the outcome that the "
        "ledger shows. It is never sent again if that is UNKNOWN or APPLIED, "
        "and an order that was NOT_SENT succeeds when it is sent again."
    ),
    rows=_rows,
    short=1,
)
