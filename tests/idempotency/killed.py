"""Kill processes that share a store, and see what is left of its file.

``python -m idempotency.killed FOLDER ROUNDS SEED`` tells how often a main
file alone was refused, and how often it was taken since it had all.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from secrets import token_hex

from sesamy_async.idempotency import (
    Holder,
    OrderKey,
    SQLiteStore,
    StoreUnavailable,
    _sqlite_file,
)


PROCESSES = 3
WITHIN = 30.0


def key(order_id: str) -> OrderKey:
    """Name an order."""
    return OrderKey("https://api.test", "shop", order_id)


def work(path: Path, name: str, count: int, told: int) -> None:
    """Write contracts down, and tell of each that is."""
    store = SQLiteStore(path)
    for number in range(count):
        order = key(f"{name}-{number}")
        holder = Holder(token=token_hex(8))
        store.claim(order, holder, within=WITHIN)
        store.first(
            order,
            holder,
            f"c-{name}-{number}",
            confirmed=False,
            shared=False,
            within=WITHIN,
        )
        os.write(told, f"{order.external_order_id}\n".encode())
    store.close()


def killed(path: Path, name: str, chance: random.Random) -> list[str]:
    """Kill most of some processes; return which orders they wrote down."""
    children: list[tuple[int, int]] = []
    for number in range(PROCESSES):
        count = chance.choice([3, 30, 3_000])
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            code = 1
            try:
                work(path, f"{name}-{number}", count, writing)
                code = 0
            except StoreUnavailable:
                traceback.print_exc()
            finally:
                os._exit(code)
        os.close(writing)
        children.append((child, reading))
    told: list[str] = []
    for child, reading in children:
        with os.fdopen(reading) as orders:
            # Not before it is at work, however slow the machine is.
            told += orders.readline().split()
            time.sleep(chance.uniform(0.0, 0.05))
            os.kill(child, signal.SIGKILL)
            told += orders.read().split()
        end = os.waitpid(child, 0)[1]
        if os.WIFEXITED(end) and os.WEXITSTATUS(end):
            raise SystemExit("a process failed")
    return told


def missing(path: Path, orders: Iterable[str]) -> set[OrderKey]:
    """Return which of some orders a store does not know."""
    keys = {key(each) for each in orders}
    with closing(SQLiteStore(path)) as store:
        return keys - {*store.look(keys, within=WITHIN)}


def alone(path: Path, orders: Iterable[str]) -> str:
    """Say what becomes of a main file that lost its WAL."""
    folder = path.parent / "alone"
    folder.mkdir()
    try:
        shutil.copy(path, folder)
        return "lost" if missing(folder / path.name, orders) else "taken"
    except StoreUnavailable as error:
        if "is not beside it" not in str(error):
            raise
        return "refused"
    finally:
        shutil.rmtree(folder)


def main(folder: str, rounds: str, seed: str) -> None:
    """Kill, look, and go on with the same file."""
    path, chance = Path(folder) / "orders.db", random.Random(seed)  # noqa: S311
    # So that it is often killed while it copies changes.
    _sqlite_file._CHANGES = 10
    orders: list[str] = []
    seen: Counter[str] = Counter()
    with closing(SQLiteStore(path)) as store:
        store.salt(within=WITHIN)
    for number in range(int(rounds)):
        orders += killed(path, f"r{number}", chance)
        seen[alone(path, orders)] += 1
        if chance.random() < 0.7:
            seen["missing"] += len(missing(path, orders))
            seen[f"{alone(path, orders)} when closed"] += 1
    sys.stdout.write(json.dumps({**seen, "orders": len(orders)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
