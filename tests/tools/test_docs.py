"""The documentation is true: its Python runs, and its links lead somewhere.

Each ```python block of the pages runs by itself, with the SESAMY_* variables
of a sandbox that is served, with ``await`` at the top level, and with a
`NewContract` called ``order``.  A block that begins with ``# not run`` is
only compiled.
"""

from __future__ import annotations

import ast
import asyncio
import gc
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

import pytest

from sesamy_async import Address, NewContract, User
from sesamy_async.sandbox import Sandbox, running
from support.examples import SHOP


ROOT = Path(__file__).parents[2]
PAGES = sorted(
    {*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")},
    key=lambda page: page.relative_to(ROOT).as_posix(),
)
BLOCK = re.compile(
    r"^(?P<indent> *)```python\n(?P<code>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]\n]*\]\((?P<to>[^)\s]+)\)")
HEADING = re.compile(r"^#+ +(?P<words>.+)$", re.MULTILINE)
NOT_RUN = "# not run"


class Block(NamedTuple):
    """A block of Python on a page."""

    page: Path
    line: int
    code: str

    def compiled(self) -> CodeType:
        """Return its code, with the lines that it has on the page."""
        code: CodeType = compile(
            "\n" * self.line + self.code,
            self.page,
            "exec",
            flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
            dont_inherit=True,
        )
        return code


class Link(NamedTuple):
    """A link on a page to another place of the repository."""

    page: Path
    to: str


def name_of(case: Block | Link) -> str:
    """Name a test case."""
    page = case.page.relative_to(ROOT)
    where = case.line if isinstance(case, Block) else case.to
    return f"{page}:{where}"


def blocks() -> Iterator[Block]:
    """Find all Python."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in BLOCK.finditer(text):
            line = text.count("\n", 0, found.start("code"))
            yield Block(page, line, inspect.cleandoc("\n" + found["code"]))


def links() -> Iterator[Link]:
    """Find all links that stay in the repository."""
    for page in PAGES:
        text = FENCED.sub("", page.read_text(encoding="utf-8"))
        for found in LINK.finditer(text):
            if not re.match("[a-z]+:", found["to"]):
                yield Link(page, found["to"])


def anchors(page: Path) -> set[str]:
    """Return what a link to a page may name after its ``#``."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    headings = (found["words"].lower() for found in HEADING.finditer(text))
    return {
        re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")
        for heading in headings
    }


@pytest.fixture
def _sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """Serve a sandbox, and keep what is written in a place of its own."""
    sandbox = Sandbox()
    with running(sandbox) as url:
        for name, value in {**sandbox.environment(url), **SHOP}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.chdir(tmp_path)
        yield
        # What was left open warns now, and a warning is an error.
        gc.collect()


@pytest.mark.usefixtures("_sandbox")
@pytest.mark.parametrize("block", [*blocks()], ids=name_of)
def test_python(block: Block) -> None:
    """A block of Python on a page runs without an error or a warning."""
    code = block.compiled()
    if block.code.startswith(NOT_RUN):
        return
    namespace = {"__name__": "__main__", "order": an_order()}
    waiting = eval(code, namespace)  # noqa: S307 - it is ours
    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(waiting)


@pytest.mark.parametrize("link", [*links()], ids=name_of)
def test_links(link: Link) -> None:
    """A link on a page leads to a file, and to a heading in it."""
    path, _, anchor = link.to.partition("#")
    target = (link.page.parent / path).resolve() if path else link.page

    assert target.exists()
    assert not anchor or anchor in anchors(target)


def test_every_page_is_in_the_contents() -> None:
    """Whoever reads docs/index.md finds all other pages."""
    pages = {page.name for page in (ROOT / "docs").glob("*.md")}
    listed = {link.to for link in links() if link.page.name == "index.md"}

    assert set() == pages - listed - {"index.md"}


def an_order() -> NewContract:
    """Return the order that the pages speak of."""
    return NewContract(
        external_order_id="A-2026-004711",
        payment_provider="BILLOGRAM",
        payment_method="INVOICE",
        quantity=1,
        user_data=User(
            email="astrid.bergstrom@example.com",
            full_name="Astrid Bergström",
            address=Address(country="SE", zip="413 04", city="Göteborg"),
        ),
    )
