"""Serve the sandbox to other processes of this machine."""

from __future__ import annotations

import asyncio
import ipaddress
import shlex
import signal
import ssl
import sys
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from types import FrameType

import attrs

from sesamy_async.errors import ConfigurationError

from ._sandbox import Sandbox


_PORT = 8787
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve(
    sandbox: Sandbox,
    host: str = "127.0.0.1",
    port: int = _PORT,
    *,
    ssl_context: ssl.SSLContext | None = None,
    ready: Callable[[str], object] | None = None,
) -> None:
    """Serve until SIGINT (Ctrl-C) or SIGTERM; from the main thread.

    Besides Sesamy's API there are ``GET /_sandbox/ledger``,
    ``POST /_sandbox/reset`` and ``POST /_sandbox/faults``.

    Args:
        sandbox: What answers.
        host: A loopback address; others are refused, since anybody there
            could use it.
        port: 0 for any free port.
        ssl_context: Serve over TLS with this.
        ready: Called with the base URL once it listens; without it, the
            SESAMY_* variables to export are printed.

    Raises:
        ConfigurationError: The host is not loopback, the port can't be
            had, or aiohttp is missing.
    """
    listening = _listening(sandbox, host, port, ssl_context)
    asyncio.run(_until_signalled(sandbox, listening, ready))


@contextmanager
def running(
    sandbox: Sandbox,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    ssl_context: ssl.SSLContext | None = None,
) -> Generator[str]:
    """Serve from a thread while the block runs.

    Args:
        sandbox: What answers.
        host: A loopback address.
        port: 0 for any free port.
        ssl_context: Serve over TLS with this.

    Yields:
        The base URL.

    Raises:
        ConfigurationError: The host is not loopback, the port can't be
            had, or aiohttp is missing.
    """
    listening = _listening(sandbox, host, port, ssl_context)
    started: Future[_Running] = Future()
    thread = threading.Thread(
        target=_run, args=(listening, started), name="sesamy-sandbox"
    )
    thread.start()
    try:
        yield started.result().url
    finally:
        # Also where that was interrupted: then as soon as it has started.
        started.add_done_callback(_stop)
        thread.join()


@attrs.frozen(kw_only=True)
class _Running:
    """A server in another thread."""

    url: str
    stop: Callable[[], object]


def _stop(started: Future[_Running]) -> None:
    if started.exception() is None:
        started.result().stop()


def _run(
    listening: AbstractAsyncContextManager[str], started: Future[_Running]
) -> None:
    try:
        asyncio.run(_until_stopped(listening, started))
    except BaseException as error:
        if started.done():
            raise
        # Of any kind: whoever waits for the start would wait for ever.
        started.set_exception(error)


async def _until_stopped(
    listening: AbstractAsyncContextManager[str], started: Future[_Running]
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with listening as url:
        started.set_result(
            _Running(url=url, stop=lambda: loop.call_soon_threadsafe(stop.set))
        )
        await stop.wait()


async def _until_signalled(
    sandbox: Sandbox,
    listening: AbstractAsyncContextManager[str],
    ready: Callable[[str], object] | None,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    # Not `loop.add_signal_handler`, which Windows has not.
    def on_signal(number: int, frame: FrameType | None) -> None:
        del number, frame
        loop.call_soon_threadsafe(stop.set)

    before = {each: signal.signal(each, on_signal) for each in _SIGNALS}
    try:
        async with listening as url:
            if ready is None:
                _announce(sandbox, url)
            else:
                ready(url)
            await stop.wait()
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _announce(sandbox: Sandbox, url: str) -> None:
    variables = sandbox.environment(url)
    lines = [f"# The sandbox listens on {url}; Ctrl-C ends it."]
    lines += [
        f"export {name}={shlex.quote(value)}"
        for name, value in variables.items()
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _listening(
    sandbox: Sandbox,
    host: str,
    port: int,
    ssl_context: ssl.SSLContext | None,
) -> AbstractAsyncContextManager[str]:
    _check_host(host)
    try:
        from ._listener import listening  # noqa: PLC0415 - aiohttp is an extra
    except ImportError as error:
        raise ConfigurationError(
            "To serve the sandbox, install its extra: "
            "pip install 'sesamy-async[sandbox]'."
        ) from error
    return listening(sandbox, host, port, ssl_context)


def _check_host(host: str) -> None:
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise ConfigurationError(
            f"The sandbox is served on loopback only, not on host {host!r}: "
            "anybody who reaches it could use it."
        )
