"""The innermost step: one attempt, sent once, with a known outcome."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import attrs

from sesamy_async.errors import (
    ConfigurationError,
    DeadlineExceededError,
    SesamyError,
)

from .answers import is_own
from .call import Call
from .classify import outcome_of_status
from .explain import explain_answer, explain_failure
from .failure import Failure, FailureKind, TransportFailure
from .lifetime import Lifetime
from .outcome import Outcome
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
        reading = _Reading(call)
        _log.debug("%s: attempt %d", call.operation, call.attempt)
        try:
            await self._announce(call)
            response = await self.transport.send(call, reading)
        except TransportFailure as caught:
            failure, cause = caught.failure, caught.__cause__
        except BaseException:
            record.interrupt()
            raise
        else:
            return self._checked(call, response, reading)
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

    def _checked(
        self, call: Call, response: Response, reading: _Reading
    ) -> Response:
        """Read the answer; its status decides, whatever goes wrong here."""
        try:
            return self._read(call, response, reading)
        except SesamyError:
            raise
        except BaseException:
            call.record.interrupt()
            raise

    def _read(
        self, call: Call, response: Response, reading: _Reading
    ) -> Response:
        record = call.record
        if not reading.done:  # By a transport that does not ask.
            reading(response)
        if response.status_code not in SUCCESS:
            error = explain_answer(call, response, self.runtime.wall())
            record.note(error.outcome)
            raise error
        if call.read is not None:
            if reading.error is not None:
                record.note(reading.error.outcome)
                raise reading.error
            response = Response(
                status_code=response.status_code,
                headers=response.headers,
                content=response.content,
                parsed=reading.value,
            )
        record.answered = True
        return response


@attrs.define(eq=False, repr=False)
class _Reading:
    """Reads a success while the transport still has its connection.

    A success that can't be read may be the answer to another call, which a
    server sent twice or late: then the next one would be, too.
    """

    call: Call
    value: Any = None
    error: SesamyError | None = None
    done: bool = False

    def __call__(self, response: Response) -> bool:
        """Read it; return whether the connection can be trusted."""
        record = self.call.record
        record.status_code = response.status_code
        record.own = is_own(response.headers, response.content)
        if response.status_code in SUCCESS and self.call.read is not None:
            try:
                self.value = self.call.read(self.call, response)
            except SesamyError as error:
                self.error = error
        self.done = True
        return (
            self.error is None
            and outcome_of_status(response.status_code) is not Outcome.UNKNOWN
        )


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
