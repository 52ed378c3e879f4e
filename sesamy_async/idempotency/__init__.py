"""Stores that remember which orders were reported to Sesamy.

Sesamy offers neither an idempotency key nor a look-up of orders, so the SDK
remembers for it: with a store, `contracts.onboard` can be called any number
of times, from any process, and ends in one confirmed contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sesamy_async._lazy import later

from ._protocol import (
    ENDED,
    Decide,
    Holder,
    OrderKey,
    OrderRecord,
    OrderState,
    Step,
    StoreAnswer,
)
from ._records import (
    MemoryStore,
    RecordStore,
    Search,
    Write,
    dump_record,
    load_record,
)
from ._store import IdempotencyStore, StoreUnavailable, StoreWarning


if TYPE_CHECKING:
    from ._postgres import PostgresStore
    from ._redis import RedisStore
    from ._sqlite import SQLiteStore
    from ._urls import store_from_url
else:
    # Most programs need one of them, and two of them need an extra.
    _HOMES = {
        "PostgresStore": "_postgres",
        "RedisStore": "_redis",
        "SQLiteStore": "_sqlite",
        "store_from_url": "_urls",
    }
    __getattr__ = later(__name__, _HOMES)


__all__ = [
    "ENDED",
    "Decide",
    "Holder",
    "IdempotencyStore",
    "MemoryStore",
    "OrderKey",
    "OrderRecord",
    "OrderState",
    "PostgresStore",
    "RecordStore",
    "RedisStore",
    "SQLiteStore",
    "Search",
    "Step",
    "StoreAnswer",
    "StoreUnavailable",
    "StoreWarning",
    "Write",
    "dump_record",
    "load_record",
    "store_from_url",
]
