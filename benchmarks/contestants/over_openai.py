"""The OpenAI SDK, through its own request path, to our loopback server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from importlib import import_module
from types import GenericAlias
from typing import Any

from benchmarks.payload import BEARER, CONTRACT, ORDER, Target

from .kinds import AsyncCall, AsyncContestant, Call, Contestant


@cache
def _model() -> Any:
    """Return a model of a contract, as the SDK makes of its own answers."""
    openai = import_module("openai")
    pydantic = import_module("pydantic")
    fields: dict[str, Any] = dict.fromkeys(CONTRACT, (Any, None))
    for name in ("items", "appliedDiscounts"):
        part = _part(name, CONTRACT[name][0])
        fields[name] = (GenericAlias(list, part), None)
    fields["paymentData"] = (_part("payment", CONTRACT["paymentData"]), None)
    return pydantic.create_model(
        "Contract", __base__=openai.BaseModel, **fields
    )


def _part(name: str, example: dict[str, Any]) -> Any:
    openai = import_module("openai")
    pydantic = import_module("pydantic")
    fields: Any = dict.fromkeys(example, (str | None, None))
    return pydantic.create_model(name, __base__=openai.BaseModel, **fields)


@asynccontextmanager
async def _open_async(
    target: Target, limit: int | None
) -> AsyncIterator[AsyncCall]:
    del limit  # It takes part in no scenario that sets one.
    openai = import_module("openai")
    model = _model()
    async with openai.AsyncOpenAI(
        api_key=BEARER, base_url=target.base_url, max_retries=0
    ) as client:

        async def call() -> str:
            contract: Any = await client.post(
                target.path, cast_to=model, body=ORDER
            )
            name: str = contract.id
            return name

        yield call


@contextmanager
def _open(target: Target, limit: int | None) -> Iterator[Call]:
    del limit  # It takes part in no scenario that sets one.
    openai = import_module("openai")
    model = _model()
    with openai.OpenAI(
        api_key=BEARER, base_url=target.base_url, max_retries=0
    ) as client:

        def call() -> str:
            contract: Any = client.post(target.path, cast_to=model, body=ORDER)
            name: str = contract.id
            return name

        yield call


OPENAI_ASYNC = AsyncContestant("openai", "openai", _open_async)
OPENAI = Contestant("openai", "openai", _open)
