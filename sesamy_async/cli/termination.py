"""SIGTERM ends a command as Ctrl-C does: it says what became of the order."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def interruptible() -> Generator[None]:
    """Let SIGTERM raise KeyboardInterrupt while the block runs.

    From the main thread, in which Python runs the handlers of signals.
    """
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
