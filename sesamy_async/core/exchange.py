"""The innermost step: one attempt, sent once, with a known outcome."""

from __future__ import annotations

import logging
from http import HTTPStatus

import attrs

from sesamy_async.errors import (
    ConfigurationError,
    DeadlineExceededError,
    SesamyError,
)

from .call import Call
from .explain import explain_answer, explain_failure
from .failure import Failure, FailureKind, TransportFailure
from .lifetime import Lifetime
from .response import Response
from .runtime import Runtime
from .status import SUCCESS
from .transport import Transport


_log = logging.getLogger("sesamy_async")


@attrs.frozen(eq=False, repr=False)
class Exchange:
    """Sends a request once; anything but a readable success is an error.

    Above it, all are `SesamyError`: nobody else looks at statuses or at
    what a transport raises.
    """

    transport: Transport
    runtime: Runtime
    lifetime: Lifetime = attrs.field(factory=Lifetime)

    async def __call__(self, call: Call) -> Response:
        """Send the call and return Sesamy's answer.

        Raises:
            SesamyError: With the outcome of this attempt.
        """
        record = call.record
        self.lifetime.check()
        if self.runtime.now() >= call.deadline:
            raise DeadlineExceededError(_LATE.detail)
        if _doubles(call):
            raise ConfigurationError(
                "A middleware called proceed again, though the first time "
                "had done it or may have: that could have made a second "
                "contract."
            )
        record.begin()
        _log.debug("%s: attempt %d", call.operation, call.attempt)
        try:
            await self._announce(call)
            response = await self.transport.send(call)
        except TransportFailure as caught:
            failure, cause = caught.failure, caught.__cause__
        except BaseException:
            record.interrupt()
            raise
        else:
            return self._checked(call, response)
        error = explain_failure(call, failure)
        record.note(error.outcome)
        raise error from cause

    async def connect(self, call: Call) -> Response:
        """Open a connection for calls to come; nothing of this one is sent.

        Raises:
            SesamyError: There is none.
        """
        record = call.record
        self.lifetime.check()
        if self.runtime.now() >= call.deadline:
            raise DeadlineExceededError(_LATE.detail)
        record.begin()
        try:
            await self.transport.connect(call)
        except TransportFailure as caught:
            failure, cause = caught.failure, caught.__cause__
        else:
            return Response(status_code=HTTPStatus.NO_CONTENT)
        error = explain_failure(call, failure)
        record.note(error.outcome)
        raise error from cause

    async def _announce(self, call: Call) -> None:
        """Tell the caller; what takes too long and can't be cut is seen."""
        if call.before_send is not None:
            await call.before_send(call)
            if self.runtime.now() >= call.deadline:
                raise TransportFailure(_LATE)

    def _checked(self, call: Call, response: Response) -> Response:
        """Read the answer; its status decides, whatever goes wrong here."""
        try:
            return self._read(call, response)
        except SesamyError:
            raise
        except BaseException:
            call.record.status_code = response.status_code
            call.record.interrupt()
            raise

    def _read(self, call: Call, response: Response) -> Response:
        record = call.record
        if response.status_code not in SUCCESS:
            error = explain_answer(call, response, self.runtime.wall())
            record.note(error.outcome)
            raise error
        if call.read is not None:
            try:
                value = call.read(call, response)
            except SesamyError as error:
                record.note(error.outcome)
                raise
            response = Response(
                status_code=response.status_code,
                headers=response.headers,
                content=response.content,
                parsed=value,
            )
        record.answered = True
        return response


def _doubles(call: Call) -> bool:
    """Whether a middleware asks for a second contract.

    Only our retry sends again what may have been done (and only where it was
    told to), and it counts: the first attempt of a call has no past.
    """
    record = call.record
    again = record.answered or (record.lost > 0 and call.attempt == 1)
    return again and not call.repeatable


_LATE = Failure(
    kind=FailureKind.DEADLINE,
    detail="The deadline passed before it could be sent.",
    sent=False,
)
