"""The client of a worker, with the store, the pace and the token of all.

If SHOP_PACE is the URL of a Redis, all workers have one pace and one token.
Otherwise each process has its own.
"""

from __future__ import annotations

import os

from sesamy_async import (
    AuthenticationError,
    ClientCredentials,
    ConfigurationError,
    PermissionDeniedError,
    Sesamy,
    UnauthorizedError,
)
from sesamy_async.redis import RedisPacer, RedisTokenStore


# Without a store, an order that is delivered twice would get two contracts.
STORE = os.environ["SESAMY_IDEMPOTENCY"]
PACE = os.environ.get("SHOP_PACE")
DEADLINE = 20.0  # Seconds that an order may take.
# Faults of what is set here, not of an order.
SET_WRONG = (
    AuthenticationError,
    ConfigurationError,
    PermissionDeniedError,
    UnauthorizedError,
)


def new_client() -> Sesamy:
    """Make a client, with a pace of its own or that of all."""
    if PACE is None:
        return Sesamy(deadline=DEADLINE, idempotency=STORE)
    return Sesamy(
        auth=ClientCredentials(
            os.environ["SESAMY_CLIENT_ID"],
            os.environ["SESAMY_CLIENT_SECRET"],
            store=RedisTokenStore(PACE),
        ),
        rate_limit=RedisPacer(PACE),
        deadline=DEADLINE,
        idempotency=STORE,
    )
