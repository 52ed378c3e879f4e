"""What leads a client to a sandbox: arguments, or the environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any


if TYPE_CHECKING:  # Processes that are to be killed can do without them.
    import pytest

    from sesamy_async.sandbox import Sandbox


def arguments(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return what a client takes instead of these variables."""
    return {
        name: environment[f"SESAMY_{name.upper()}"]
        for name in (
            "vendor_id",
            "client_id",
            "client_secret",
            "base_url",
            "token_url",
        )
    }


def lead_to(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, url: str | None = None
) -> None:
    """Let the environment lead to a sandbox, or to where it is served."""
    for name, value in sandbox.environment(url).items():
        monkeypatch.setenv(name, value)
