"""A client that creates a block of contracts for each line that it reads.

It prints the seconds of each call of the block, on the mean.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.contestants.kinds import AsyncOpening, Opening
from benchmarks.payload import CONTRACT_ID, Target


async def create_async(
    opening: AsyncOpening, target: Target, calls: int
) -> None:
    """Create with `AsyncSesamy`."""
    async with opening(target, None) as call:
        assert await call() == CONTRACT_ID
        gc.freeze()
        for _ in sys.stdin:
            gc.collect()
            start = perf_counter()
            for _ in range(calls):
                await call()
            print((perf_counter() - start) / calls, flush=True)


def create(opening: Opening, target: Target, calls: int) -> None:
    """Create with `Sesamy`."""
    with opening(target, None) as call:
        assert call() == CONTRACT_ID
        gc.freeze()
        for _ in sys.stdin:
            gc.collect()
            start = perf_counter()
            for _ in range(calls):
                call()
            print((perf_counter() - start) / calls, flush=True)


def main(kind: str, url: str, calls: str, folder: str) -> None:
    """Create async or blocking, with the SDK of a folder."""
    # As if it were not installed; nothing of the SDK is imported yet.
    sys.modules["orjson"] = None  # type: ignore[assignment]
    ours: Any = import_module("benchmarks.contestants.ours")
    sdk: Any = sys.modules["sesamy_async"]
    assert Path(sdk.__file__).parents[1] == Path(folder)
    target = Target(url)
    if kind == "async":
        asyncio.run(create_async(ours.OURS_ASYNC.opening, target, int(calls)))
    else:
        create(ours.OURS.opening, target, int(calls))


if __name__ == "__main__":
    main(*sys.argv[1:])
