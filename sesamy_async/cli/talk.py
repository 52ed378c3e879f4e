"""What is said on stderr while a command runs."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import TextIO

from sesamy_async.auth import TokenStoreWarning

from .plain import plain


_log = logging.getLogger("sesamy_async")
_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


@contextmanager
def talking(verbose: int) -> Generator[None]:
    """Let the SDK's logs and warnings go to stderr while the block runs.

    Args:
        verbose: 0 for warnings, 1 for a line about each call, 2 for one
            about each attempt.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(_Plain("%(levelname)s %(message)s"))
    before = _log.level
    _log.addHandler(handler)
    _log.setLevel(_LEVELS[min(verbose, len(_LEVELS) - 1)])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", TokenStoreWarning)
            warnings.showwarning = _show
            yield
    finally:
        _log.setLevel(before)
        _log.removeHandler(handler)


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return plain(super().format(record))


def _show(  # noqa: PLR0917 - as the `warnings` module calls it
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    del category, filename, lineno, file, line
    sys.stderr.write(f"Warning: {plain(str(message))}\n")
