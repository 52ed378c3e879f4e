"""Fixtures for all tests: both event loops, and a world of its own."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Run every async test on asyncio and on trio."""
    backend: str = request.param
    return backend


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own SESAMY_* variables out of the tests."""
    for name in os.environ:
        if name.startswith("SESAMY_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
