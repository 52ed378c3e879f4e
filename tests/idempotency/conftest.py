"""Fixtures: servers of this worker's own, empty for each test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sesamy_async.idempotency import SQLiteStore
from support.servers import Postgres, Redis


pytest.register_assert_rewrite("idempotency.contract")


@pytest.fixture(autouse=True)
def _processes_find_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the processes that tests start import what tests import."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))


@pytest.fixture(scope="session")
def _postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def _redis() -> Iterator[Redis]:
    with Redis() as server:
        yield server


@pytest.fixture
def postgres(_postgres: Postgres) -> Postgres:
    """Return a Postgres that runs and has no tables."""
    _postgres.fresh()
    return _postgres


@pytest.fixture
def redis(_redis: Redis) -> Redis:
    """Return a Redis that runs, is empty, and set as it should be."""
    _redis.fresh()
    return _redis


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a store in a file is."""
    return tmp_path / "orders.db"


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteStore]:
    """Return a store in a file."""
    with closing(SQLiteStore(path)) as opened:
        yield opened
