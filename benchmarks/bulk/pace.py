"""How much of the permitted rate an import uses, and how often it is told.

The sandbox answers as Sesamy's documentation says (D, section "Rate
limits"), with its clock sixty times as fast: 300 requests a second instead
of 300 a minute.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs

from benchmarks.payload import VENDOR
from sesamy_async import AsyncSesamy, RateLimit
from sesamy_async.bulk.journal import Journal
from sesamy_async.sandbox import Limit, Sandbox, SandboxConfig, running

from .importing import plan, run, write_orders


_FASTER = 60
_AT_ONCE = 50
_LIMIT = RateLimit()
_PATIENCE = 30.0


@attrs.frozen(kw_only=True)
class Pace:
    """What became of the permitted rate.

    Attributes:
        orders: How many were imported.
        failed: How many were not confirmed.
        calls: How many requests the sandbox counted.
        throttled: How many of them it answered with 429.
        permitted: Requests per second.
        used: The share of what was permitted in that time that was used.
    """

    orders: int
    failed: int
    calls: int
    throttled: int
    permitted: float
    used: float


def measure(count: int) -> Pace:
    """Import so many orders at the pace that the sandbox permits."""
    with TemporaryDirectory() as folder, _sandbox() as settings:
        base_url = settings["SESAMY_BASE_URL"]
        file = Path(folder) / "orders.csv"
        write_orders(file, count)
        with plan(file, base_url) as journal:
            return asyncio.run(_import(file, journal, settings))


async def _import(
    file: Path, journal: Journal, settings: dict[str, str]
) -> Pace:
    limit = RateLimit(
        requests=_LIMIT.requests, per=_LIMIT.per / _FASTER, burst=_LIMIT.burst
    )
    async with AsyncSesamy(
        VENDOR,
        client_id=settings["SESAMY_CLIENT_ID"],
        client_secret=settings["SESAMY_CLIENT_SECRET"],
        base_url=settings["SESAMY_BASE_URL"],
        token_url=settings["SESAMY_TOKEN_URL"],
        rate_limit=limit,
    ) as sesamy:
        ran = await run(file, journal, sesamy, _AT_ONCE)
        ledger = (await sesamy.request("GET", "/_sandbox/ledger")).json()
    answers = [ledger["requests"][name] for name in ("create", "confirm")]
    throttled = sum(each.get("429", 0) for each in answers)
    calls = sum(count for each in answers for count in each.values())
    permitted = limit.burst + limit.rate * ran.seconds
    return Pace(
        orders=ran.summary.rows,
        failed=ran.summary.rows - ran.summary.confirmed,
        calls=calls,
        throttled=throttled,
        permitted=limit.rate,
        used=(calls - throttled) / permitted,
    )


@contextmanager
def _sandbox() -> Iterator[dict[str, str]]:
    """Serve a sandbox in a process of its own; yield its variables."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    try:
        yield ours.recv()
    finally:
        ours.close()
        process.join(_PATIENCE)


def _serve(parent: Connection) -> None:
    limit = Limit(
        requests_per_minute=int(_LIMIT.rate * 60 * _FASTER),
        burst=int(_LIMIT.burst),
    )
    sandbox = Sandbox(SandboxConfig(rate_limit=limit))
    with running(sandbox) as url:
        parent.send(sandbox.environment(url))
        try:
            parent.recv()  # Until the other end is closed.
        except EOFError:
            return
