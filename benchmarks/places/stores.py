"""The stores that are compared, each with all that it needs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from secrets import token_hex

import attrs

from benchmarks.payload import ROOT, VENDOR
from sesamy_async import Pacer, Place, PlaceEnd, Turn
from sesamy_async.idempotency import (
    Holder,
    IdempotencyStore,
    OrderKey,
    OrderState,
)


# The servers of the tests.
sys.path.append(str(ROOT / "tests"))

from support.servers import CARELESS, Postgres, Redis, Server


__all__ = [
    "CARELESS",
    "WITHIN",
    "Postgres",
    "Redis",
    "Server",
    "Store",
    "pace_request",
    "report_order",
    "shared",
    "stores",
]

WITHIN = 30.0
_WHERE = "https://api.sesamy.com"
_numbers = count(1)


@attrs.frozen(kw_only=True)
class Store:
    """A store.

    Attributes:
        url: As users write it; empty for no store.
        pace: The Redis that keeps the pace; empty for no pace.
        server: What is behind it, if it has a server.
        file: Where it is, if it is a file.
    """

    url: str = ""
    pace: str = ""
    server: Server | None = None
    file: Path | None = None


@contextmanager
def stores(folder: Path) -> Iterator[dict[str, Store]]:
    """Start new ones, which keep what they know on a disk."""
    file = folder / "orders.db"
    with ExitStack() as stack:
        postgres = stack.enter_context(Postgres(on_disk=True))
        redis = stack.enter_context(Redis(on_disk=True))
        yield {
            "none": Store(url=""),
            "memory": Store(url="memory:"),
            "SQLite": Store(url=f"sqlite://{file}", file=file),
            "Postgres": Store(url=postgres.url, server=postgres),
            "Redis": Store(url=redis.url, server=redis),
        }


def shared(found: dict[str, Store]) -> dict[str, Store]:
    """Return those that several processes can share."""
    return {name: each for name, each in found.items() if _is_shared(each)}


def _is_shared(store: Store) -> bool:
    return store.server is not None or store.file is not None


def report_order(store: IdempotencyStore, *, careful: bool = False) -> None:
    """Do what `onboard` does to a store for an order that goes well."""
    # Ids as long as those of shops and of Sesamy.
    key = OrderKey(_WHERE, VENDOR, f"2026-{token_hex(4)}-{next(_numbers):06}")
    token, contract_id = token_hex(16), token_hex(16)
    digest = f"1:{token_hex(32)}"
    holder = Holder(token=token, careful=careful, digest=digest)
    store.look([key], within=WITHIN)
    claimed = store.claim(key, holder, within=WITHIN)
    first = store.first(
        *(key, holder, contract_id),
        confirmed=False,
        shared=False,
        within=WITHIN,
    )
    marked = store.mark(
        *(key, OrderState.CONFIRMED),
        token=token,
        contract_id=contract_id,
        within=WITHIN,
    )
    assert claimed.done
    assert first.done
    assert marked.done


def pace_request(pacer: Pacer) -> None:
    """Do what a client does to a pacer for a request that need not wait."""
    place = Place()
    turn = pacer.reserve(place, longest=WITHIN, within=WITHIN)
    pacer.end(place, PlaceEnd(), within=WITHIN)
    assert turn == Turn()
