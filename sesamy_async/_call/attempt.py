"""One attempt, and the middleware around it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from functools import partial
from http import HTTPStatus
from typing import Any

import attrs

from sesamy_async._headers import SUCCESS, is_header_value, wants_header_value
from sesamy_async._outcome import (
    Failure,
    FailureKind,
    Outcome,
    TransportFailure,
    outcome_of_status,
)
from sesamy_async.errors import (
    ConfigurationError,
    DeadlineExceededError,
    SesamyError,
    UnauthorizedError,
)

from .call import (
    Auth,
    Call,
    Middleware,
    Proceed,
    Record,
    Request,
    Response,
    Secret,
    Transport,
)
from .explain import (
    explain_answer,
    explain_failure,
    is_own,
    lacks_permission,
    request_id_in,
)
from .guard import guarded
from .runtime import Runtime, renewed_after_fork


_log = logging.getLogger("sesamy_async")
# All that is logged is also raised or returned, so without a set-up of
# logging nothing goes to stderr.
_log.addHandler(logging.NullHandler())
_DRAINED_AGAIN = 0.02  # Seconds.


@attrs.define(eq=False, repr=False)
class Lifetime:
    """How long a client and its copies live, and what is closed with them.

    Attributes:
        closed: Whether nothing is sent any more.
        closing: Whether only calls that complete others are still sent.
        begun: What was sent and is not completed; adding is atomic.
        transports: Are closed with the client.
        ends: Closes what else ends with the client.
    """

    closed: bool = False
    closing: bool = False
    begun: set[object] = attrs.field(factory=set[object])
    transports: list[Transport] = attrs.field(factory=list[Transport])
    ends: list[Callable[[], Awaitable[None]]] = attrs.field(
        factory=list[Callable[[], Awaitable[None]]]
    )

    def __attrs_post_init__(self) -> None:
        renewed_after_fork(self)

    def after_fork(self) -> None:
        self.begun.clear()

    @property
    def unclosed(self) -> bool:
        """Whether the client is open, perhaps with connections of ours."""
        return not self.closed and any(each.used for each in self.transports)

    def check_open(self, *, completes: bool = False) -> None:
        """Raise a `ConfigurationError` if the client is closed."""
        if self.closed or (self.closing and not completes):
            # Retryable: a worker that is stopped leaves the order to others.
            raise ConfigurationError(
                "This client is closed. Make a new one.", retryable=True
            )

    async def end(self, runtime: Runtime, within: float) -> None:
        """Let what has begun be completed, then close everything."""
        self.closing = True
        try:
            latest = runtime.now() + within
            while self.begun and runtime.now() < latest:
                await runtime.sleep(_DRAINED_AGAIN)
        finally:
            self.closed = True
            ends = [each.aclose for each in self.transports] + self.ends
            self.transports, self.ends = [], []  # Each is closed once.
            async with AsyncExitStack() as stack:  # Even if one fails.
                for close in ends:
                    stack.push_async_callback(close)


@attrs.define(eq=False, repr=False)
class Exchange:
    """Sends a request once; anything but a readable success is an error.

    All its errors are `SesamyError`: no other layer looks at statuses, or at
    what a transport raises.
    """

    transport: Transport
    runtime: Runtime
    life: Lifetime = attrs.field(factory=Lifetime)

    @guarded
    async def __call__(self, call: Call) -> Response:
        """Send the call once and return Sesamy's response."""
        self._check(call)
        if _doubles(call):
            raise ConfigurationError(
                "A middleware called proceed again, although the first call "
                "was or may be processed. That could create a second "
                "contract."
            )
        call.record.begin()
        self.life.begun.add(reading := _Reading(call))
        try:
            return await self._send(call, reading)
        except BaseException:
            # There is nothing to confirm; and a client that is closing
            # refuses to send a create again.
            if not call.completes:
                self.life.begun.discard(call.kept)
            raise
        finally:
            self.life.begun.discard(reading)
            call.record.end()

    async def _send(self, call: Call, reading: _Reading) -> Response:
        _log.debug("%s: attempt %d", call.operation, call.attempt)
        try:
            await self._announce(call)
            if call.kept is not None:
                self.life.begun.add(call.kept)
            response = await self.transport.send(call, reading)
            error = self._error(call, response, reading)
            if error is None:
                call.record.answer()
            else:
                call.record.note(error.outcome)
        except TransportFailure as caught:
            raise self._failed(call, caught) from caught.__cause__
        except BaseException:
            call.record.interrupt()
            raise
        if error is not None:
            raise error
        if call.read is not None:
            response = attrs.evolve(response, parsed=reading.value)
        if call.after_success is not None:
            await call.after_success(response.parsed)
        return response

    @guarded
    async def connect(self, call: Call) -> Response:
        """Open a connection for later calls; send nothing of this one."""
        self._check(call)
        call.record.begin()
        try:
            await self.transport.connect(call)
        except TransportFailure as caught:
            raise self._failed(call, caught) from caught.__cause__
        finally:
            call.record.end()
        return Response(status_code=HTTPStatus.NO_CONTENT)

    def _check(self, call: Call) -> None:
        self.life.check_open(completes=call.completes)
        if self.runtime.now() >= call.deadline:
            raise DeadlineExceededError(_LATE.detail)

    async def _announce(self, call: Call) -> None:
        if call.before_send is not None:
            await call.before_send(call)
            if self.runtime.now() >= call.deadline:  # It may take long.
                raise TransportFailure(_LATE)

    def _error(
        self, call: Call, response: Response, reading: _Reading
    ) -> SesamyError | None:
        if response.status_code in SUCCESS:
            return reading.error
        return explain_answer(call, response, self.runtime.wall())

    def _failed(self, call: Call, caught: TransportFailure) -> SesamyError:
        error = explain_failure(call, caught.failure, self.runtime.wall())
        if call.record.overlaps and error.outcome.nothing_done:
            error.outcome = Outcome.UNKNOWN
        call.record.note(error.outcome)
        return error


@attrs.define(eq=False, repr=False)
class _Reading:
    """Reads a success while the transport still has its connection.

    If it can't be read, it may be the response to another call, which a
    server sent twice or late: then the next one would be, too.
    """

    call: Call
    value: Any = None
    error: SesamyError | None = None

    def __call__(self, response: Response) -> bool:
        """Return whether the connection can be trusted."""
        record = self.call.record
        record.status_code = response.status_code
        record.own = is_own(response.headers, response.content)
        if response.status_code in SUCCESS and self.call.read is not None:
            try:
                self.value = self.call.read(self.call, response)
            except SesamyError as error:
                self.error = error
        return (
            self.error is None
            and outcome_of_status(response.status_code) is not Outcome.UNKNOWN
        )


def _doubles(call: Call) -> bool:
    """Whether sending the call could create a second contract.

    Only our retry may send again what may have been processed, and it counts
    the attempts: a first attempt with a past comes from a middleware.
    """
    record = call.record
    done = record.answered or record.open > 0
    again = done or (record.lost > 0 and call.attempt == 1)
    return again and not call.repeatable


_LATE = Failure(
    kind=FailureKind.DEADLINE,
    detail="The deadline passed before it could be sent.",
    sent=False,
)


@attrs.frozen(eq=False, repr=False)
class Authorize:
    """Asks the `Auth` for a value, and tells it if that was rejected."""

    auth: Auth

    async def __call__(self, call: Call, proceed: Proceed) -> Response:
        try:
            value = Secret(await self.auth.authorization(call))
        except SesamyError as failed:
            # Whatever became of the token's request, the order was not sent.
            if not failed.outcome.nothing_done:
                failed.outcome = Outcome.NOT_SENT
            raise
        if not is_header_value(value.reveal()):
            who = f"{type(self.auth).__name__}.authorization"
            raise ConfigurationError(wants_header_value(who, value.reveal()))
        given = call.request
        request = Request(  # `evolve` takes five times as long.
            method=given.method,
            url=given.url,
            headers=given.headers,
            content=given.content,
            authorization=value,
        )
        try:
            return await proceed(attrs.evolve(call, request=request))
        except UnauthorizedError as error:
            # A new token would lack the permission, too.
            if not lacks_permission(error.code, error.headers):
                again = await self.auth.rejected(value.reveal(), call)
                error.transient = again
            raise


@attrs.frozen(eq=False, repr=False)
class Deadline:
    """Cancels a call at its deadline.

    The blocking client can't be cancelled: there the deadline bounds each
    wait and each network operation.
    """

    runtime: Runtime

    async def __call__(self, call: Call, proceed: Proceed) -> Response:
        with self.runtime.bound(call.deadline):
            return await proceed(call)
        raise explain_failure(call, _passed(call.record), self.runtime.wall())


def _passed(record: Record) -> Failure:
    """Return the failure as the blocking client would see it."""
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


@attrs.frozen(eq=False, repr=False)
class LogCalls:
    """Logs how each call ended; no headers, bodies, queries or tokens.

    The level is ERROR if retries were given up, WARNING if the outcome is in
    doubt, else INFO; DEBUG for the steps of a call that is logged itself.
    """

    runtime: Runtime

    async def __call__(self, call: Call, proceed: Proceed) -> Response:
        start = self.runtime.now()
        try:
            response = await proceed(call)
        except BaseException as error:
            self._log(call, start, error)
            raise
        self._log(call, start, response)
        return response

    def _log(
        self, call: Call, start: float, end: Response | BaseException | None
    ) -> None:
        outcome: Outcome | None = None
        kind, again = type(end).__name__, False
        if isinstance(end, SesamyError):
            outcome, again = end.outcome, end.retryable
        elif isinstance(end, BaseException):
            # It is not ours, whatever its attributes are called.
            outcome, end = call.record.outcome, None
        level = _level(outcome, again=again)
        if call.parent is not None:
            level = logging.DEBUG
        if not _log.isEnabledFor(level):
            return
        contract = getattr(end, "parsed", None)
        contract = getattr(contract, "contract", contract)
        request_id = getattr(end, "request_id", None)
        if isinstance(end, Response):
            request_id = request_id_in(call, end.headers)
        values = {
            "operation": call.operation,
            "outcome": str(outcome or "DONE"),
            "retryable": again,
            "external_order_id": call.external_order_id,
            "contract_id": (
                call.contract_id
                or call.record.contract_id
                or getattr(contract, "id", None)
            ),
            "promo_code": call.promo_code,
            "vendor_id": call.vendor_id,
            "attempts": call.record.attempts,
            "duration": self.runtime.now() - start,
            "request_id": request_id,
        }
        _log.log(
            level,
            "%s %s status=%s attempts=%d duration=%.3fs request_id=%r "
            "external_order_id=%r contract_id=%r",
            call.operation,
            "done" if outcome is None else f"{kind} {outcome}",
            getattr(end, "status_code", None),
            values["attempts"],
            values["duration"],
            request_id,
            values["external_order_id"],
            values["contract_id"],
            extra=values,
        )


def _level(outcome: Outcome | None, *, again: bool) -> int:
    if again:
        return logging.ERROR
    known = outcome is None or outcome.nothing_done
    return logging.INFO if known else logging.WARNING


def chain(middleware: Iterable[Middleware], innermost: Proceed) -> Proceed:
    """Return a step that passes all layers, the first one outermost."""
    proceed = innermost
    for layer in reversed(tuple(middleware)):
        proceed = partial(layer, proceed=proceed)
    return proceed
