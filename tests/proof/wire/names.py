"""Names that can't be looked up for a while, by the port that is meant."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock


_unresolved: set[int] = set()
_resolve = socket.getaddrinfo


@contextmanager
def resolver() -> Iterator[None]:
    """Look up all names but those that were lost."""
    with mock.patch.object(socket, "getaddrinfo", _look_up):
        yield


def lose(port: int) -> None:
    """Let no name be found for this port."""
    _unresolved.add(port)


def find(port: int) -> None:
    """Let names be found again."""
    _unresolved.discard(port)


def _look_up(host: Any, port: Any, *about: Any, **more: Any) -> Any:
    if port in _unresolved:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")
    return _resolve(host, port, *about, **more)
