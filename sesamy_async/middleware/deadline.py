"""A call ends by its deadline, whatever it waits for."""

from __future__ import annotations

import attrs

from sesamy_async.core.call import Call, Proceed
from sesamy_async.core.outcome import Outcome
from sesamy_async.core.response import Response
from sesamy_async.core.runtime import Runtime
from sesamy_async.errors import (
    DeadlineExceededError,
    UnreadableResponseError,
)


@attrs.frozen
class Deadline:
    """Cuts off whatever still runs when the deadline comes.

    In the blocking client nothing can be cut off from outside: there, each
    wait and each network operation is bounded by what time is left.
    """

    runtime: Runtime

    async def __call__(self, call: Call, proceed: Proceed) -> Response:
        """Let the call go on until its deadline."""
        with self.runtime.bound(call.deadline):
            return await proceed(call)
        if call.record.last is Outcome.APPLIED:
            raise UnreadableResponseError(
                f"Sesamy answered {call.record.status_code}, but the "
                "deadline passed before its body was read.",
                status_code=call.record.status_code,
            )
        raise DeadlineExceededError(
            "The deadline passed.", outcome=call.record.settle()
        )
