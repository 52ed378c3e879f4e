"""Run a coroutine that never suspends, without an event loop."""

from __future__ import annotations

from collections.abc import Coroutine
from types import CoroutineType, FrameType
from typing import Any, TypeVar, cast

from sesamy_async._outcome import Outcome
from sesamy_async.errors import ConfigurationError


_T = TypeVar("_T")
_OURS = "sesamy_async"
_PATIENCE = 100


def drive(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run `coroutine` to its end with one ``send(None)``.

    Raises:
        ConfigurationError: Something in it really suspended: the user's
            middleware or auth needs an event loop.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return] # typeshed: Any
    culprit = _culprit(coroutine)
    error = ConfigurationError(
        f"{culprit} waits for an event loop, which the blocking client "
        "does not have. Make it not suspend, or use AsyncSesamy."
    )
    for _ in range(_PATIENCE):
        try:
            coroutine.throw(error)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return] # typeshed: Any
    # It swallows each error and waits again: nobody knows what it did.
    coroutine.close()
    error.outcome = Outcome.UNKNOWN
    raise error


def _culprit(coroutine: object) -> str:
    """Name the first foreign coroutine in the chain that suspended."""
    while isinstance(coroutine, CoroutineType):
        # What waits has one.
        frame = cast("FrameType", coroutine.cr_frame)
        module = frame.f_globals.get("__name__", "")
        if module.split(".")[0] != _OURS:
            return f"{module}.{coroutine.cr_code.co_qualname}"
        coroutine = coroutine.cr_await
    return f"An awaitable of type {type(coroutine).__name__}"
