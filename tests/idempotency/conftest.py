"""Fixtures: servers of this worker's own, empty for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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
