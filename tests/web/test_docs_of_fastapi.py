"""The service of docs/fastapi.md, and its tests, are short, and they work."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.examples import EXAMPLES, PATIENCE


# Of the test client of the oldest FastAPI that we take.
OLD = "ignore:The anyio.abc.BlockingPortal:DeprecationWarning"
PAGE = EXAMPLES.parent / "docs" / "fastapi.md"


def block(name: str) -> str:
    """Return the code on the page that is in a file of this name."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(rf"```python\n# {name}\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found[1]


def test_it_is_short() -> None:
    """A whole service has at most 40 lines, and its tests have 30."""
    assert 40 >= len(block("shop.py").splitlines())
    assert 30 >= len(block("test_shop.py").splitlines())


def test_it_is_the_example() -> None:
    """The page shows the example, but for its docstring."""
    example = (EXAMPLES / "fastapi_app.py").read_text(encoding="utf-8")

    assert example.endswith(f'"""\n\n{block("shop.py")}')


@pytest.mark.slow
def test_its_tests(tmp_path: Path) -> None:
    """They pass, without a warning; with files, none is left in the project.

    With files each test has its own store, too.
    """
    tests = block("test_shop.py")
    with_files = tests.replace(
        "sesamy_idempotency():", "sesamy_idempotency(tmp_path):"
    ).replace('"memory:"', 'f"sqlite://{tmp_path}/orders.db"')
    again = "\n\ntest_again = test_a_sale_is_reported_once\n"
    for name, text in {
        "shop": block("shop.py"),
        "test_shop": tests,
        "test_files": with_files + again,
    }.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    # Those that take long to load have nothing to do here.
    others = ("hypothesispytest", "randomly", "timeout", "xdist")
    ended = subprocess.run(  # noqa: S603 - what it runs is ours
        [
            *(sys.executable, "-m", "pytest", "-q", "-W", "error", "-W", OLD),
            *(f"-pno:{each}" for each in others),
            ".",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert 0 == ended.returncode, ended.stdout
    assert "3 passed" in ended.stdout
    assert [] == [*tmp_path.glob("orders.db*")]
