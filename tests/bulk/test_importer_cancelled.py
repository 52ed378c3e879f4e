"""A run that is cancelled leaves a journal that changes no more."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from sesamy_async.bulk import Change, Importer, State
from support.import_world import World
from support.sources import listed


async def test_cancelled_while_it_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever counts after it counts what was under way, too."""
    world = World(folder=tmp_path, source=listed(1))
    reached, opened = threading.Event(), threading.Event()
    with world.journal() as journal:
        apply = journal.apply

        def held(changes: Sequence[Change]) -> None:
            reached.set()
            opened.wait(10)
            apply(changes)

        async with world.client() as client:
            importer = Importer(client, world.source, journal)
            monkeypatch.setattr(journal, "apply", held)
            async with anyio.create_task_group() as group:
                group.start_soon(importer.run)
                await anyio.to_thread.run_sync(reached.wait, 10)
                threading.Timer(0.05, opened.set).start()
                group.cancel_scope.cancel()

        assert 1 == journal.counts()[State.INTENT]
