"""The async client in a world that blocks: what `Sesamy` drives."""

from __future__ import annotations

from typing import ClassVar

from .client import AsyncSesamy
from .core.runtime import Runtime
from .runtimes.blocking import BlockingRuntime


class Driven(AsyncSesamy):
    """An `AsyncSesamy` under which no await ever suspends."""

    _name: ClassVar[str] = "Sesamy"
    _blocking: ClassVar[bool] = True

    def _runtime(self) -> Runtime:
        return BlockingRuntime()
