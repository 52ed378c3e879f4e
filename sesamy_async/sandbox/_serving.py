"""Serve the sandbox to other processes of this machine."""

from __future__ import annotations

import asyncio
import shlex
import signal
import ssl
import sys
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from functools import partial

from sesamy_async._settings import is_loopback
from sesamy_async.errors import ConfigurationError

from ._sandbox import Sandbox


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve(
    sandbox: Sandbox,
    host: str = "127.0.0.1",
    port: int = 8787,
    *,
    ssl_context: ssl.SSLContext | None = None,
    ready: Callable[[str], object] | None = None,
) -> None:
    """Serve until SIGINT (Ctrl-C) or SIGTERM; for the main thread only.

    The page at ``/`` shows what happens, and the paths below ``/_sandbox/``
    read and control the sandbox.

    Args:
        sandbox: The sandbox.
        host: A loopback address.
        port: 0 for any free port.
        ssl_context: Serve over TLS with this.
        ready: Called with the base URL once it listens; without it, the
            SESAMY_* variables to export are printed.

    Raises:
        ConfigurationError: The host is not loopback, the port can't be
            used, or aiohttp is missing.
    """
    listening = _listening(sandbox, host, port, ssl_context)
    ready = ready or partial(_announce, sandbox)
    stop = asyncio.Event()
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        loop = runner.get_loop()

        # Not `loop.add_signal_handler`: Windows has none.
        def on_signal(*_: object) -> None:
            loop.call_soon_threadsafe(stop.set)

        before = {each: signal.signal(each, on_signal) for each in _SIGNALS}
        try:
            runner.run(_serve_until(stop, listening, ready))
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


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
        sandbox: The sandbox.
        host: A loopback address.
        port: 0 for any free port.
        ssl_context: Serve over TLS with this.

    Yields:
        The base URL.

    Raises:
        ConfigurationError: The host is not loopback, the port can't be
            used, or aiohttp is missing.
    """
    listening = _listening(sandbox, host, port, ssl_context)
    stop = asyncio.Event()
    started: Future[str] = Future()
    # Here, so that an interrupted start can be stopped, too.
    runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
    loop = runner.get_loop()

    def work() -> None:
        try:
            with runner:
                runner.run(_serve_until(stop, listening, started.set_result))
        except BaseException as error:
            if started.done():
                raise
            # Any kind: `running` would wait for ever.
            started.set_exception(error)

    thread = threading.Thread(target=work, name="sesamy-sandbox")
    thread.start()
    try:
        yield started.result()
    finally:
        with suppress(RuntimeError):  # Closed: the start has failed.
            loop.call_soon_threadsafe(stop.set)
        thread.join()


async def _serve_until(
    stop: asyncio.Event,
    listening: AbstractAsyncContextManager[str],
    ready: Callable[[str], object],
) -> None:
    async with listening as url:
        ready(url)
        await stop.wait()


def _announce(sandbox: Sandbox, url: str) -> None:
    lines = [f"# The sandbox and its page are at {url}; Ctrl-C ends it."]
    lines += [
        f"export {name}={shlex.quote(value)}"
        for name, value in sandbox.environment(url).items()
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _listening(
    sandbox: Sandbox,
    host: str,
    port: int,
    ssl_context: ssl.SSLContext | None,
) -> AbstractAsyncContextManager[str]:
    if not is_loopback(host):
        raise ConfigurationError(
            f"The sandbox is served on loopback only, not on host {host!r}: "
            "anybody who reaches it could use it."
        )
    try:
        from ._listener import listening  # noqa: PLC0415 - aiohttp is an extra
    except ImportError as error:
        raise ConfigurationError(
            "To serve the sandbox, install its extra: "
            "pip install 'sesamy-async[sandbox]'."
        ) from error
    return listening(sandbox, host, port, ssl_context)
