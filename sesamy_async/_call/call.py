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
    """The memory of one call: the only thing in a `Call` that changes.

    Attributes:
        attempts: How many times the call was sent or tried to be sent.
        lost: How many attempts may have done it, but left no readable
            answer, or one in whose place there is another.
        answered: Whether a readable answer says that it was done.
        last: The outcome of the last attempt that left no answer.
        interrupted: Whether that attempt was cancelled.
        sent: Whether the head of the present attempt's request began to
            leave this machine; None where that can't be seen.
        began: When the present attempt had a connection, on the runtime's
            clock; None before that.
        status_code: The status of the present attempt, once it is read.
        entered: Whether the user's middleware ever called `proceed`.
        under_way: How many such calls of `proceed` have not ended.
        open: How many attempts have not ended.
        overlaps: Whether there ever were several at once.  Then nobody
            knows of which one `sent` and `status_code` are.
        own: Whether what was read of the body is Sesamy's own, and not a
            gateway's page.
        step: In which step an onboarding is, or stopped.
        contract_id: The contract that an onboarding has created.
        repeatable: Whether an onboarding that stops here may be done again
            without a store.
        resumable: As `SesamyError.resumable`, of an onboarding.
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
        """What is known of the call as a whole, as it stands."""
        return self.settle(self.last)

    @property
    def outcome_of_foreign(self) -> Outcome:
        """What is known once an exception of the user's ended the call.

        A middleware that never called `proceed` may have sent it itself;
        one that did not wait for `proceed` has left it on its way.
        """
        certain = self.entered and not self.under_way
        doubtful = self.outcome.nothing_done and not certain
        return Outcome.UNKNOWN if doubtful else self.outcome

    def begin(self) -> None:
        """Start an attempt."""
        self.attempts += 1
        self.overlaps |= self.open > 0
        self.open += 1
        self.interrupted = False
        self.sent = False
        self.began = None
        self.status_code = None
        self.own = False

    def end(self) -> None:
        """End an attempt, however it went."""
        self.open -= 1

    def answer(self) -> None:
        """Add a readable answer that says that it was done."""
        # One that a middleware asked for again is not used.
        self.lost += self.answered
        self.answered = True

    def note(self, outcome: Outcome) -> None:
        """Add the outcome of an attempt that ended without an answer."""
        self.last = outcome
        if not outcome.nothing_done:
            self.lost += 1

    def interrupt(self) -> None:
        """Add an attempt that was cancelled.

        A success of which nothing was read may be a gateway's page.
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
        """Return what `outcome` of the last step means for the whole call.

        A refusal after an unknown is still unknown.
        """
        if self.answered:
            return Outcome.APPLIED
        doubtful = self.lost and outcome.nothing_done
        return Outcome.UNKNOWN if doubtful else outcome


class Priority(IntEnum):
    """Which calls go first where they wait for the pace: the lower."""

    KEPT = 0
    """They complete another, in the place that was kept for them."""
    COMPLETING = 1
    """They complete another, and have no such place."""
    NEW = 2
    """All others."""


@attrs.frozen(kw_only=True, eq=False)
class Place:
    """A place in the pace that a call asks for.

    Attributes:
        id: It is asked for by this id again, until its turn has come.
        priority: Which calls it goes before.
        size: One; or two, where the second one is to be kept for the call
            that completes this one.
        kept: For KEPT, the place whose second one is used.
        record: Of the call: whether and when its request is really sent.
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
    """A complete HTTP answer.

    Attributes:
        status_code: The HTTP status.
        headers: Found by their names in any case.
        content: The body, decompressed; personal, so it is in no repr.
        parsed: What the operation read from it, such as a `Contract`; None
            in `Contract.response`.
    """

    status_code: int
    headers: Headers = attrs.field(factory=Headers, repr=False)
    content: bytes = attrs.field(default=b"", repr=False)
    parsed: Any = attrs.field(default=None, repr=False)

    @property
    def request_id(self) -> str | None:
        """The id that Sesamy, or a gateway, gave to the request.

        From ``X-Request-Id`` or ``Request-Id``; None where neither looks
        like an id.  Support wants to know it.
        """
        return request_id_of(self.headers)

    @property
    def rate(self) -> RateState | None:
        """What it says of the rate limit; None if nothing."""
        return rate_of(self.headers)

    @guarded
    def json(self) -> Any:
        """Parse the body, whatever its content type says.

        Bytes that are no UTF-8 are replaced.

        Raises:
            ValueError: It is no JSON, or nested too deeply.  The error
                holds nothing of the body.
        """
        return loads(self.content)


class Secret:
    """Hold a secret so that it stays out of reprs, logs and pickles.

    Only :meth:`reveal` hands it out.  Compares by value; copies are the
    same object; pickling is refused.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str | Secret) -> None:
        self._value: str = (
            value.reveal() if isinstance(value, Secret) else value
        )

    @classmethod
    def hide(cls, value: str | Secret | None) -> Secret | None:
        """Return a secret, or None where there is none."""
        return None if value is None else cls(value)

    def reveal(self) -> str:
        """Return the secret itself: only for the moment it is sent."""
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
            "A secret can't be pickled; create the credentials in the process "
            "that uses them."
        )


@attrs.frozen(kw_only=True)
class Request:
    """An HTTP request that is ready to be sent.

    Attributes:
        method: ``"POST"``, ``"GET"``, ...
        url: The absolute URL, already encoded.
        headers: Without the Authorization header.
        content: The body; personal, so it is in no repr.
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
    """One operation on its way; change it with :func:`attrs.evolve`.

    Attributes:
        operation: What is done, such as ``"contracts.create"``.
        parent: The operation that this call is a step of, such as
            ``"contracts.onboard"``, if any.
        request: What is sent for it.
        deadline: When the call must have ended, on the runtime's clock
            (seconds; may be infinite).
        timeout: Seconds that one network operation may take.
        attempt: 1 for the first time, 2 for the first retry, ...
        repeatable: Whether doing it twice is the same as doing it once.
        external_order_id: The order it is about, if any.
        contract_id: The contract it is about, if any.
        vendor_id: The publisher, if it is about a contract.
        promo_code: The offer, if it is about a contract.
        order: The JSON of the order it is about, if known.  Only then
            an error's text repeats Sesamy's words, in which the order is
            redacted.
        max_response_size: Bytes that a success may have at most,
            decompressed, where that is less than the transport allows.
        completes: Whether it completes what an earlier call began, so that
            it goes before others where calls have to wait.
        kept: What this call shares with the one that completes it, if there
            will be one.
        read: Reads a success (its value becomes `Response.parsed`), or
            raises a `SesamyError` if it can't be read.
        before_send: Awaited at the last moment before each attempt is
            sent; if it raises, nothing is sent.
        before_wait: Awaited before each wait after which it is sent again.
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
        """Return a copy with more headers (``X_Name=`` is ``X-Name``)."""
        named = {name.replace("_", "-"): headers[name] for name in headers}
        request = attrs.evolve(
            self.request, headers=merged(self.request.headers, named)
        )
        return attrs.evolve(self, request=request)


BeforeSend = Callable[[Call], Awaitable[None]]
"""Is awaited before each attempt: to write down what is intended."""

Proceed = Callable[[Call], Awaitable[Response]]
"""What a middleware calls to let the call go on."""


class Middleware(Protocol):
    """A step that a call passes on its way out and back.

    Any ``async def`` function or object of this shape will do.  In the
    blocking client it must not suspend: see `Sesamy`.
    """

    async def __call__(self, call: Call, proceed: Proceed) -> Response:
        """Return `await proceed(call)`, with anything before and after."""
        ...


@runtime_checkable
class Auth(Protocol):
    """Where the Authorization value of each request comes from."""

    async def authorization(self, call: Call) -> str:
        """Return the whole value, such as ``"Bearer ..."``.

        Called before every attempt, so it should remember its value.
        """
        ...

    async def rejected(self, authorization: str, call: Call) -> bool:
        """Take note that Sesamy answered 401 to this value.

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
        """Learn from an exchange that was answered."""
        if self._known is None:
            self._known = seconds, seconds / 2
            return
        mean, deviation = self._known
        off = seconds - mean
        self._known = mean + off / 8, deviation + (abs(off) - deviation) / 4

    @property
    def estimate(self) -> float:
        """Seconds in which nearly every exchange is answered."""
        if self._known is None:
            return 0.25
        mean, deviation = self._known
        return mean + 4 * deviation

    def latest(self, call: Call, begun: float) -> float:
        """Return until when a call can wait and still end in time.

        What completes another call may wait until its deadline: to try is
        better than not to.  Other calls may wait for half of their time
        since `begun`, however slow the exchanges are: else no call would
        show that they have become faster.
        """
        if call.completes:
            return call.deadline
        exchanges = 1 if call.kept is None else 2
        left = (call.deadline - begun) / 2
        return call.deadline - min(exchanges * self.estimate, left)


Trusts: TypeAlias = Callable[[Response], bool]
"""Says of an answer whether its connection may carry another one."""


def trusts_all(response: Response) -> bool:
    """Trust every connection."""
    del response
    return True


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

    async def send(self, call: Call, trusts: Trusts = trusts_all) -> Response:
        """Send the request once and read the whole answer.

        Keeps `call.record.sent` true to what has left the machine, also
        when the call is cancelled.  `trusts` is asked about the answer; if
        it says no, the connection is closed.

        Raises:
            TransportFailure: There is no complete answer.
        """
        ...

    async def connect(self, call: Call) -> None:
        """Open a connection to where the call goes, and send nothing.

        Does nothing over the user's transport or a proxy.

        Raises:
            TransportFailure: There is no connection.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections of the present scope."""
        ...
