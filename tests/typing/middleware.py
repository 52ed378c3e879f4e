"""What users let a call walk through.

Type checkers read it; it is never run.  What must be an error carries a
`type: ignore`, which they refuse where it is not needed.
"""

from __future__ import annotations

from typing import assert_type

import attrs

from sesamy_async import (
    AsyncSesamy,
    Call,
    Headers,
    Middleware,
    Outcome,
    Proceed,
    Request,
    Response,
    Sesamy,
    SesamyError,
)


async def as_function(call: Call, proceed: Proceed) -> Response:
    """Change a call on its way, and look at the answer."""
    changed = call.with_headers(X_Trace="1")
    assert_type(changed, Call)
    assert_type(changed.request, Request)
    request = attrs.evolve(changed.request, content=b"{}")
    response = await proceed(attrs.evolve(changed, request=request))
    assert_type(response, Response)
    assert_type(response.headers, Headers)
    assert_type(response.headers.get("X-Request-Id"), str | None)
    assert_type(response.content, bytes)
    return response


class AsClass:
    """A middleware with a memory."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    async def __call__(self, call: Call, proceed: Proceed) -> Response:
        """Remember the outcomes."""
        try:
            return await proceed(call)
        except SesamyError as error:
            self.outcomes.append(error.outcome)
            raise


def not_async(call: Call, proceed: Proceed) -> None:
    """Be no middleware."""


middleware: list[Middleware] = [as_function, AsClass()]
middleware.append(not_async)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
AsyncSesamy(middleware=[as_function, AsClass()])
Sesamy(middleware=[as_function, AsClass()])
