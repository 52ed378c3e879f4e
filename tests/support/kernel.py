"""A real Jupyter kernel, whose loop runs between and during all cells."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager


_PATIENCE = 120.0


@attrs.frozen
class Cell:
    """What is seen below a cell that was run."""

    ended: str  # The name of its exception; empty if none.
    shown: str  # Its value, what it printed and its traceback.


@attrs.frozen(eq=False, repr=False)
class Kernel:
    """A kernel that is running."""

    _manager: AsyncKernelManager
    _client: AsyncKernelClient

    async def run(self, code: str) -> Cell:
        """Run a cell to its end."""
        shown: list[str] = []

        def show(message: dict[str, Any]) -> None:
            content = message["content"]
            shown.append(content.get("text", ""))
            shown.append(content.get("data", {}).get("text/plain", ""))
            shown.extend(content.get("traceback", ()))

        reply = await self._client.execute_interactive(
            code, timeout=_PATIENCE, output_hook=show
        )
        return Cell(reply["content"].get("ename", ""), "\n".join(shown))

    async def stop(self) -> None:
        """Interrupt the cell, as its stop button does."""
        await self._manager.interrupt_kernel()


@asynccontextmanager
async def started(
    environ: Mapping[str, str], log: Path
) -> AsyncIterator[Kernel]:
    """Start a kernel, and let it end with the block."""
    manager = AsyncKernelManager()
    with log.open("w") as sink:
        await manager.start_kernel(env=environ, stdout=sink, stderr=sink)
        client = manager.client()
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=_PATIENCE)
            yield Kernel(manager, client)
        finally:
            client.stop_channels()
            await manager.shutdown_kernel()
            manager.context.destroy()
