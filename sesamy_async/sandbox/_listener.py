"""What aiohttp does: serve the sandbox, and post its events."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from asyncio import sleep
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Literal

import aiohttp
import attrs
from aiohttp import web
from anyio import CancelScope

from sesamy_async._headers import SERVER_ERROR, SUCCESS, TOO_MANY
from sesamy_async.errors import ConfigurationError

from ._config import Webhook
from ._exchange import Delivery, SandboxRequest
from ._faults import FaultKind
from ._ledger import NO_ANSWER, Ledger, SentWebhook
from ._page import refuse_foreign, show_page
from ._sandbox import PREFIX, Sandbox


_SHUTDOWN = 0.1  # Seconds to wait for late responses when the server ends.
# Close with a reset, as a machine that fails does.
_RESET = struct.pack("ii", 1, 0)


@asynccontextmanager
async def listening(
    sandbox: Sandbox,
    host: str,
    port: int,
    ssl_context: ssl.SSLContext | None,
) -> AsyncGenerator[str]:
    """Serve on a loopback address, and yield the base URL."""
    server = web.Server(
        partial(_answer, sandbox), access_log=None, handler_cancellation=True
    )
    runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=ssl_context)
        try:
            # Cancelled halfway, asyncio would leave its socket open.
            with CancelScope(shield=True):
                await site.start()
        except (OSError, OverflowError) as error:
            raise ConfigurationError(
                f"The sandbox can't listen on {host} port {port}: "
                f"{getattr(error, 'strerror', error)}. Choose another port."
            ) from error
        bound: int = runner.addresses[0][1]
        scheme = "http" if ssl_context is None else "https"
        name = f"[{host}]" if ":" in host else host
        async with forwarding(sandbox):
            yield f"{scheme}://{name}:{bound}"
    finally:
        # asyncio leaves a connection unclosed if the server is closed
        # between its acceptance and the next two turns of the loop.
        with CancelScope(shield=True):
            for _ in range(3):
                await sleep(0.001)
            await runner.cleanup()


async def _answer(
    sandbox: Sandbox, request: web.BaseRequest
) -> web.StreamResponse:
    path, _, query = request.raw_path.partition("?")
    own = path == "/" or path.startswith(PREFIX)
    fault = None if own else sandbox.receive(request.method, path)
    unread = fault is not None and fault.kind is FaultKind.DROP_BEFORE
    asked = SandboxRequest(
        method=request.method,
        path=path,
        query=query,
        headers=request.headers,
        body=b"" if unread else await request.read(),
    )
    if own:
        base_url = f"{request.scheme}://{request.host}"
        answer = (
            refuse_foreign(asked)
            or show_page(sandbox, asked, base_url)
            or sandbox.administer(asked)
        )
    else:
        answer = sandbox.answer(asked, fault)
    if answer.delay:
        await sleep(answer.delay)
    transport = request.transport
    if transport is None or answer.delivery is Delivery.WHOLE:
        return web.Response(
            status=answer.status, headers=answer.headers, body=answer.body
        )
    if answer.delivery is Delivery.HALF:
        half = web.StreamResponse(status=answer.status, headers=answer.headers)
        half.content_length = answer.promised
        await half.prepare(request)
        await half.write(answer.half)
        transport.close()
        return half
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()
    return web.Response()  # aiohttp wants one, though nobody gets it.


@asynccontextmanager
async def forwarding(sandbox: Sandbox) -> AsyncGenerator[None]:
    """Post events while the block runs, if there is a webhook.

    Responses don't wait for it.  Events that wait at the end are not sent.
    """
    webhook = sandbox.config.webhook
    if webhook is None:
        yield
        return
    loop = asyncio.get_running_loop()
    deliveries: set[asyncio.Task[None]] = set()
    async with _session(webhook) as session:

        def begin(event: Mapping[str, str]) -> None:
            sent = sandbox.ledger.add_webhook(event)
            task = loop.create_task(
                _deliver(sent, webhook, sandbox.ledger, session)
            )
            deliveries.add(task)
            task.add_done_callback(deliveries.discard)

        def on_event(event: Mapping[str, str]) -> None:
            with suppress(RuntimeError):  # The loop is closed meanwhile.
                loop.call_soon_threadsafe(begin, event)

        sandbox.subscribers.append(on_event)
        try:
            yield
        finally:
            sandbox.subscribers.remove(on_event)
            tasks = [*deliveries]
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
        connector=aiohttp.TCPConnector(limit=10),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=10),
    )


async def _deliver(
    sent: SentWebhook,
    webhook: Webhook,
    ledger: Ledger,
    session: aiohttp.ClientSession,
) -> None:
    """Post an event until it is delivered, lost or forgotten."""
    body = json.dumps(dict(sent.event)).encode()
    while True:
        attempt, status = len(sent.answers), NO_ANSWER
        with suppress(aiohttp.ClientError, TimeoutError):
            async with session.post(
                webhook.url, data=body, allow_redirects=False
            ) as response:
                status = response.status
        # D: "retries on 5xx and 429".  That it does so after no response at
        # all is an assumption.
        again = status in {NO_ANSWER, TOO_MANY} or status >= SERVER_ERROR
        state: Literal["waiting", "delivered", "lost"] = "lost"
        if status in SUCCESS:
            state = "delivered"
        elif again and attempt < webhook.retries:
            state = "waiting"
        sent = attrs.evolve(sent, answers=(*sent.answers, status), state=state)
        if not ledger.change_webhook(sent) or state != "waiting":
            return
        # An exponent that a float can hold.
        await sleep(min(webhook.backoff * 2.0 ** min(attempt, 100), 600.0))
