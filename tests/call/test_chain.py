"""The chain of middleware is walked from the outside in."""

from __future__ import annotations

from typing import Any

from sesamy_async import Call, Proceed, Response
from sesamy_async._call import chain
from support.exchanges import Script, a_call, an_answer


async def test_chain_order() -> None:
    """The first middleware is the outermost."""
    seen: list[str] = []

    def layer(name: str) -> Any:
        async def walk(call: Call, proceed: Proceed) -> Response:
            seen.append(f"{name} out")
            response = await proceed(call)
            seen.append(f"{name} back")
            return response

        return walk

    await chain([layer("a"), layer("b")], Script([an_answer()]))(a_call())

    assert ["a out", "b out", "b back", "a back"] == seen
