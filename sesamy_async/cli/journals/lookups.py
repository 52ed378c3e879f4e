"""Find the program that knows whether an order has a contract."""

from __future__ import annotations

import importlib
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from sesamy_async.bulk.journal import Terms
from sesamy_async.bulk.lookup import Lookup
from sesamy_async.cli.target import credentials
from sesamy_async.cli.usage import UsageError
from sesamy_async.client import AsyncSesamy
from sesamy_async.sandbox import SandboxLookup
from sesamy_async.transport import Connections


_SANDBOX = "sandbox"


@asynccontextmanager
async def lookup_of(name: str, terms: Terms) -> AsyncGenerator[Lookup]:
    """Make a lookup for as long as the block runs.

    Args:
        name: ``package.module:factory``, or ``sandbox``.
        terms: Where the orders went.

    Raises:
        UsageError: It can't be made.
        ConfigurationError: The credentials for the sandbox are missing.
    """
    async with AsyncExitStack() as stack:
        if name == _SANDBOX:
            client = AsyncSesamy(
                terms.vendor_id,
                auth=credentials(None),
                base_url=terms.base_url,
                # No proxy leads to loopback.
                transport=Connections(trust_env=False),
            )
            yield SandboxLookup(await stack.enter_async_context(client))
            return
        made: Any = _made(name)
        if hasattr(made, "__aenter__"):
            made = await stack.enter_async_context(made)
        yield made


def _made(name: str) -> object:
    module, _, factory = name.partition(":")
    if not module or not factory:
        raise UsageError(
            "--lookup must be package.module:factory, or sandbox."
        )
    # A command does not look where it is called, as python -m does.
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        made: object = getattr(importlib.import_module(module), factory)()
    except Exception as error:
        # Not its message, for that may be secret.
        raise UsageError(
            f"--lookup {name} can't be made: {type(error).__name__}. Try it "
            f"in Python: from {module} import {factory}; {factory}()."
        ) from error
    if not hasattr(made, "find") and not hasattr(made, "__aenter__"):
        raise UsageError(
            f"--lookup {name} makes a {type(made).__name__}, which has no "
            "method find."
        )
    return made
