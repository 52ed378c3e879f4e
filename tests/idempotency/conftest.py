"""Fixtures: stores in files, and what processes of tests need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sesamy_async.idempotency import SQLiteStore


pytest.register_assert_rewrite("idempotency.contract")


@pytest.fixture(autouse=True)
def _processes_find_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the processes that tests start import what tests import."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a store in a file is."""
    return tmp_path / "orders.db"


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteStore]:
    """Return a store in a file."""
    with closing(SQLiteStore(path)) as opened:
        yield opened
