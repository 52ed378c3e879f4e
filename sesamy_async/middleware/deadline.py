"""A call ends by its deadline, whatever it waits for."""

from __future__ import annotations

import attrs

from sesamy_async.core.call import Call, Proceed
from sesamy_async.core.explain import explain_failure
from sesamy_async.core.failure import Failure, FailureKind
from sesamy_async.core.record import Record
from sesamy_async.core.response import Response
from sesamy_async.core.runtime import Runtime


@attrs.frozen(eq=False, repr=False)
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
        raise explain_failure(call, _passed(call.record))


def _passed(record: Record) -> Failure:
    """Return the failure, as the blocking client would have seen it."""
    if record.interrupted and record.status_code is not None:
        return Failure(
            kind=FailureKind.BODY,
            detail="the deadline passed before its body was read.",
            status_code=record.status_code,
            own=record.own,
        )
    return Failure(
        kind=FailureKind.DEADLINE,
        detail="The deadline passed.",
        sent=record.lost > 0,
    )
