"""The sandbox behind a socket, with aiohttp."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

from aiohttp import web

from sesamy_async.errors import ConfigurationError

from ._control import PREFIX, administer, refuse_foreign
from ._exchange import Answer, Delivery, SandboxRequest
from ._faults import FaultKind
from ._page import is_page, show_page
from ._sandbox import Sandbox
from ._webhooks import forwarding


# Seconds to wait for late answers when the server ends.
_SHUTDOWN = 0.1
_TURNS = 3
# Close with a reset, as a machine that fails does.
_RESET = struct.pack("ii", 1, 0)


@asynccontextmanager
async def listening(
    sandbox: Sandbox,
    host: str,
    port: int,
    ssl_context: ssl.SSLContext | None,
) -> AsyncGenerator[str]:
    """Serve on a loopback address, and yield the base URL.

    Raises:
        ConfigurationError: It is not possible to listen on this port.
    """
    server = web.Server(partial(_answer, sandbox), access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=ssl_context)
        try:
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
        for _ in range(_TURNS):
            await asyncio.sleep(0.001)
        await runner.cleanup()


async def _answer(
    sandbox: Sandbox, request: web.BaseRequest
) -> web.StreamResponse:
    try:
        return await _exchange(sandbox, request)
    except ConnectionResetError:
        return web.Response()  # The client has left; as in `_nothing`.


async def _exchange(
    sandbox: Sandbox, request: web.BaseRequest
) -> web.StreamResponse:
    path, _, query = request.raw_path.partition("?")
    if path.startswith(PREFIX) or is_page(request.method, path):
        described = await _described(request, path, query)
        return _whole(
            refuse_foreign(described)
            or show_page(
                sandbox, described, f"{request.scheme}://{request.host}"
            )
            or administer(sandbox, described)
        )
    fault = sandbox.receive(request.method, path)
    if fault is not None and fault.kind is FaultKind.DROP_BEFORE:
        described = SandboxRequest(method=request.method, path=path)
    else:
        described = await _described(request, path, query)
    answer = sandbox.answer(described, fault)
    if answer.delay:
        await asyncio.sleep(answer.delay)
    if answer.delivery is Delivery.HALF:
        return await _half(request, answer)
    if answer.delivery is Delivery.NOTHING:
        return _nothing(request)
    return _whole(answer)


async def _described(
    request: web.BaseRequest, path: str, query: str
) -> SandboxRequest:
    return SandboxRequest(
        method=request.method,
        path=path,
        query=query,
        headers=request.headers,
        body=await request.read(),
    )


def _whole(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status, headers=answer.headers, body=answer.body
    )


async def _half(
    request: web.BaseRequest, answer: Answer
) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_length = answer.promised
    await response.prepare(request)
    await response.write(answer.half)
    if request.transport is not None:
        request.transport.close()
    return response


def _nothing(request: web.BaseRequest) -> web.Response:
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()
    # aiohttp wants an answer, though the connection is gone.
    return web.Response()
