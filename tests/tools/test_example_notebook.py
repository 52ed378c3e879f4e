"""The notebook runs in a real kernel, and is stored without its outputs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from support.examples import EXAMPLES
from support.kernel import started


NOTEBOOK: dict[str, Any] = json.loads(
    (EXAMPLES / "orders.ipynb").read_text(encoding="utf-8")
)
CODE = [each for each in NOTEBOOK["cells"] if each["cell_type"] == "code"]


@pytest.fixture
def anyio_backend() -> str:
    """Talk to the kernel from asyncio; it has a loop of its own."""
    return "asyncio"


def test_no_outputs() -> None:
    """What is stored is what was written, whoever ran it last."""
    ran = [each for each in CODE if each["outputs"] or each["execution_count"]]

    assert [] == ran
    assert {"kernelspec", "language_info"} == set(NOTEBOOK["metadata"])


async def test_runs(tmp_path: Path) -> None:
    """Each cell ends well, and shows what the text says."""
    environ = {**os.environ, "IPYTHONDIR": str(tmp_path)}
    async with started(environ, tmp_path / "log") as kernel:
        cells = [await kernel.run("".join(each["source"])) for each in CODE]
    shown = "\n".join(each.shown for each in cells)

    assert [""] * len(CODE) == [each.ended for each in cells]
    assert "Contract(id=" in shown
    assert "(True, True)" in shown
    assert "(1, [False, True])" in shown
    assert "did you mean userData?" in shown
    assert "REFUSED False" in shown
    assert "UNKNOWN True" in shown
    assert "Warning" not in shown
