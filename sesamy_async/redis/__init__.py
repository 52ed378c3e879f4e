"""What all hosts share through a Redis: their pace, and their token.

The store of orders in a Redis is `sesamy_async.idempotency.RedisStore`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sesamy_async._lazy import later


if TYPE_CHECKING:
    from ._pacer import RedisPacer
    from ._tokens import RedisTokenStore
else:
    _HOMES = {"RedisPacer": "_pacer", "RedisTokenStore": "_tokens"}
    __getattr__ = later(__name__, _HOMES)


__all__ = ["RedisPacer", "RedisTokenStore"]
