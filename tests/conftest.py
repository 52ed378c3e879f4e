"""Fixtures for all tests: both event loops, and a world of its own."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings


# The converter compiles its hooks at their first use, which takes a while.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


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
