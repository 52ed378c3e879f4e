"""One call, what it has done so far, and what it needs of others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from enum import IntEnum
from secrets import token_hex
from typing import Any, Never, Protocol, Self, TypeAlias, runtime_checkable

import attrs

from sesamy_async._headers import (
    Headers,
    RateState,
    merged,
    rate_of,
    request_id_of,
)
from sesamy_async._outcome import Outcome, outcome_of_status

from .codec import loads
from .guard import guarded


@attrs.define(eq=False, repr=False)
class Record:
    """What one call has done so far: all that changes in a `Call`.

    Attributes:
        attempts: The number of attempts.
        lost: How many attempts may have been processed, but left no readable
            response, or one that a later response replaces.
        answered: Whether a readable response says that it was done.
        last: The outcome of the last attempt without a response.
        interrupted: Whether that attempt was cancelled.
        sent: Whether the head of this attempt's request began to leave this
            machine; None if that is not known.
        began: When this attempt got a connection, on the runtime's clock.
        status_code: The status of this attempt, as soon as it is read.
        entered: Whether the caller's middleware ever called `proceed`.
        under_way: How many such calls of `proceed` have not ended.
        open: How many attempts have not ended.
        overlaps: Whether there ever were several at once.  Then it is not
            known of which one `sent` and `status_code` are.
        own: Whether the body, as far as it was read, is Sesamy's own.
        step: The step in which an onboarding is, or stopped.
        contract_id: The contract that an onboarding created.
        repeatable: Whether an onboarding that stops here may be repeated
            without a store.
        resumable: `SesamyError.resumable`, for an onboarding.
    """

    attempts: int = 0
    lost: int = 0
    answered: bool = False
    last: Outcome = Outcome.NOT_SENT
    interrupted: bool = False
    sent: bool | None = False
    began: float | None = None
    status_code: int | None = None
    entered: bool = False
    under_way: int = 0
    open: int = 0
    overlaps: bool = False
    own: bool = False
    step: str | None = None
    contract_id: str | None = None
    repeatable: bool = False
    resumable: bool | None = None

    @property
    def outcome(self) -> Outcome:
        """The outcome of the whole call so far."""
        return self.settle(self.last)

    @property
    def outcome_of_foreign(self) -> Outcome:
        """The outcome if an exception of the caller's code ended the call.

        A middleware that never called `proceed` may have sent the request
        itself; one that did not wait for `proceed` left it under way.
        """
        certain = self.entered and not self.under_way
        doubtful = self.outcome.nothing_done and not certain
        return Outcome.UNKNOWN if doubtful else self.outcome

    def begin(self) -> None:
        """Begin an attempt."""
        self.attempts += 1
        self.overlaps |= self.open > 0
        self.open += 1
        self.interrupted = False
        self.sent = False
        self.began = None
        self.status_code = None
        self.own = False

    def end(self) -> None:
        """End an attempt."""
        self.open -= 1

    def answer(self) -> None:
        """Note a readable response that says that it was done."""
        # The earlier one is not used: a middleware sent the call again.
        self.lost += self.answered
        self.answered = True

    def note(self, outcome: Outcome) -> None:
        """Note the outcome of an attempt without a readable response."""
        self.last = outcome
        if not outcome.nothing_done:
            self.lost += 1

    def interrupt(self) -> None:
        """Note that an attempt was cancelled.

        A success whose body was not read may be a gateway's page.
        """
        self.interrupted = True
        outcome = Outcome.UNKNOWN
        if self.status_code is not None:
            outcome = outcome_of_status(self.status_code)
            if outcome is Outcome.APPLIED and not self.own:
                outcome = Outcome.UNKNOWN
        elif self.sent is False:
            outcome = Outcome.NOT_SENT
        self.note(Outcome.UNKNOWN if self.overlaps else outcome)

    def settle(self, outcome: Outcome) -> Outcome:
        """Return the outcome of the whole call, given that of its last step.

        A refusal after an unknown outcome is still unknown.
        """
        if self.answered:
            return Outcome.APPLIED
        doubtful = self.lost and outcome.nothing_done
        return Outcome.UNKNOWN if doubtful else outcome


class Priority(IntEnum):
    """Which calls go first if they wait for the pace: the lower number."""

    KEPT = 0
    """They complete another call, in the place that was kept for them."""
    COMPLETING = 1
    """They complete another call, but no place was kept for them."""
    NEW = 2
    """All other calls."""


@attrs.frozen(kw_only=True, eq=False)
class Place:
    """A place in the pace that a call asks for.

    Attributes:
        id: Identifies the place each time it is asked for.
        priority: Which calls it goes before.
        size: 1; or 2 to keep the second place for the call that completes
            this one.
        kept: With KEPT, the place whose second one is used.
        record: Of the call: whether and when its request was really sent.
    """

    id: str = attrs.field(factory=lambda: token_hex(8))
    priority: Priority = Priority.NEW
    size: int = 1
    kept: Place | None = attrs.field(default=None, repr=False)
    record: Record = attrs.field(factory=Record, repr=False)


@attrs.define(eq=False, repr=False)
class Kept:
    """What a call shares with the one that completes it."""

    place: Place | None = None  # Whose second one is kept.


@attrs.frozen(kw_only=True)
class Response:
    """A complete HTTP response.

    Attributes:
        status_code: The HTTP status.
        headers: The headers; their names are found in any case.
        content: The body, decompressed.  It is personal data, so it is not
            in the repr.
        parsed: What the operation read from it, such as a `Contract`; None
            in `Contract.response`.
    """

    status_code: int
    headers: Headers = attrs.field(factory=Headers, repr=False)
    content: bytes = attrs.field(default=b"", repr=False)
    parsed: Any = attrs.field(default=None, repr=False)

    @property
    def request_id(self) -> str | None:
        """The id that Sesamy or a gateway gave to the request.

        From ``X-Request-Id`` or ``Request-Id``; None if neither looks like an
        id.  Give it to Sesamy's support.
        """
        return request_id_of(self.headers)

    @property
    def rate(self) -> RateState | None:
        """What the headers say about the rate limit; None if nothing."""
        return rate_of(self.headers)

    @guarded
    def json(self) -> Any:
        """Parse the body as JSON, whatever its content type.

        Bytes that are not UTF-8 are replaced.

        Raises:
            ValueError: It is not JSON, or nested too deeply.  The error
                contains nothing of the body.
        """
        return loads(self.content)


class Secret:
    """Keeps a secret out of reprs, logs and pickles.

    Only :meth:`reveal` returns it.  Secrets compare by value; copies are
    the same object; pickling is refused.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str | Secret) -> None:
        self._value: str = (
            value.reveal() if isinstance(value, Secret) else value
        )

    @classmethod
    def hide(cls, value: str | Secret | None) -> Secret | None:
        """Return a secret, or None for None."""
        return None if value is None else cls(value)

    def reveal(self) -> str:
        """Return the secret itself: only at the moment it is sent."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> Never:
        raise TypeError(
            "A secret can't be pickled. Create the credentials in the process "
            "that uses them."
        )


@attrs.frozen(kw_only=True)
class Request:
    """An HTTP request that is ready to be sent.

    Attributes:
        method: ``"POST"``, ``"GET"``, ...
        url: The absolute URL, already encoded.
        headers: All headers except Authorization.
        content: The body.  It is personal data, so it is not in the repr.
        authorization: The whole Authorization value.
    """

    method: str
    url: str = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(
        factory=dict[str, str], repr=False
    )
    content: bytes = attrs.field(default=b"", repr=False)
    authorization: Secret | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class Call:
    """One call of an operation; change it with :func:`attrs.evolve`.

    Attributes:
        operation: What is done, such as ``"contracts.create"``.
        parent: The operation that this call is a step of, such as
            ``"contracts.onboard"``, if any.
        request: What is sent for it.
        deadline: When the call must have ended, on the runtime's clock
            (seconds; may be infinite).
        timeout: Seconds that one network operation may take.
        attempt: 1 for the first attempt, 2 for the first retry, ...
        repeatable: Whether doing it twice is the same as doing it once.
        external_order_id: The order it is about, if any.
        contract_id: The contract it is about, if any.
        vendor_id: The vendor, if it is about a contract.
        promo_code: The promo code, if it is about a contract.
        order: The JSON of the order it is about, if known.  Only then may
            the text of an error contain Sesamy's message, and only if that
            repeats no data of the order.
        max_response_size: The most bytes that a success may have,
            decompressed, if that is less than the transport allows.
        completes: Whether it completes an earlier call, so that it goes
            before others that wait.
        kept: What this call shares with the one that will complete it.
        read: Reads a success (its value becomes `Response.parsed`), or
            raises a `SesamyError` if it can't be read.
        before_send: Awaited at the last moment before each attempt is
            sent; if it raises, nothing is sent.
        before_wait: Awaited before each wait for a retry.
        after_success: Awaited with what was read of a success, before any
            middleware sees it.
        record: What the call has done so far, over all attempts.
    """

    operation: str
    request: Request
    deadline: float
    timeout: float
    attempt: int = 1
    parent: str | None = None
    repeatable: bool = False
    external_order_id: str | None = None
    contract_id: str | None = None
    vendor_id: str | None = None
    promo_code: str | None = None
    order: Secret | None = attrs.field(default=None, repr=False)
    max_response_size: int | None = None
    completes: bool = False
    kept: Kept | None = attrs.field(default=None, repr=False, eq=False)
    read: Callable[[Call, Response], Any] | None = attrs.field(
        default=None, repr=False, eq=False
    )
    before_send: BeforeSend | None = attrs.field(
        default=None, repr=False, eq=False
    )
    before_wait: Callable[[], Awaitable[None]] | None = attrs.field(
        default=None, repr=False, eq=False
    )
    after_success: Callable[[Any], Awaitable[object]] | None = attrs.field(
        default=None, repr=False, eq=False
    )
    record: Record = attrs.field(factory=Record, repr=False, eq=False)

    def with_headers(self, **headers: str) -> Self:
        """Return a copy with more headers; ``X_Name=`` means ``X-Name``."""
        named = {name.replace("_", "-"): headers[name] for name in headers}
        request = attrs.evolve(
            self.request, headers=merged(self.request.headers, named)
        )
        return attrs.evolve(self, request=request)


BeforeSend = Callable[[Call], Awaitable[None]]
"""Is awaited before each attempt, to write down what is intended."""

Proceed = Callable[[Call], Awaitable[Response]]
"""What a middleware calls to continue the call."""


class Middleware(Protocol):
    """A step that each call passes on its way out and back.

    Any ``async def`` function or object of this shape is one.  In the
    blocking client it must not suspend: see `Sesamy`.
    """

    async def __call__(self, call: Call, proceed: Proceed) -> Response:
        """Return `await proceed(call)`, with anything before and after."""
        ...


@runtime_checkable
class Auth(Protocol):
    """Provides the Authorization value of each request."""

    async def authorization(self, call: Call) -> str:
        """Return the whole value, such as ``"Bearer ..."``.

        It is called before each attempt, so it should cache its value.
        """
        ...

    async def rejected(self, authorization: str, call: Call) -> bool:
        """Note that Sesamy rejected this value with a 401.

        Returns:
            Whether there can be a new value; the call is then sent again.
        """
        ...


class Latency:
    """A smoothed time of exchanges, as in RFC 6298."""

    def __init__(self) -> None:
        # No lock: threads replace one tuple.
        self._known: tuple[float, float] | None = None

    def note(self, seconds: float) -> None:
        """Add the time of an exchange that was complete."""
        if self._known is None:
            self._known = seconds, seconds / 2
            return
        mean, deviation = self._known
        off = seconds - mean
        self._known = mean + off / 8, deviation + (abs(off) - deviation) / 4

    @property
    def estimate(self) -> float:
        """Seconds in which nearly every exchange is complete."""
        if self._known is None:
            return 0.25
        mean, deviation = self._known
        return mean + 4 * deviation

    def latest(self, call: Call, begun: float) -> float:
        """Return until when a call can wait and still end in time.

        What completes another call may wait until its deadline: an attempt
        is better than none.  Other calls may wait for half of their time
        since `begun`, however slow exchanges are: otherwise no call would
        notice that they have become faster.
        """
        if call.completes:
            return call.deadline
        exchanges = 1 if call.kept is None else 2
        left = (call.deadline - begun) / 2
        return call.deadline - min(exchanges * self.estimate, left)


Trusts: TypeAlias = Callable[[Response], bool]
"""Says of a response whether its connection may carry another one."""


class Transport(Protocol):
    """The connections, as the core sees them."""

    @property
    def used(self) -> bool:
        """Whether there may be open connections of ours."""
        ...

    @property
    def latency(self) -> Latency:
        """How long its exchanges take."""
        ...

    async def send(self, call: Call, trusts: Trusts = ...) -> Response:
        """Send the request once and read the whole response.

        `call.record.sent` is kept true, also if the call is cancelled.
        `trusts` is asked once about each response; if it says no, the
        connection is closed.

        Raises:
            TransportFailure: There is no complete response.
        """
        ...

    async def connect(self, call: Call) -> None:
        """Open a connection for later; through httpx, do nothing.

        Raises:
            TransportFailure: There is no connection.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections of the present scope."""
        ...
