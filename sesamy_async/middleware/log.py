"""One INFO line for each call."""

from __future__ import annotations

import logging

import attrs

from sesamy_async.core.call import Call, Proceed
from sesamy_async.core.explain import request_id_in
from sesamy_async.core.response import Response
from sesamy_async.core.runtime import Runtime
from sesamy_async.errors import SesamyError


_log = logging.getLogger("sesamy_async")


@attrs.frozen(eq=False, repr=False)
class Log:
    """Says what was done, how it ended and how long it took.

    Never headers, bodies, queries or tokens.
    """

    runtime: Runtime

    async def __call__(self, call: Call, proceed: Proceed) -> Response:
        """Log the call, whichever way it ends."""
        if not _log.isEnabledFor(logging.INFO):
            return await proceed(call)
        start = self.runtime.now()
        try:
            response = await proceed(call)
        except SesamyError as error:
            end = f"{type(error).__name__} {call.record.settle(error.outcome)}"
            status = getattr(error, "status_code", None)
            self._line(call, start, end, status, error.request_id)
            raise
        except BaseException as error:
            end = f"{type(error).__name__} {call.record.outcome}"
            self._line(call, start, end, None, None)
            raise
        request_id = request_id_in(call, response.headers)
        self._line(call, start, "done", response.status_code, request_id)
        return response

    def _line(
        self,
        call: Call,
        start: float,
        end: str,
        status: int | None,
        request_id: str | None,
    ) -> None:
        _log.info(
            "%s %s status=%s attempts=%d duration=%.3fs request_id=%r "
            "external_order_id=%r",
            call.operation,
            end,
            status,
            call.record.attempts,
            self.runtime.now() - start,
            request_id,
            call.external_order_id,
        )
