"""What a wheel and an sdist must hold is really looked for."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest


SCRIPT = Path(__file__).parents[2] / "scripts" / "check_built.py"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    """Return the names of the script."""
    return runpy.run_path(str(SCRIPT))


def whole(script: dict[str, Any]) -> set[str]:
    """Return the names in a wheel to which nothing is to be said."""
    return {
        *script["_sources"]("sesamy_async"),
        "sesamy_async/py.typed",
        "sesamy_async-0.1.0.dist-info/licenses/LICENSE",
        "sesamy_async-0.1.0.dist-info/entry_points.txt",
    }


def test_a_whole_wheel(script: dict[str, Any]) -> None:
    """Nothing is said of it."""
    assert [] == script["in_wheel"](whole(script))


@pytest.mark.parametrize(
    "name",
    [
        "sesamy_async/py.typed",
        "sesamy_async/_client.py",
        "sesamy_async-0.1.0.dist-info/licenses/LICENSE",
    ],
)
def test_what_a_wheel_lacks(script: dict[str, Any], name: str) -> None:
    """Each is named."""
    [said] = script["in_wheel"](whole(script) - {name})

    assert said.startswith("lacks ")
    assert name.endswith(said.removeprefix("lacks "))


@pytest.mark.parametrize(
    "name", ["tests/test_x.py", "sesamy_async/__pycache__/x.pyc"]
)
def test_what_no_wheel_should_hold(script: dict[str, Any], name: str) -> None:
    """Tests and leftovers are no part of the package."""
    said = script["in_wheel"](whole(script) | {name})

    assert [f"should not hold {name}"] == said


def test_what_an_sdist_lacks(script: dict[str, Any]) -> None:
    """Without tests, documentation and licence it is no source."""
    said = script["in_sdist"](["sesamy_async/py.typed", "pyproject.toml"])

    assert {
        "lacks LICENSE",
        "lacks SECURITY.md",
        "lacks docs/reliability.md",
        "lacks examples/order.json",
        "lacks tests/conftest.py",
    } <= set(said)
