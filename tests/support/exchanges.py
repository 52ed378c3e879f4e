"""Calls, answers and a scripted innermost step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import attrs

from sesamy_async import Call, Headers, Request, Response, Secret, SesamyError
from sesamy_async._call import explain_answer
from sesamy_async._outcome import Failure, FailureKind


def a_call(**changes: Any) -> Call:
    """Return a create of order o-1, of which nothing else is known."""
    facts: dict[str, Any] = {
        "operation": "contracts.create",
        "request": Request(method="POST", url="https://api.test/x"),
        "deadline": math.inf,
        "timeout": 30.0,
        "external_order_id": "o-1",
        "order": Secret(""),
    }
    return Call(**(facts | changes))


def an_answer(
    status: int = 200, content: bytes = b"{}", **headers: str
) -> Response:
    """Return an answer; ``Retry_After=`` is the header Retry-After."""
    pairs = [(k.replace("_", "-"), v) for k, v in headers.items()]
    return Response(
        status_code=status, headers=Headers(pairs), content=content
    )


def an_api_error(
    status: int, content: bytes = b"", call: Call | None = None, **headers: str
) -> SesamyError:
    """Return the error that such an answer becomes."""
    answer = an_answer(status, content, **headers)
    return explain_answer(call or a_call(), answer, wall=0.0)


def a_failure(**changes: Any) -> Failure:
    """Return a broken connection after the head had left."""
    facts: dict[str, Any] = {
        "kind": FailureKind.BROKEN,
        "detail": "The connection broke.",
        "sent": True,
    }
    return Failure(**(facts | changes))


@attrs.define
class Script:
    """An innermost step that answers or raises as it is told."""

    steps: list[Response | BaseException | Callable[[Call], Any]]
    calls: list[Call] = attrs.field(factory=list)

    async def __call__(self, call: Call) -> Response:
        """Play the next step; the last one is repeated."""
        self.calls.append(call)
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if callable(step):
            step = step(call)
        if isinstance(step, BaseException):
            if isinstance(step, SesamyError):
                call.record.begin()
                call.record.note(step.outcome)
            raise step
        assert isinstance(step, Response)
        call.record.begin()
        call.record.answered = True
        return step
