"""A call ends by its deadline, and says what is known of it."""

from __future__ import annotations

import anyio
import pytest

from sesamy_async import (
    Call,
    DeadlineExceededError,
    Outcome,
    Response,
    UnreadableResponseError,
)
from sesamy_async._call import AnyioRuntime, Deadline, Record
from sesamy_async._call.attempt import _passed
from sesamy_async._outcome import Failure, FailureKind
from support.exchanges import a_call


_PASSED = Failure(
    kind=FailureKind.DEADLINE, detail="The deadline passed.", sent=False
)


@pytest.mark.parametrize(
    ("sent", "outcome"), [(False, Outcome.NOT_SENT), (True, Outcome.UNKNOWN)]
)
async def test_deadline(sent: bool, outcome: Outcome) -> None:
    """A call is cut off at its deadline, with what is known of it."""
    runtime = AnyioRuntime()

    async def stall(call: Call) -> Response:
        call.record.begin()
        call.record.sent = sent
        try:
            await anyio.sleep(10)
        finally:
            call.record.interrupt()
        raise AssertionError

    call = a_call(deadline=runtime.now() + 0.01)
    with pytest.raises(DeadlineExceededError) as caught:
        await Deadline(runtime)(call, stall)

    assert outcome is caught.value.outcome


async def test_deadline_in_a_success() -> None:
    """A success of Sesamy's that is cut off was applied."""
    runtime = AnyioRuntime()

    async def stall(call: Call) -> Response:
        call.record.begin()
        call.record.status_code = 201
        call.record.own = True
        try:
            await anyio.sleep(10)
        finally:
            call.record.interrupt()
        raise AssertionError

    call = a_call(deadline=runtime.now() + 0.01)
    with pytest.raises(UnreadableResponseError) as caught:
        await Deadline(runtime)(call, stall)

    assert (Outcome.APPLIED, 201) == (
        caught.value.outcome,
        caught.value.status_code,
    )


@pytest.mark.parametrize(
    ("interrupted", "status", "own", "expected"),
    [
        (
            True,
            201,
            True,
            Failure(
                kind=FailureKind.BODY,
                detail="the deadline passed before its body was read.",
                status_code=201,
                own=True,
            ),
        ),
        (
            True,
            200,
            False,
            Failure(
                kind=FailureKind.BODY,
                detail="the deadline passed before its body was read.",
                status_code=200,
            ),
        ),
        (True, None, False, _PASSED),
        # It is of an attempt that is over: another one was to begin.
        (False, 201, True, _PASSED),
    ],
)
def test_what_the_deadline_cut_off(
    status: int | None, expected: Failure, *, interrupted: bool, own: bool
) -> None:
    """It is told as the blocking client would, which sees it itself."""
    record = Record()
    record.interrupted = interrupted
    record.status_code = status
    record.own = own

    assert expected == _passed(record)


async def test_cancelled_from_outside_is_no_deadline() -> None:
    """A cancellation of the caller's stays a cancellation."""
    with anyio.CancelScope() as scope:
        scope.cancel()
        await Deadline(AnyioRuntime())(
            a_call(),
            lambda _: anyio.sleep(1),  # type: ignore[arg-type, return-value]
        )
        pytest.fail("It must not get here.")

    assert scope.cancelled_caught
