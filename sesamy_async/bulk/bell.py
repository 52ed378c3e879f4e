"""Wake all who wait, again and again."""

from __future__ import annotations

from sesamy_async.core.runtime import Runtime


class Bell:
    """What workers wait for while they have nothing to do."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._event = runtime.event()

    def ring(self) -> None:
        """Wake all who wait now."""
        rung, self._event = self._event, self._runtime.event()
        rung.set()

    async def wait(self, seconds: float) -> None:
        """Wait until it rings, at most so long."""
        await self._event.wait(seconds)
