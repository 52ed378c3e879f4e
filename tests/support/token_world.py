"""An auth, its token endpoint and its clock."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import attrs

from sesamy_async._call import Call, Response
from sesamy_async.auth import ClientCredentials, TokenAuth, store_key
from sesamy_async.errors import SesamyError
from support.exchanges import a_call
from support.runtime import FakeEvent, FakeRuntime
from support.wire import TOKEN


URL = TOKEN
KEY = store_key(URL, ClientCredentials("id", "s"))
PATIENCE = 20.0
LIFE = 3600.0


class TimedEvent(FakeEvent):
    """An event whose waits end soon, and move the virtual time."""

    async def wait(self, seconds: float) -> bool:
        """Wait a moment of real time at most."""
        with anyio.move_on_after(0.05 if seconds < LIFE else PATIENCE):
            await self.event.wait()
            return True
        self.runtime.time += seconds
        return False


@attrs.define
class TimedRuntime(FakeRuntime):
    """A runtime in which waits for a flight can run out."""

    def event(self) -> FakeEvent:
        """Make an event whose waits end."""
        return TimedEvent(self)


@attrs.define
class Endpoint:
    """A token endpoint; `act` says what it does, by the call's number."""

    act: Callable[[int], Awaitable[object]] | None = None
    calls: list[Call] = attrs.field(factory=list)
    life: float = LIFE

    async def __call__(self, call: Call) -> Response:
        """Answer with ``token-<number>``, after what `act` does."""
        self.calls.append(call)
        number = len(self.calls)
        if self.act is not None:
            await self.act(number)
        data = {"access_token": f"token-{number}", "expires_in": self.life}
        return Response(status_code=200, content=json.dumps(data).encode())


@attrs.define
class World:
    """An auth, its endpoint and its clock."""

    endpoint: Endpoint = attrs.field(factory=Endpoint)
    runtime: TimedRuntime = attrs.field(factory=TimedRuntime)
    store: Any = None
    auth: TokenAuth = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.auth = self.another()

    def another(self) -> TokenAuth:
        """Return one that shares all but its memory."""
        credentials = ClientCredentials("id", "s", store=self.store)
        return TokenAuth(credentials, URL, self.runtime, self.endpoint)

    async def value(self, seconds: float = float("inf")) -> str:
        """Ask on behalf of a call that has so long."""
        return await self.auth.authorization(self.call(seconds))

    async def rejected(self, number: int) -> bool:
        """Tell that a token was not accepted."""
        return await self.auth.rejected(f"Bearer token-{number}", self.call())

    @property
    def asked(self) -> int:
        """How many token calls were made."""
        return len(self.endpoint.calls)

    def call(self, seconds: float = float("inf")) -> Call:
        """Make a call that has so long."""
        return a_call(deadline=self.runtime.now() + seconds, timeout=7.0)

    async def crowd(self, size: int) -> list[object]:
        """Ask for so many at once; return values and errors."""
        ends: list[object] = []

        async def one() -> None:
            try:
                ends.append(await self.value())
            except SesamyError as error:
                ends.append(error)

        async with anyio.create_task_group() as tasks:
            for _ in range(size):
                tasks.start_soon(one)
        return ends


def fails(error: SesamyError, *numbers: int) -> Endpoint:
    """Return an endpoint that fails in these calls (or in all)."""

    async def act(number: int) -> None:
        await anyio.lowlevel.checkpoint()
        if number in numbers or not numbers:
            raise error

    return Endpoint(act)
