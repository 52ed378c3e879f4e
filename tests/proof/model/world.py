"""A Sesamy whose clients are cancelled, and which is itself restarted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import ClassVar, TypeVar

import anyio
import attrs

from sesamy_async import (
    AsyncSesamy,
    Call,
    Proceed,
    RateLimit,
    Response,
    RetryPolicy,
)
from sesamy_async._call import replaced
from sesamy_async.sandbox import (
    Answer,
    KeptLedger,
    Limit,
    Sandbox,
    SandboxConfig,
    SandboxRequest,
)
from sesamy_async.sandbox._transport import HandlerTransport
from support.import_world import Hurried
from support.sandbox_settings import arguments


T = TypeVar("T")

_LIMIT = Limit(requests_per_minute=1200, burst=20)
_LIFETIME = 300
_LATER = 200.0


class Happening(StrEnum):
    """What can happen in the middle of a call."""

    CANCEL = "it is cancelled"
    EXPIRE = "all tokens expire"
    RESTART = "the sandbox is restarted"
    LATER = "time passes"


Plan = Sequence[tuple[int, Happening]]
"""What happens, after how many more ticks.

A tick is before or after a request, and before or after each note of it.
"""


@attrs.define
class World:
    """Time, a sandbox that can be restarted, and clients that call it.

    Attributes:
        folder: Where the ledger and the journals are kept.
        backend: Of the event loop: ``"asyncio"`` or ``"trio"``.
        last: The last call that anybody made.
    """

    retry: ClassVar[RetryPolicy] = RetryPolicy()

    folder: Path
    backend: str
    runtime: Hurried = attrs.field(factory=Hurried)
    last: Call | None = None
    sandbox: Sandbox = attrs.field(init=False)
    _lives: int = attrs.field(default=0, init=False)
    _ticks: int = attrs.field(default=0, init=False)
    _plan: Mapping[int, Happening] = attrs.field(
        factory=dict[int, Happening], init=False
    )
    _scope: anyio.CancelScope | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Let the sandbox begin another life, with the contracts it has."""
        self._lives += 1
        config = SandboxConfig(
            seed=self._lives, rate_limit=_LIMIT, token_lifetime=_LIFETIME
        )
        self.sandbox = Sandbox(config, clock=self.runtime.wall)
        self.sandbox.ledger = KeptLedger(self.folder / "ledger")

    def expire(self) -> None:
        """Let every token expire."""
        self.sandbox.ledger.revoke_tokens()

    def later(self, seconds: float = _LATER) -> None:
        """Let time pass."""
        self.runtime.time += seconds

    def tick(self) -> None:
        """Let happen what is to happen now."""
        self._ticks += 1
        match self._plan.get(self._ticks):
            case Happening.CANCEL if self._scope is not None:
                self._scope.cancel()
            case Happening.EXPIRE:
                self.expire()
            case Happening.RESTART:
                self.restart()
            case Happening.LATER:
                self.later()
            case _:
                pass

    def during(
        self,
        plan: Plan,
        work: Callable[[AsyncSesamy], Awaitable[T]],
        *,
        pace: RateLimit | None = None,
    ) -> T | None:
        """Let a client do something while other things happen.

        Returns:
            What it returned; None where it was cancelled.
        """
        ticks = accumulate(after for after, _ in plan)
        happenings = (happening for _, happening in plan)
        self._plan = dict(zip(ticks, happenings, strict=True))
        self._ticks, self.last = 0, None
        return anyio.run(
            partial(self._during, work, pace), backend=self.backend
        )

    async def _during(
        self,
        work: Callable[[AsyncSesamy], Awaitable[T]],
        pace: RateLimit | None,
    ) -> T | None:
        with anyio.CancelScope() as self._scope:
            async with self._client(pace) as client:
                return await work(client)
        return None

    def _client(self, pace: RateLimit | None) -> AsyncSesamy:
        with replaced(lambda _: self.runtime):
            return AsyncSesamy(
                **arguments(self.sandbox.environment()),
                retry=self.retry,
                rate_limit=pace,
                middleware=[self._notice],
                transport=HandlerTransport(self._handle),
            )

    async def _notice(self, call: Call, proceed: Proceed) -> Response:
        self.last = call
        self.tick()
        return await proceed(call)

    def _handle(self, request: SandboxRequest) -> Answer:
        self.tick()
        answer = self.sandbox.handle(request)
        self.tick()
        return answer
