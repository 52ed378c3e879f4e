"""Write sesamy_async/_blocking.py from the async client.

Signatures and docstrings are copied; each body is one call that drives the
async method.  ``--check`` compares instead of writing.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


PACKAGE = Path(__file__).parent.parent / "sesamy_async"
TARGET = PACKAGE / "_blocking.py"

HEADER = '''\
"""The blocking client.

Generated from _client.py and _contracts.py by scripts/generate_blocking.py;
do not edit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, Self

from ._call import (
    BeforeSend,
    Middleware,
    Pacer,
    RateLimit,
    Response,
    RetryPolicy,
    Secret,
    drive,
    guarded,
)
from ._checks import NotPickled
from ._client import AuthSetting, BlockingCore
from ._contracts import AsyncContracts
from ._models import Contract, NewContract, Onboarded
from .idempotency import IdempotencyStore

'''

RENAMED = {
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "aclose": "close",
}
ASYNC_WORDS = """\
    Works on asyncio and trio.  One client can be used from many tasks; they
    share its connections, token and pace.  Each event loop gets its own
    connections.
"""
BLOCKING_WORDS = """\
    Needs no event loop and starts no thread, so it works in scripts, in
    thread pools, inside a running loop (Jupyter) and after a fork.  One
    client can be used from many threads; they share its connections, token
    and pace.  Your middleware and auth are async functions here, too, but
    must not wait for an event loop.
"""
WORDS = {
    "onboarding API, awaited.": "onboarding API, blocking.",
    ASYNC_WORDS: BLOCKING_WORDS,
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def generate() -> str:
    """Return the module as it should be."""
    contracts = _class("_contracts.py", "AsyncContracts")
    client = _class("_client.py", "AsyncSesamy")
    parts = [
        HEADER,
        _head(contracts, "Contracts"),
        "    def __init__(self, inner: AsyncContracts) -> None:",
        "        self._inner = inner\n",
        *_methods(contracts, {"__init__"}),
        "",
        _head(client, "Sesamy"),
        "    contracts: Contracts",
        '    """The operations on contracts."""\n',
        *_methods(client, set()),
        "    def _use(self, inner: BlockingCore) -> None:",
        "        self._inner = inner",
        "        self.contracts = Contracts(inner.contracts)",
    ]
    return _formatted("\n".join(parts))


def _class(file: str, name: str) -> ast.ClassDef:
    tree = ast.parse((PACKAGE / file).read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return node
    raise SystemExit(f"{file} has no class {name}")


def _head(source: ast.ClassDef, name: str) -> str:
    text = ast.get_docstring(source, clean=False) or ""
    for old, new in WORDS.items():
        text = text.replace(old, new)
    return f'class {name}(NotPickled):\n    """{text}"""\n'


def _methods(source: ast.ClassDef, left_out: set[str]) -> Iterator[str]:
    public = {"__init__", "__repr__", *RENAMED} - left_out
    for node in source.body:
        if isinstance(node, Function) and (
            not node.name.startswith("_") or node.name in public
        ):
            yield _method(node)


def _method(node: Function) -> str:
    name = RENAMED.get(node.name, node.name)
    # A class is documented on itself, so its constructor has no text.
    text = ast.get_docstring(node, clean=False)
    lines = [f"    @{ast.unparse(each)}" for each in node.decorator_list]
    returns = ast.unparse(node.returns) if node.returns else "None"
    lines.append(f"    def {name}({ast.unparse(node.args)}) -> {returns}:")
    if text is not None:
        lines.append(f'        """{text}"""')
    lines.append(f"        {_body(node)}\n")
    return "\n".join(lines)


BODIES = {
    "__init__": """given = {**locals()}
        del given["self"]
        self._use(BlockingCore(**given))""",
    "with_options": """given = {**locals()}
        del given["self"]
        copy = object.__new__(type(self))
        copy._use(self._inner.with_options(**given))
        return copy""",
    "__repr__": """if not hasattr(self, "_inner"):
            return "Sesamy(...)"  # In a traceback of its constructor.
        return repr(self._inner)""",
    "__aenter__": "return self",
    "__aexit__": "self.close()",
}


def _body(node: Function) -> str:
    if node.name in BODIES:
        return BODIES[node.name]
    if "property" in map(ast.unparse, node.decorator_list):
        return f"return self._inner.{node.name}"
    arguments = [each.arg for each in node.args.args[1:]]
    arguments += [f"{each.arg}={each.arg}" for each in node.args.kwonlyargs]
    call = f"self._inner.{node.name}({', '.join(arguments)})"
    return f"return drive({call})"


def _formatted(source: str) -> str:
    ruff = [sys.executable, "-m", "ruff", "format", "--stdin-filename"]
    done = subprocess.run(
        [*ruff, str(TARGET), "-"],
        input=source,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    return done.stdout


def main() -> None:
    """Write the file, or say whether it is as it should be."""
    fresh = generate()
    if "--check" in sys.argv[1:]:
        if TARGET.read_text(encoding="utf-8") != fresh:
            raise SystemExit("_blocking.py is stale: nox -s generate")
        return
    TARGET.write_text(fresh, encoding="utf-8")


if __name__ == "__main__":
    main()
