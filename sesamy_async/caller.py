"""Make calls with the settings of a client, and perform them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs

from .core.call import BeforeSend, Call, Request
from .core.headers import merged
from .core.place import Kept
from .core.response import Response
from .core.secret import Secret
from .identity import HEADERS
from .pipeline import Pipeline
from .settings import Settings
from .shared import Shared


_JSON = {"Content-Type": "application/json"}


@attrs.frozen(eq=False, repr=False)
class Caller:
    """What a client and its resources have in common.

    Attributes:
        settings: Those of this client or `with_options` copy.
        shared: What it shares with its copies.
        pipeline: The way of its calls.
        headers: Those of each call: ours, and those of the settings.
        with_body: The same, of each call with a body.
    """

    settings: Settings
    shared: Shared
    pipeline: Pipeline
    headers: Mapping[str, str]
    with_body: Mapping[str, str]

    @classmethod
    def of(cls, settings: Settings, shared: Shared) -> Caller:
        """Put together the way of the calls."""
        return cls(
            settings,
            shared,
            Pipeline.of(shared, settings.retry),
            merged(HEADERS, settings.headers),
            merged({**HEADERS, **_JSON}, settings.headers),
        )

    def deadline(self) -> float:
        """Return when a call that begins now must have ended."""
        return self.shared.runtime.now() + self.settings.deadline

    def call(
        self,
        operation: str,
        method: str,
        target: str,
        content: bytes,
        *,
        repeatable: bool = False,
        deadline: float | None = None,
        external_order_id: str | None = None,
        contract_id: str | None = None,
        order: Secret | None = None,
        max_response_size: int | None = None,
        completes: bool = False,
        kept: Kept | None = None,
        read: Callable[[Call, Response], Any] | None = None,
        before_send: BeforeSend | None = None,
    ) -> Call:
        """Return a call.

        Args:
            operation: Its name, for messages and logs.
            method: Of HTTP.
            target: Path and query below base_url, encoded.
            content: The JSON body; empty for none.
            repeatable: Whether doing it twice is the same as once.
            deadline: When it must have ended; by default as set.
            external_order_id: The order it is about.
            contract_id: The contract it is about.
            order: The JSON of that order, where it is known.
            max_response_size: Bytes that a success may have at most.
            completes: Whether it completes what another one began.
            kept: What is kept for the one that completes it.
            read: Reads a success.
            before_send: Awaited before each attempt.
        """
        return Call(
            operation=operation,
            request=Request(
                method=method,
                url=f"{self.settings.base_url}{target}",
                headers=dict(self.with_body if content else self.headers),
                content=content,
            ),
            deadline=self.deadline() if deadline is None else deadline,
            timeout=self.settings.timeout,
            repeatable=repeatable,
            external_order_id=external_order_id,
            contract_id=contract_id,
            order=order,
            max_response_size=max_response_size,
            completes=completes,
            kept=kept,
            read=read,
            before_send=before_send,
        )

    async def ready(self) -> None:
        """Get a token, and open a connection.

        Raises:
            SesamyError: One of them can't be had.
        """
        shared = self.shared
        shared.lifetime.check()
        call = self.call("ready", "GET", "/", b"", repeatable=True)
        await Pipeline.ahead(shared, self.settings.retry).perform(call)

    @contextmanager
    def keeping(self) -> Iterator[Kept]:
        """Keep what a second call will need; give back what it did not."""
        kept = Kept()
        try:
            yield kept
        finally:
            bucket = self.shared.bucket
            if bucket is not None and kept.place is not None:
                bucket.give_back(kept.place)

    async def perform(self, call: Call) -> Response:
        """Send a call and return Sesamy's answer.

        Raises:
            SesamyError: Whatever happened, with what became of the call.
        """
        self.shared.lifetime.check()
        return await self.pipeline.perform(call)
