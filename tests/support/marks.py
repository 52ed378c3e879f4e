"""Marks that run a test in every world, on every loop, or for each row."""

from __future__ import annotations

from typing import Protocol

import pytest

from .calling import WORLDS


every_world = pytest.mark.parametrize("world", WORLDS)
every_loop = pytest.mark.parametrize("backend", ["asyncio", "trio"])


class Caused(Protocol):
    """A row of a table, named by its cause."""

    @property
    def cause(self) -> str:
        """The id of its test."""
        ...


def each_of(*rows: Caused) -> pytest.MarkDecorator:
    """Run a test for each of these rows."""
    return pytest.mark.parametrize("row", rows, ids=lambda row: row.cause)
