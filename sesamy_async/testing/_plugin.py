"""The fixtures of the test kit; pytest loads this module by itself.

It imports what it needs when a fixture is used: tests that use none lose
no time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest


if TYPE_CHECKING:
    import respx

    from sesamy_async.sandbox import Sandbox, SandboxConfig

    from ._time import Time


@pytest.fixture
def sesamy_time() -> Iterator[Time]:
    """Let waits of the SDK pass at once; `waits` lists them."""
    from ._time import use_runtime  # noqa: PLC0415

    with use_runtime() as time:
        yield time


@pytest.fixture
def sesamy_config() -> SandboxConfig:
    """Return the configuration of the sandbox; override it for your own."""
    from sesamy_async.sandbox import SandboxConfig  # noqa: PLC0415

    return SandboxConfig()


@pytest.fixture
def sesamy_idempotency() -> str | None:
    """Return the URL of a store of orders, or None; override it for one."""
    return None


@pytest.fixture
def _sesamy_answers(
    sesamy_time: Time,
    sesamy_config: SandboxConfig,
    sesamy_idempotency: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[Sandbox, respx.MockRouter]]:
    """Lead all clients to a sandbox, which answers them."""
    from sesamy_async.sandbox import Sandbox  # noqa: PLC0415

    from ._sandbox import environment, routes  # noqa: PLC0415

    del sesamy_time  # The sandbox and the clients live in it.
    sandbox = Sandbox(sesamy_config)
    # By this fixture, so that what a test sets with it ends before.
    for name, value in environment(sandbox, sesamy_idempotency).items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    with routes(sandbox) as router:
        yield sandbox, router


@pytest.fixture
def sesamy_sandbox(
    _sesamy_answers: tuple[Sandbox, respx.MockRouter],
) -> Sandbox:
    """Let a fresh sandbox answer all clients, whose waits pass at once."""
    return _sesamy_answers[0]


@pytest.fixture
def sesamy_routes(
    _sesamy_answers: tuple[Sandbox, respx.MockRouter],
) -> respx.MockRouter:
    """Return the respx router of the sandbox: token, create, confirm."""
    return _sesamy_answers[1]
