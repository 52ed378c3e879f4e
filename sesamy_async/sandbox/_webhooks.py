"""Post the events of a served sandbox to a webhook, with aiohttp."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Literal

import aiohttp
import attrs

from sesamy_async._headers import SERVER_ERROR, SUCCESS, TOO_MANY

from ._config import Webhook
from ._ledger import Ledger
from ._records import NO_ANSWER, SentWebhook
from ._sandbox import Sandbox


_AT_ONCE = 10
_MOST_WAITING = 1000
_PATIENCE = aiohttp.ClientTimeout(total=10)
_LONGEST_WAIT = 600.0


@asynccontextmanager
async def forwarding(
    sandbox: Sandbox,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> AsyncGenerator[None]:
    """Post events while the block runs, if there is a webhook.

    Answers don't wait for it.  Where too many events wait, further ones are
    lost; those that wait at the end are not sent any more.

    Args:
        sandbox: The sandbox.
        sleep: Waits for so many seconds.
    """
    webhook = sandbox.config.webhook
    if webhook is None:
        yield
        return
    loop = asyncio.get_running_loop()
    waiting: set[asyncio.Task[None]] = set()
    async with _session(webhook) as session:
        forwarder = _Forwarder(webhook, sandbox.ledger, session, sleep)

        def begin(event: Mapping[str, str]) -> None:
            sent = forwarder.ledger.add_webhook(event)
            if len(waiting) >= _MOST_WAITING:
                lost = attrs.evolve(sent, state="lost")
                forwarder.ledger.change_webhook(lost)
                return
            task = loop.create_task(forwarder.deliver(sent))
            waiting.add(task)
            task.add_done_callback(waiting.discard)

        def on_event(event: Mapping[str, str]) -> None:
            with suppress(RuntimeError):  # The loop is closed meanwhile.
                loop.call_soon_threadsafe(begin, event)

        sandbox.subscribers.append(on_event)
        try:
            yield
        finally:
            sandbox.subscribers.remove(on_event)
            tasks = [*waiting]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _session(webhook: Webhook) -> aiohttp.ClientSession:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "sesamy-sandbox",
    }
    if webhook.authorization is not None:
        headers["Authorization"] = webhook.authorization.reveal()
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_AT_ONCE),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=headers,
        timeout=_PATIENCE,
    )


@attrs.frozen
class _Forwarder:
    webhook: Webhook
    ledger: Ledger
    session: aiohttp.ClientSession
    sleep: Callable[[float], Awaitable[object]]

    async def deliver(self, sent: SentWebhook) -> None:
        """Post an event until it is delivered or lost."""
        body = json.dumps(dict(sent.event)).encode()
        while True:
            status = await self._post(body)
            attempt = len(sent.answers)
            sent = attrs.evolve(
                sent,
                answers=(*sent.answers, status),
                state=self._state(status, attempt),
            )
            known = self.ledger.change_webhook(sent)
            if not known or sent.state != "waiting":
                return
            # An exponent that a float can hold.
            wait = self.webhook.backoff * 2.0 ** min(attempt, 100)
            await self.sleep(min(wait, _LONGEST_WAIT))

    def _state(
        self, status: int, attempt: int
    ) -> Literal["waiting", "delivered", "lost"]:
        # D: "retries on 5xx and 429".  That it does so after no answer at
        # all is an assumption.
        if status in SUCCESS:
            return "delivered"
        again = status in {NO_ANSWER, TOO_MANY} or status >= SERVER_ERROR
        return (
            "waiting" if again and attempt < self.webhook.retries else "lost"
        )

    async def _post(self, body: bytes) -> int:
        try:
            async with self.session.post(
                self.webhook.url, data=body, allow_redirects=False
            ) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return NO_ANSWER
