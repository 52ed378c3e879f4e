"""Only mutants that a test could tell apart need a reason."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path

import pytest


SCRIPT = Path(__file__).parents[2] / "scripts" / "mutants.py"


@pytest.fixture(scope="module")
def differ() -> Callable[[str, str], bool]:
    """Return what decides it."""
    found: Callable[[str, str], bool] = runpy.run_path(str(SCRIPT))["differ"]
    return found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('cast("int", it)', "cast(None, it)"),
        ('cast("int", it)', 'cast("XXintXX", it)'),
        ('headers.get("Retry-After")', 'headers.get("retry-after")'),
        ('it.encode("utf-8", "replace")', 'it.encode("UTF-8", "replace")'),
        ('it.read_text(encoding="utf-8")', 'it.read_text(encoding="UTF-8")'),
        ('db.execute("COMMIT")', 'db.execute("commit")'),
        ('read("SELECT json FROM terms")', 'read("select json from terms")'),
        ('"(SELECT value FROM it)"', '"(select value from it)"'),
    ],
)
def test_the_same(
    differ: Callable[[str, str], bool], old: str, new: str
) -> None:
    """What has no case, and what only a type checker reads, is no change."""
    assert not differ(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("cast(int, it) + 1", "cast(int, it) - 1"),
        ('headers.get("Retry-After")', 'headers.get("XXRetry-AfterXX")'),
        ('it.encode("utf-8", "replace")', 'it.encode("utf-8", "REPLACE")'),
        (
            'read("SELECT json FROM terms")',
            'read("XXSELECT json FROM termsXX")',
        ),
        ('"Commit to it."', '"commit to it."'),
        ("return a", "return b"),
    ],
)
def test_another(
    differ: Callable[[str, str], bool], old: str, new: str
) -> None:
    """All else is one, be it in the same line."""
    assert differ(old, new)
