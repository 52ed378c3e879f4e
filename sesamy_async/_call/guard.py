"""Keeps personal data and secrets out of the tracebacks of errors."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from inspect import CO_COROUTINE
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar, cast

from sesamy_async.errors import linked


_F = TypeVar("_F", bound=Callable[..., Any])
_T = TypeVar("_T")
_PACKAGE = Path(__file__).parent.parent
_FOLDER = f"{_PACKAGE}{os.sep}"


def guarded(function: _F) -> _F:
    """Clear the locals of our frames when a function, sync or async, raises.

    Tools that report errors read the locals of each frame in a traceback.
    """
    if function.__code__.co_flags & CO_COROUTINE:

        @wraps(function)
        async def guard_async(*args: Any, **kwargs: Any) -> Any:
            try:
                return await function(*args, **kwargs)
            except BaseException as error:
                del args, kwargs
                forget_locals(error)
                raise

        return cast("_F", guard_async)

    @wraps(function)
    def guard(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            del args, kwargs
            forget_locals(error)
            raise

    return cast("_F", guard)


def guarded_init(cls: type[_T]) -> type[_T]:
    """Keep the arguments of a constructor out of tracebacks."""
    cls.__init__ = guarded(cls.__init__)  # type: ignore[method-assign]
    return cls


def forget_locals(error: BaseException) -> None:
    """Clear our frames in the tracebacks of an error and of its causes.

    What ``raise ... from None`` hides is dropped: it may be personal.
    """
    for each in linked(error):
        if each.__suppress_context__:
            each.__context__ = None
        trace = each.__traceback__
        while trace is not None:
            frame = trace.tb_frame
            # A frame is tracked after its end.  Clearing one that is only
            # suspended would end its coroutine (before Python 3.13).
            if _is_ours(frame) and gc.is_tracked(frame):
                with suppress(RuntimeError):
                    frame.clear()
            trace = trace.tb_next


def _is_ours(frame: FrameType) -> bool:
    """Whether it runs code of this package, or made for its classes."""
    file = frame.f_code.co_filename
    generated = file.startswith("<") and _PACKAGE.name in file
    return file.startswith(_FOLDER) or generated
