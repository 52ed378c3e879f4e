"""The scripts: which mutants need a reason, and what a wheel must hold."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture(scope="module")
def differ() -> Callable[[str, str], bool]:
    """Return what tells mutants apart."""
    script = runpy.run_path(str(SCRIPTS / "mutants.py"))
    found: Callable[[str, str], bool] = script["differ"]
    return found


@pytest.fixture(scope="module")
def built() -> dict[str, Any]:
    """Return the names of the script that looks at what was built."""
    return runpy.run_path(str(SCRIPTS / "check_built.py"))


SAME = [
    ('cast("int", it)', "cast(None, it)"),
    ('cast("int", it)', 'cast("XXintXX", it)'),
    ('headers.get("Retry-After")', 'headers.get("retry-after")'),
    ('it.encode("utf-8", "replace")', 'it.encode("UTF-8", "replace")'),
    ('it.read_text(encoding="utf-8")', 'it.read_text(encoding="UTF-8")'),
    ('db.execute("COMMIT")', 'db.execute("commit")'),
    ('read("SELECT json FROM terms")', 'read("select json from terms")'),
    ('"(SELECT value FROM it)"', '"(select value from it)"'),
]
OTHER = [
    ("cast(int, it) + 1", "cast(int, it) - 1"),
    ('headers.get("Retry-After")', 'headers.get("XXRetry-AfterXX")'),
    ('it.encode("utf-8", "replace")', 'it.encode("utf-8", "REPLACE")'),
    ('read("SELECT json FROM it")', 'read("XXSELECT json FROM itXX")'),
    ('"Commit to it."', '"commit to it."'),
    ("return a", "return b"),
]


@pytest.mark.parametrize(("old", "new"), SAME + OTHER)
def test_mutants(
    differ: Callable[[str, str], bool], old: str, new: str
) -> None:
    """What has no case, and what only a type checker reads, is no change.

    All else is one, be it in the same line.
    """
    assert differ(old, new) is ((old, new) in OTHER)


WHOLE = {
    "sesamy_async/py.typed",
    "sesamy_async-0.9.0rc1.dist-info/licenses/LICENSE",
    "sesamy_async-0.9.0rc1.dist-info/entry_points.txt",
}


@pytest.mark.parametrize(
    ("more", "fewer", "said"),
    [
        ([], [], []),
        ([], ["sesamy_async/py.typed"], ["lacks sesamy_async/py.typed"]),
        ([], ["sesamy_async/_client.py"], ["lacks sesamy_async/_client.py"]),
        (
            [],
            ["sesamy_async-0.9.0rc1.dist-info/licenses/LICENSE"],
            ["lacks .dist-info/licenses/LICENSE"],
        ),
        # Tests and leftovers are no part of the package.
        (["tests/test_x.py"], [], ["should not hold tests/test_x.py"]),
        (
            ["sesamy_async/__pycache__/x.pyc"],
            [],
            ["should not hold sesamy_async/__pycache__/x.pyc"],
        ),
    ],
    ids=range(6),
)
def test_a_wheel(
    built: dict[str, Any], more: list[str], fewer: list[str], said: list[str]
) -> None:
    """What it lacks, and what it should not hold, is named."""
    whole = {*built["_sources"]("sesamy_async"), *WHOLE}

    assert said == built["in_wheel"]((whole | {*more}) - {*fewer})


def test_what_an_sdist_lacks(built: dict[str, Any]) -> None:
    """Without tests, documentation and licence it is no source."""
    said = built["in_sdist"](["sesamy_async/py.typed", "pyproject.toml"])

    assert {
        "lacks LICENSE",
        "lacks SECURITY.md",
        "lacks docs/reliability.md",
        "lacks examples/order.json",
        "lacks tests/conftest.py",
    } <= set(said)
