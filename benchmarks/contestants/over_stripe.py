"""The Stripe SDK, through its own request path, to our loopback server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from typing import Any

from benchmarks.payload import BEARER, ORDER, Target

from .kinds import AsyncCall, AsyncContestant, Call, Contestant


# Its second API speaks JSON; the first sends forms.
_PATH = "/v2/contracts"


@asynccontextmanager
async def _open_async(
    target: Target, limit: int | None
) -> AsyncIterator[AsyncCall]:
    del limit  # It takes part in no scenario that sets one.
    client = _client(target)

    async def call() -> str:
        answer = await client.raw_request_async("post", _PATH, **ORDER)
        contract: str = client.deserialize(answer, api_mode="V2").id
        return contract

    yield call


@contextmanager
def _open(target: Target, limit: int | None) -> Iterator[Call]:
    del limit  # It takes part in no scenario that sets one.
    client = _client(target)

    def call() -> str:
        answer = client.raw_request("post", _PATH, **ORDER)
        contract: str = client.deserialize(answer, api_mode="V2").id
        return contract

    yield call


def _client(target: Target) -> Any:
    stripe: Any = import_module("stripe")
    stripe.enable_telemetry = False
    return stripe.StripeClient(
        BEARER,
        base_addresses={"api": target.base_url},
        max_network_retries=0,
    )


STRIPE_ASYNC = AsyncContestant("stripe", "stripe", _open_async)
STRIPE = Contestant("stripe", "stripe", _open)
