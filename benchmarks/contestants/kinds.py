"""What a contestant is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from importlib.util import find_spec
from typing import TypeAlias

import attrs

from benchmarks.payload import Target


Call: TypeAlias = Callable[[], str]
"""Sends the order and returns the contract's id."""

AsyncCall: TypeAlias = Callable[[], Awaitable[str]]
"""The same, awaited."""

Opening: TypeAlias = Callable[
    [Target, int | None], AbstractContextManager[Call]
]
"""Opens a client with at most so many connections; None for its default."""

AsyncOpening: TypeAlias = Callable[
    [Target, int | None], AbstractAsyncContextManager[AsyncCall]
]
"""The same, async."""


@attrs.frozen
class Contestant:
    """A blocking client.

    Attributes:
        name: For the tables.
        needs: The module that must be installed.
        opening: Opens it.
    """

    name: str
    needs: str
    opening: Opening

    @property
    def present(self) -> bool:
        """Whether it is installed."""
        return find_spec(self.needs) is not None


@attrs.frozen
class AsyncContestant:
    """An async client.

    Attributes:
        name: For the tables.
        needs: The module that must be installed.
        opening: Opens it.
    """

    name: str
    needs: str
    opening: AsyncOpening

    @property
    def present(self) -> bool:
        """Whether it is installed."""
        return find_spec(self.needs) is not None
