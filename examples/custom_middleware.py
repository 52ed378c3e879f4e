"""Metrics, a header of our own, and a token that others keep fresh.

Run it with the SESAMY_* variables set: ``python custom_middleware.py
SPRING-12``.  Where SESAMY_TOKEN_FILE names a file that holds an access token
(as a Vault agent or a sidecar writes it), that is used.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
import uuid
from collections import Counter
from pathlib import Path

import attrs

from sesamy_async import (
    Address,
    AsyncSesamy,
    Call,
    NewContract,
    PaymentMethod,
    PaymentProvider,
    Proceed,
    Response,
    SesamyError,
    User,
)


@attrs.define
class Metrics:
    """Counts the calls by operation and end, and adds up their time.

    Your middleware is outermost: it sees each call once, with all retries
    and waits inside.
    """

    ends: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    seconds: dict[str, float] = attrs.field(factory=dict)

    async def __call__(self, call: Call, proceed: Proceed) -> Response:
        """Let the call go on, and look how it ends."""
        start = time.perf_counter()
        end = "CANCELLED"
        try:
            response = await proceed(call)
        except SesamyError as error:
            # Of the whole call, earlier attempts included.
            end = error.outcome
            raise
        else:
            end = "DONE"
            return response
        finally:
            self.ends[call.operation, end] += 1
            spent = self.seconds.get(call.operation, 0.0) - start
            self.seconds[call.operation] = spent + time.perf_counter()


async def correlate(call: Call, proceed: Proceed) -> Response:
    """Add a header by which the call is found in a gateway's log."""
    # A `Call` is frozen: what goes on is a changed copy.
    return await proceed(call.with_headers(X_Correlation_ID=uuid.uuid4().hex))


async def impatient_confirms(call: Call, proceed: Proceed) -> Response:
    """Give a confirm's network operations 5 s: it can be repeated."""
    if call.operation == "contracts.confirm":
        call = attrs.evolve(call, timeout=min(call.timeout, 5.0))
    return await proceed(call)


def token_from_file() -> str:
    """Return the whole Authorization value.

    Asked before every attempt, so a renewed file is read again.
    """
    token = Path(os.environ["SESAMY_TOKEN_FILE"]).read_text("ascii").strip()
    return f"Bearer {token}"


ORDER = NewContract(
    external_order_id="B-2026-001208",
    payment_provider=PaymentProvider.STRIPE,
    payment_method=PaymentMethod.CARD,
    quantity=1,
    user_data=User(
        email="ingrid.solheim@example.com",
        full_name="Ingrid Solheim",
        phone="+4791234567",
        address=Address(
            country="NO", zip="5003", city="Bergen", street="Strandgaten 18"
        ),
    ),
)


async def main(promo_code: str) -> None:
    """Onboard an order and print the metrics."""
    metrics = Metrics()
    async with AsyncSesamy(
        auth=token_from_file if os.getenv("SESAMY_TOKEN_FILE") else None,
        middleware=[metrics, correlate, impatient_confirms],
    ) as sesamy:
        try:
            done = await sesamy.contracts.onboard(promo_code, ORDER)
            print(ORDER.external_order_id, "is contract", done.contract.id)
        except SesamyError as error:
            print(error, file=sys.stderr)
    for (operation, end), count in metrics.ends.items():
        print(f"{operation} {end} {count} {metrics.seconds[operation]:.3f}s")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:2] or ["SPRING-12"]))
