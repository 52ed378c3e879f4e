"""Serve the sandbox to other processes of this machine."""

from __future__ import annotations

import signal
import ssl
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial

from anyio.from_thread import start_blocking_portal

from sesamy_async._settings import is_loopback
from sesamy_async.errors import ConfigurationError

from ._sandbox import Sandbox, exports


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
        port: The port; 0 for any free one.
        ssl_context: Serve over TLS with this.
        ready: Called with the base URL once the server listens; by default,
            the SESAMY_* variables to export are printed.

    Raises:
        ConfigurationError: The host is not loopback, the port can't be
            used, or aiohttp is missing.
    """
    stopped: list[int] = []
    both = (signal.SIGINT, signal.SIGTERM)
    before = {
        each: signal.signal(each, lambda number, _: stopped.append(number))
        for each in both
    }
    try:
        with running(sandbox, host, port, ssl_context=ssl_context) as url:
            (ready or partial(_announce, sandbox))(url)
            # Not an event: a handler that sets one may wait for its lock.
            while not stopped:
                time.sleep(0.05)
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
        port: The port; 0 for any free one.
        ssl_context: Serve over TLS with this.

    Yields:
        The base URL.

    Raises:
        ConfigurationError: The host is not loopback, the port can't be
            used, or aiohttp is missing.
    """
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
    starting = start_blocking_portal("asyncio", name="sesamy-sandbox")
    with ExitStack() as stack:
        # Not in this thread: a portal whose start was interrupted never ends.
        with ThreadPoolExecutor(1) as starter:
            portal = starter.submit(stack.enter_context, starting).result()
        served = listening(sandbox, host, port, ssl_context)
        yield stack.enter_context(portal.wrap_async_context_manager(served))


def _announce(sandbox: Sandbox, url: str) -> None:
    said = f"# The sandbox and its page are at {url}; Ctrl-C ends it."
    print(said, exports(sandbox, url), sep="\n", flush=True)  # noqa: T201
