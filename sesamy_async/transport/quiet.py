"""Keep httpx's own log line, which holds the URL, out of our calls."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar


_ours = ContextVar("sesamy_async_call", default=False)


def _not_ours(record: logging.LogRecord) -> bool:
    del record
    return not _ours.get()


@contextmanager
def quiet() -> Generator[None]:
    """Drop what the logger `httpx` says within the block.

    Only for the present task or thread, and only for requests of ours;
    those that the caller makes with the same client are logged as ever.
    """
    logging.getLogger("httpx").addFilter(_not_ours)
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)
