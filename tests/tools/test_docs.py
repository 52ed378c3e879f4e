"""The documentation is true: its Python runs, and its links lead somewhere.

Each ```python block of the pages runs by itself, with the SESAMY_* variables
of a sandbox that is served, with ``await`` at the top level, and with a
`NewContract` called ``order``.  A block that begins with ``# not run`` is
only compiled.  What a page says that a block prints, it prints.
"""

from __future__ import annotations

import ast
import asyncio
import gc
import inspect
import logging
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import CodeType
from typing import Any, NamedTuple

import pytest

import sesamy_async
from sesamy_async import Address, NewContract, User
from sesamy_async.sandbox import Sandbox, running
from support.examples import SHOP


ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "api"
PAGES = sorted(
    {*ROOT.glob("*.md"), *DOCS.glob("*.md"), *REFERENCE.glob("*.md")},
    key=lambda page: page.relative_to(ROOT).as_posix(),
)
BLOCK = re.compile(
    r"^(?P<indent> *)```python\n(?P<code>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]\n]*\]\((?P<to>[^)\s]+)\)")
HEADING = re.compile(r"^#+ +(?P<words>.+)$", re.MULTILINE)
PRINTED = re.compile(
    r"\n*This prints:\n\n```text\n(?P<text>.*?)```", re.DOTALL
)
CONTRACT_ID = re.compile(r"\b[0-9a-f]{32}\b")
TOCTREE = re.compile(r"```\{toctree\}.*?^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`(?P<code>[^`]+)`")
NOT_RUN = "# not run"


class Block(NamedTuple):
    """A block of Python on a page."""

    page: Path
    line: int
    code: str
    printed: str | None

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


def name_of(case: Block | Path) -> str:
    """Name a test case."""
    if isinstance(case, Block):
        return f"{name_of(case.page)}:{case.line}"
    return str(case.relative_to(ROOT))


def blocks() -> Iterator[Block]:
    """Find all Python."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in BLOCK.finditer(text):
            line = text.count("\n", 0, found.start("code"))
            said = PRINTED.match(text, found.end())
            yield Block(
                page,
                line,
                inspect.cleandoc("\n" + found["code"]),
                said and said["text"],
            )


def links(page: Path) -> Iterator[Link]:
    """Find all links of a page that stay in the repository."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    for found in LINK.finditer(text):
        if not re.match("[a-z]+:", found["to"]):
            yield Link(page, found["to"])


@cache
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
    log = logging.getLogger("sesamy_async")
    level = log.level
    # A block that logs must not do so in other tests.
    monkeypatch.setattr(log, "handlers", [*log.handlers])
    with running(sandbox) as url:
        for name, value in {**sandbox.environment(url), **SHOP}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.chdir(tmp_path)
        yield
        # What was left open warns now, and a warning is an error.
        gc.collect()
    log.setLevel(level)


@pytest.mark.usefixtures("_sandbox")
@pytest.mark.parametrize("block", [*blocks()], ids=name_of)
def test_python(block: Block, capsys: pytest.CaptureFixture[str]) -> None:
    """A block of Python runs without an error or a warning.

    If the page says what it prints, it prints that, but for ids of contracts.
    """
    code = block.compiled()
    if block.code.startswith(NOT_RUN):
        return
    namespace = {"__name__": "__main__", "order": an_order()}
    waiting = eval(code, namespace)  # noqa: S307 - it is ours
    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(waiting)

    if block.printed is not None:
        said = CONTRACT_ID.sub("ID", capsys.readouterr().out)
        assert CONTRACT_ID.sub("ID", block.printed) == said


def leads_somewhere(link: Link) -> bool:
    """Return whether there is such a file, and such a heading in it."""
    path, _, anchor = link.to.partition("#")
    target = (link.page.parent / path).resolve() if path else link.page
    return target.exists() and (not anchor or anchor in anchors(target))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links(page: Path) -> None:
    """A link on a page leads to a file, and to a heading in it."""
    found = [*links(page)]

    assert [] == [each.to for each in found if not leads_somewhere(each)]


@pytest.mark.parametrize("folder", [DOCS, REFERENCE], ids=["docs", "api"])
def test_every_page_is_in_the_contents(folder: Path) -> None:
    """Whoever reads a folder's index.md finds all other pages."""
    index = folder / "index.md"
    pages = {page.name for page in folder.glob("*.md")}
    listed = {link.to for link in links(index)}

    assert set() == pages - listed - {"index.md"}


def test_sidebar() -> None:
    """The site's sidebar has the pages of docs/index.md, in its order."""
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[.+?\]\((\S+)\.md\) \|", index, re.MULTILINE)

    assert rows == in_toctrees(DOCS / "contents.inc")


def test_sidebar_of_the_reference() -> None:
    """The site's sidebar has all pages of the reference."""
    pages = {page.stem for page in REFERENCE.glob("*.md")} - {"index"}

    assert pages == {*in_toctrees(REFERENCE / "index.md")}


def in_toctrees(path: Path) -> list[str]:
    """Return the documents in the tables of contents of a file."""
    text = "".join(TOCTREE.findall(path.read_text(encoding="utf-8")))
    lines = [line for line in text.splitlines() if line[:1] not in {"`", ":"}]
    return [re.sub(r".*<(.+)>", r"\1", line) for line in lines if line]


def test_reference() -> None:
    """Each public name is documented, at one of the places that have it."""
    said = dict.fromkeys(documented())
    objects = [id(getattr(import_module(home), name)) for home, name in said]
    missing = [
        f"{home}.{name}"
        for home, name in public_names()
        if (home, name) not in said
        and id(getattr(import_module(home), name)) not in objects
    ]

    assert [] == missing


def test_nothing_private_is_documented() -> None:
    """The reference has public names only, and each of them once."""
    said = [*documented()]
    public = {*public_names()}

    assert [] == [each for each in said if each not in public]
    assert len(said) == len({*said})


def documented() -> Iterator[tuple[str, str]]:
    """Find what the reference documents: modules, and names of theirs."""
    for page in sorted(REFERENCE.glob("*.md")):
        home = ""
        for kind, what in re.findall(
            r"^\.\. (currentmodule|auto\w+|py:\w+):: (\w[\w.]*)$",
            page.read_text(encoding="utf-8"),
            re.MULTILINE,
        ):
            if kind == "currentmodule":
                home = what
            else:
                yield home, what


def public_names() -> Iterator[tuple[str, str]]:
    """Find all names that users may import, with the modules to do so."""
    package = sesamy_async.__name__
    modules = [
        each.name
        for each in walk_packages(sesamy_async.__path__, f"{package}.")
        if "._" not in each.name
    ]
    for home in (package, *modules):
        module = import_module(home)
        names = getattr(module, "__all__", None) or [
            name
            for name, value in vars(module).items()
            if name[0] != "_" and getattr(value, "__module__", None) == home
        ]
        yield from ((home, name) for name in names)


def test_errors() -> None:
    """docs/errors.md has each error and each warning, and no others."""
    kinds = {
        name
        for home, name in public_names()
        if isinstance(kind := getattr(import_module(home), name), type)
        and issubclass(kind, Exception)
    }

    assert kinds - {"SesamyError"} == {*outcomes_on("errors.md", column=0)}


def test_outcomes_of_errors() -> None:
    """docs/errors.md and docs/outcomes.md agree on what errors mean."""
    ours = outcomes_on("errors.md", column=0)
    theirs = outcomes_on("outcomes.md", column=1)

    assert theirs == {name: ours[name] for name in theirs}


def outcomes_on(page: str, *, column: int) -> dict[str, set[str]]:
    """Return the outcomes of each error in the tables of a page."""
    found: dict[str, set[str]] = {}
    name = ""
    for line in (DOCS / page).read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|") or len(cells) <= column:
            continue
        named = CODE.fullmatch(cells[column])
        if named and re.search("Error$|Unavailable$|Warning$", named["code"]):
            name = named["code"]
        elif cells[column] or not name:
            continue
        outcomes = {*CODE.findall(line)} & {*sesamy_async.Outcome}
        found.setdefault(name, set()).update(map(str, outcomes))
    return found


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
