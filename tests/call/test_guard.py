"""No local of our frames is left in the traceback of an error."""

from __future__ import annotations

import json
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import FunctionType
from typing import Any

import pytest

import sesamy_async
from sesamy_async._call import guarded, guarded_init
from sesamy_async._call.guard import forget_locals
from support.leaks import told_by


OURS = sesamy_async.__file__
SECRET = "canary"


def ours(function: Any) -> Any:
    """Return the function as if its code stood in the package."""
    code = function.__code__.replace(co_filename=OURS)
    return FunctionType(
        code, function.__globals__, closure=function.__closure__
    )


def _inner(secret: str) -> None:
    copy = [secret]
    raise ValueError(len(copy))


def _outer(secret: str) -> None:
    inner = ours(_inner)
    try:
        inner(secret)
    except ValueError as error:
        raise KeyError from error


def _grouped(secret: str) -> None:
    errors: list[Exception] = []
    for each in (_outer, _inner):
        try:
            ours(each)(secret)
        except (KeyError, ValueError) as error:
            errors.append(error)
    raise ExceptionGroup("Two.", errors)


@pytest.mark.parametrize("fail", [_inner, _outer, _grouped])
async def test_locals_are_cleared(fail: Callable[[str], None]) -> None:
    """Those of an error, of its causes, and of the errors of a group."""
    blocks = ours(fail)

    async def awaits(secret: str) -> None:
        blocks(secret)

    ends: list[BaseException] = []
    for function in (guarded(blocks), guarded(ours(awaits))):
        try:
            result = function(SECRET)
            await result
        except (KeyError, ValueError, ExceptionGroup) as error:
            ends.append(error)

    assert 2 == len(ends)
    assert not any(SECRET in told_by(end) for end in ends)
    assert all(traceback.format_exception(end) for end in ends)


def test_a_constructor() -> None:
    """What it was given is not left behind if it fails; else it works."""

    def construct(self: Any, secret: str) -> None:
        self.size = len(secret)
        if secret == SECRET:
            ours(_inner)(secret)

    made: Any = guarded_init(type("Made", (), {"__init__": ours(construct)}))
    with pytest.raises(ValueError, match="1") as caught:
        made(SECRET)

    assert 2 == made("ab").size
    assert SECRET not in told_by(caught.value)


def test_an_error_that_is_its_own_cause() -> None:
    """A circle of causes ends."""
    error = ValueError()
    other = ValueError()
    error.__cause__, other.__cause__ = other, error
    forget_locals(error)

    assert error.__cause__ is other


def test_wrong_arguments() -> None:
    """The arguments of a call that fits no signature are cleared, too."""
    function: Any = guarded(ours(_inner))
    with pytest.raises(TypeError) as caught:
        function(SECRET, SECRET)

    assert SECRET not in told_by(caught.value)


def test_what_is_hidden_is_dropped() -> None:
    """What was read is gone with the error that held it."""

    @guarded
    def read(text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError:
            raise ValueError("No JSON.") from None

    with pytest.raises(ValueError, match="No JSON") as caught:
        read(SECRET)

    assert caught.value.__context__ is None


def test_frames_of_others_are_left() -> None:
    """Whoever debugs their own code finds their locals."""
    with pytest.raises(ValueError, match="1") as caught:
        guarded(_inner)("theirs")

    frames = traceback.walk_tb(caught.value.__traceback__)
    assert any("theirs" in repr(frame.f_locals) for frame, _ in frames)


def test_a_coroutine_that_goes_on() -> None:
    """An error of a coroutine that has caught it does not end that one."""
    caught: list[BaseException] = []

    class Pause:
        def __await__(self) -> Any:
            yield

    async def catches(pause: Awaitable[None]) -> str:
        try:
            ours(_inner)(SECRET)
        except ValueError as error:
            caught.append(error)
            await pause
        return "went on"

    coroutine = ours(catches)(Pause())
    coroutine.send(None)

    def raise_again() -> None:
        raise caught[0]

    with suppress(ValueError):
        guarded(raise_again)()
    with pytest.raises(StopIteration) as ended:
        coroutine.send(None)

    assert "went on" == ended.value.value


def test_a_frame_that_runs() -> None:
    """A function that goes on after an error keeps its locals."""

    def run(secret: str) -> str:
        try:
            ours(_inner)(secret)
        except ValueError as error:
            forget_locals(error)
        return secret

    assert SECRET == ours(run)(SECRET)
