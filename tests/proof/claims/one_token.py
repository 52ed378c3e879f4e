"""Hosts that share a Redis, and request a token at the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial

from proof.claim import Claim, Row, Scale
from sesamy_async.sandbox import Fault, Sandbox
from support.cold_hosts import cold_hosts
from support.servers import Redis


_HOSTS = 8
_MOST = 2  # The second one only where the first takes seconds.
_ROUNDS = ("cold", "a token that was rejected")


def _rows(scale: Scale) -> Iterator[Row]:
    with Redis() as redis:
        for name, seconds in (("at once", 0.0), ("after 0.5 s", 0.5)):
            if seconds and scale.brief:
                continue
            yield from _row(redis, scale, name, seconds)


def _row(
    redis: Redis, scale: Scale, name: str, seconds: float
) -> Iterator[Row]:
    """Try both rounds, with a token endpoint that answers so."""
    found: dict[str, list[str]] = {each: [] for each in _ROUNDS}
    counts: dict[str, Counter[int]] = {each: Counter() for each in _ROUNDS}
    for _ in range(scale.runs):
        redis.fresh()
        sandbox, before = Sandbox(), 0
        if seconds:
            add = partial(sandbox.faults.add, Fault.delay(seconds), times=9)
            add(on="token")
        with cold_hosts(sandbox, redis.url, _HOSTS) as hosts:
            for each in _ROUNDS:
                hosts.begin(_HOSTS)
                sent = hosts.sent(_HOSTS)
                count = sandbox.ledger.requests("token") - before
                before += count
                counts[each][count] += 1
                if sent < _HOSTS:
                    found[each].append(f"{sent} of {_HOSTS} orders were sent")
                if not 1 <= count <= _MOST:
                    found[each].append(f"{count} requests for a token")
                sandbox.ledger.revoke_tokens()
    for each in _ROUNDS:
        times = ", ".join(
            f"{count} in {tries}"
            for count, tries in sorted(counts[each].items())
        )
        yield Row(
            what=f"{_HOSTS} hosts, {each}; the endpoint answers {name}",
            runs=scale.runs,
            violations=tuple(found[each]),
            figure=f"requests for a token: {times} tries",
        )


CLAIM = Claim(
    name="one-token",
    promise=(
        "If 8 hosts that share a Redis need a token at the same time, one of "
        "them requests it, or at most two, and all of them send their orders."
    ),
    rows=_rows,
    runs=40,
    short=1,
)
