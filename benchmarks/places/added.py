"""What a store adds to an onboard: time, and memory of the process."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, contextmanager
from itertools import count
from secrets import token_hex
from time import perf_counter, process_time
from typing import Any

import attrs

from benchmarks.pairing import Matched, orders
from benchmarks.payload import BEARER, PROMO, ROOT, VENDOR, Target
from sesamy_async import AsyncSesamy, NewContract, Sesamy, StaticToken, User
from sesamy_async.redis import RedisPacer

from .stores import Store


_SEED = 20261129
_WARM = 20
_BARE = "bare Python"
# Without a store, nothing of it is imported.
_PROCESS = """
import sys
url, base_url, pace = sys.argv[1:]
if url:
    import asyncio, ssl, uuid
    from sesamy_async import AsyncSesamy, NewContract, StaticToken, User
    # As it is for an https URL.
    import certifi
    kept = ssl.create_default_context(cafile=certifi.where())
    if pace:
        from sesamy_async.redis import RedisPacer
        pace = RedisPacer(pace, name=uuid.uuid4().hex)
    async def main():
        async with AsyncSesamy(
            "acme",
            auth=StaticToken("token"),
            base_url=base_url,
            rate_limit=pace or None,
            idempotency=False if url == "none" else url,
        ) as sesamy:
            for _ in range(50):
                order = NewContract(
                    external_order_id=uuid.uuid4().hex,
                    payment_method="CARD",
                    user_data=User(email="kim@example.se"),
                )
                await sesamy.contracts.onboard("SPRING-12", order)
            tell()
def tell():
    with open("/proc/self/status") as file:
        [line] = [line for line in file if line.startswith("VmRSS:")]
    print(int(line.split()[1]) / 1024)
asyncio.run(main()) if url else tell()
"""
_WAITING = """
import asyncio, sys
from sesamy_async import AsyncSesamy, NewContract, RateLimit, StaticToken, User
def resident():
    with open("/proc/self/status") as file:
        [line] = [line for line in file if line.startswith("VmRSS:")]
    return int(line.split()[1])
async def main(count):
    async with AsyncSesamy(
        "acme",
        auth=StaticToken("token"),
        rate_limit=RateLimit(requests=1, per=1e6, burst=1),
        deadline=None,
    ) as sesamy:
        before = resident()
        waiting = [
            asyncio.create_task(
                sesamy.contracts.onboard(
                    "SPRING-12",
                    NewContract(
                        external_order_id=f"2026-{number:09}",
                        payment_method="CARD",
                        user_data=User(
                            email=f"kim-{number}@example.se",
                            full_name="Kim Åberg",
                        ),
                    ),
                )
            )
            for number in range(count)
        ]
        await asyncio.sleep(2)
        assert not any(task.done() for task in waiting)
        print((resident() - before) / count)
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
asyncio.run(main(int(sys.argv[1])))
"""
_numbers = count(1)


def an_order() -> NewContract:
    """Return an order that is paid by card."""
    return NewContract(
        external_order_id=f"2026-{next(_numbers):09}",
        payment_method="CARD",
        user_data=User(email="kim@example.se", full_name="Kim Åberg"),
    )


def _settings(
    target: Target, store: Store, stack: ExitStack | AsyncExitStack
) -> dict[str, Any]:
    pacer = None
    if store.pace:
        # With a name of its own it begins with a full burst.
        pacer = RedisPacer(store.pace, name=token_hex(8))
        stack.callback(pacer.close)
    return {
        "vendor_id": VENDOR,
        "auth": StaticToken(BEARER),
        "base_url": target.base_url,
        "rate_limit": pacer,
        "idempotency": store.url or False,
    }


@attrs.define
class Onboards:
    """How long onboards took, in seconds.

    Attributes:
        took: By the clock.
        processor: Of this process.
    """

    took: Matched = attrs.field(factory=lambda: defaultdict(list))
    processor: Matched = attrs.field(factory=lambda: defaultdict(list))

    @contextmanager
    def measured(self, name: str) -> Iterator[None]:
        """Measure the block."""
        used, start = process_time(), perf_counter()
        yield
        self.took[name].append(perf_counter() - start)
        self.processor[name].append(process_time() - used)


async def awaited(
    target: Target, found: Mapping[str, Store], blocks: int
) -> Onboards:
    """Onboard orders one after the other, on asyncio."""
    onboards = Onboards()
    async with AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(
                AsyncSesamy(**_settings(target, each, stack))
            )
            for name, each in found.items()
        }
        for client in clients.values():
            for _ in range(_WARM):
                await client.contracts.onboard(PROMO, an_order())
        _no_garbage()
        for turn in orders([*clients], blocks, _SEED):
            for name in turn:
                order = an_order()
                with onboards.measured(name):
                    await clients[name].contracts.onboard(PROMO, order)
    return onboards


def blocking(
    target: Target, found: Mapping[str, Store], blocks: int
) -> Onboards:
    """Onboard orders with the blocking client."""
    onboards = Onboards()
    with ExitStack() as stack:
        clients = {
            name: stack.enter_context(Sesamy(**_settings(target, each, stack)))
            for name, each in found.items()
        }
        for client in clients.values():
            for _ in range(_WARM):
                client.contracts.onboard(PROMO, an_order())
        _no_garbage()
        for turn in orders([*clients], blocks, _SEED):
            for name in turn:
                order = an_order()
                with onboards.measured(name):
                    clients[name].contracts.onboard(PROMO, order)
    return onboards


def _no_garbage() -> None:
    """Let nobody pay for what was made before."""
    gc.collect()
    gc.freeze()


def resident(
    target: Target, found: Mapping[str, Store], rounds: int
) -> Matched:
    """Return the memory in MB of processes that have onboarded some orders."""
    series: Matched = defaultdict(list)
    given = {
        name: (each.url or "none", each.pace) for name, each in found.items()
    }
    given[_BARE] = "", ""
    for turn in orders([*given], rounds, _SEED):
        for name in turn:
            url, pace = given[name]
            mb = _printed(_PROCESS, url, target.base_url, pace)
            series[name].append(mb)
    return series


def waiting(count: int) -> float:
    """Return the KB of a call that waits for the pace, on asyncio."""
    return _printed(_WAITING, str(count))


def _printed(program: str, *arguments: str) -> float:
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)
