"""httpx clients over the SDK's connections, awaited in every world."""

from __future__ import annotations

from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import httpx

from sesamy_async import Connections
from sesamy_async._http import AsyncPoolTransport, PoolTransport

from .calling import World


class Client:
    """An httpx client of either kind, awaited in any case.

    Args:
        world: Where it runs; a blocking one, in threads.
        settings: Of the transport.
    """

    def __init__(self, world: World, settings: Connections | None) -> None:
        self.blocking = world is World.BLOCKING
        limit = anyio.CapacityLimiter(100)
        self._in_thread = partial(anyio.to_thread.run_sync, limiter=limit)
        self._client: Any = (
            httpx.Client(transport=PoolTransport(settings))
            if self.blocking
            else httpx.AsyncClient(transport=AsyncPoolTransport(settings))
        )

    async def send(
        self, url: str, *, stream: bool = False, **more: Any
    ) -> httpx.Response:
        """Send a request, an order where nothing else is said."""
        more.setdefault("content", b"order")
        request = self._client.build_request("POST", url, **more)
        if self.blocking:
            answer: httpx.Response = await self._in_thread(
                partial(self._client.send, request, stream=stream)
            )
        else:
            answer = await self._client.send(request, stream=stream)
        return answer

    async def chunks(self, answer: httpx.Response) -> list[bytes]:
        """Read an answer piece by piece, to its end."""
        if self.blocking:
            return list(answer.iter_raw())
        return [chunk async for chunk in answer.aiter_raw()]

    async def leave(self, answer: httpx.Response) -> None:
        """Close an answer, however much of it was read."""
        if self.blocking:
            answer.close()
        else:
            await answer.aclose()

    async def aclose(self) -> None:
        """Close it."""
        if self.blocking:
            self._client.close()
        else:
            await self._client.aclose()
