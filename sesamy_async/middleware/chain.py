"""Put middleware around an innermost step."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from sesamy_async.core.call import Middleware, Proceed


def chain(middleware: Iterable[Middleware], innermost: Proceed) -> Proceed:
    """Return one step that walks through all, the first one outermost."""
    proceed = innermost
    for layer in reversed(tuple(middleware)):
        proceed = partial(layer, proceed=proceed)
    return proceed
