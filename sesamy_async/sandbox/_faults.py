"""Faults on demand: what goes wrong, when, and how."""

from __future__ import annotations

import math
import random
import re
import threading
from collections import deque
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

import attrs

from sesamy_async.errors import ConfigurationError

from ._exchange import Answer, Delivery, Endpoint, error_answer


class FaultKind(StrEnum):
    """The ways in which an exchange goes wrong."""

    STATUS = "status"
    """Another status, with an error in Sesamy's envelope."""

    WAIT = "wait"
    """A 429 that asks to wait so many seconds."""

    DELAY = "delay"
    """It is done at once, but the answer comes so many seconds late."""

    DROP_BEFORE = "drop-before"
    """The connection dies before the request is read."""

    DROP_AFTER = "drop-after"
    """It is done, and the connection dies before the answer."""

    HALF = "half"
    """It is done, and the connection dies within the answer."""

    MALFORMED = "malformed"
    """It is done, and the body of the answer is broken JSON."""

    HTML = "html"
    """A gateway answers with a page of HTML."""

    NO_RATE_HEADERS = "no-rate-headers"
    """It is done, and the answer says nothing of the rate limit."""

    EMPTY = "empty"
    """It is done, and the body of the answer is empty."""


_GRAMMAR = re.compile(r"([a-z-]+)(?::(\d+(?:\.\d+)?))?(\+applied)?", re.ASCII)
_NUMBERED = {
    FaultKind.STATUS,
    FaultKind.WAIT,
    FaultKind.DELAY,
    FaultKind.HTML,
}
_EITHER_WAY = {FaultKind.STATUS, FaultKind.HTML}
_BAD_GATEWAY = 502
_DEFAULTS = {FaultKind.HTML: str(_BAD_GATEWAY)}
_STATUSES = range(200, 600)
_REDIRECTION = 300


def _not_negative(fault: object, attribute: object, value: float) -> None:
    del fault, attribute
    if not 0 <= value < math.inf:
        raise ConfigurationError(
            f"The number of a fault must be 0 or more, not {value}."
        )


@attrs.frozen(kw_only=True)
class Fault:
    """One thing that goes wrong; make it with the methods of its name.

    In text (a configuration, the server's ``/_sandbox/faults``) a fault is
    written ``name``, ``name:number`` or ``name:number+applied``, such as
    ``"drop-after"``, ``"delay:2.5"`` or ``"status:503+applied"``.

    Attributes:
        kind: What goes wrong.
        number: The status or the seconds, where the kind has one.
        applied: Whether Sesamy does what was asked all the same.
    """

    kind: FaultKind
    number: float = attrs.field(default=0, validator=_not_negative)
    applied: bool = True

    @classmethod
    def status(cls, code: int, *, applied: bool = False) -> Self:
        """Answer with this status.

        A 2xx is no error: it is done, and the usual answer comes with
        this status instead of its own; what is refused is told as refused.

        Args:
            code: The status, 200 to 599.
            applied: Whether it is done before the error is answered.
        """
        return cls(
            kind=FaultKind.STATUS,
            number=_status(code),
            applied=applied or code < _REDIRECTION,
        )

    @classmethod
    def wait(cls, seconds: int) -> Self:
        """Answer 429 and ask for so many seconds of patience."""
        return cls(kind=FaultKind.WAIT, number=seconds, applied=False)

    @classmethod
    def delay(cls, seconds: float) -> Self:
        """Do it at once, and answer so many seconds later."""
        return cls(kind=FaultKind.DELAY, number=seconds)

    @classmethod
    def drop_before(cls) -> Self:
        """Cut the connection before the request is read."""
        return cls(kind=FaultKind.DROP_BEFORE, applied=False)

    @classmethod
    def drop_after(cls) -> Self:
        """Do it, and cut the connection instead of answering."""
        return cls(kind=FaultKind.DROP_AFTER)

    @classmethod
    def half(cls) -> Self:
        """Do it, and cut the connection in the middle of the answer."""
        return cls(kind=FaultKind.HALF)

    @classmethod
    def malformed(cls) -> Self:
        """Do it, and answer with broken JSON."""
        return cls(kind=FaultKind.MALFORMED)

    @classmethod
    def html(cls, code: int = _BAD_GATEWAY, *, applied: bool = False) -> Self:
        """Answer with a gateway's page of HTML.

        Args:
            code: The status, 200 to 599.
            applied: Whether Sesamy, behind the gateway, does it.
        """
        return cls(kind=FaultKind.HTML, number=_status(code), applied=applied)

    @classmethod
    def no_rate_headers(cls) -> Self:
        """Do it, and say nothing of the rate limit."""
        return cls(kind=FaultKind.NO_RATE_HEADERS)

    @classmethod
    def empty(cls) -> Self:
        """Do it, and answer without a body."""
        return cls(kind=FaultKind.EMPTY)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a fault from its text.

        Raises:
            ConfigurationError: The text names no fault; the message says
                which there are.
        """
        match = _GRAMMAR.fullmatch(text)
        if match is None or match[1] not in set(FaultKind):
            names = ", ".join(FaultKind)
            raise ConfigurationError(
                f"The fault {text!r} is none of: {names}; write it as name, "
                "name:number or name:number+applied."
            )
        kind = FaultKind(match[1])
        number = match[2] or _DEFAULTS.get(kind)
        if (number is not None) != (kind in _NUMBERED):
            needs = "needs a" if kind in _NUMBERED else "takes no"
            raise ConfigurationError(f"The fault {text!r} {needs} number.")
        applied = match[3] is not None
        if applied and kind not in _EITHER_WAY:
            raise ConfigurationError(f"The fault {text!r} takes no +applied.")
        match kind:
            case FaultKind.STATUS:
                return cls.status(_whole(text, number), applied=applied)
            case FaultKind.HTML:
                return cls.html(_whole(text, number), applied=applied)
            case FaultKind.WAIT:
                return cls.wait(_whole(text, number))
            case _:
                return cls(
                    kind=kind,
                    number=float(number or 0),
                    applied=kind is not FaultKind.DROP_BEFORE,
                )

    def __str__(self) -> str:
        number = f":{self.number:g}" if self.kind in _NUMBERED else ""
        either = self.applied and self.kind in _EITHER_WAY
        return f"{self.kind}{number}{'+applied' if either else ''}"


def _status(code: int) -> int:
    if code not in _STATUSES:
        raise ConfigurationError(
            f"The status of a fault must be from 200 to 599, not {code}."
        )
    return code


def _whole(text: str, number: str | None) -> int:
    if number is None or not number.isdigit():
        raise ConfigurationError(
            f"The number of the fault {text!r} must be whole."
        )
    return int(number)


_ANY = frozenset({Endpoint.TOKEN, Endpoint.CREATE, Endpoint.CONFIRM})


def _struck(on: str) -> frozenset[Endpoint]:
    if on == "any":
        return _ANY
    if on in set(_ANY):
        return frozenset({Endpoint(on)})
    raise ConfigurationError(
        "A fault strikes on create, confirm, token or any; "
        f"there is no {on!r}."
    )


@attrs.frozen(kw_only=True)
class FaultRate:
    """A fault that strikes by chance.

    Attributes:
        fault: What goes wrong.
        on: The operations that it strikes.
        rate: The share of their requests, from 0 to 1.
    """

    fault: Fault
    on: frozenset[Endpoint]
    rate: float

    @classmethod
    def parse(cls, text: str, rate: float) -> Self:
        """Read it from ``"fault"`` or ``"fault@operation"``.

        Raises:
            ConfigurationError: It can't be read; the message says why.
        """
        fault, at, on = text.partition("@")
        if not 0 <= rate <= 1:
            raise ConfigurationError(
                f"fault_rates.{text!r} must be from 0 to 1, not {rate}."
            )
        return cls(
            fault=Fault.parse(fault),
            on=_struck(on if at else "any"),
            rate=rate,
        )


def parse_rates(rates: Mapping[str, float]) -> tuple[FaultRate, ...]:
    """Read the `fault_rates` of a configuration.

    Raises:
        ConfigurationError: One can't be read, or together they strike
            more requests than there are.
    """
    parsed = tuple(FaultRate.parse(text, rates[text]) for text in rates)
    for endpoint in _ANY:
        total = sum(rate.rate for rate in parsed if endpoint in rate.on)
        if total > 1:
            raise ConfigurationError(
                f"The fault_rates of {endpoint} add up to {total:g}; "
                "they must not exceed 1."
            )
    return parsed


@attrs.frozen(kw_only=True)
class Queued:
    """A fault that strikes the next matching request.

    Attributes:
        fault: What goes wrong.
        on: The operations that it strikes.
    """

    fault: Fault
    on: frozenset[Endpoint]


class Faults:
    """The faults to come: those queued first, then those by chance."""

    def __init__(
        self, rates: Mapping[str, float], chance: random.Random
    ) -> None:
        self._lock = threading.Lock()
        self._queue: deque[Queued] = deque()
        self._rates = parse_rates(rates)
        self._chance = chance

    def add(
        self, fault: Fault | str, *, times: int = 1, on: str = "any"
    ) -> None:
        """Let a fault strike the next matching requests.

        Args:
            fault: What goes wrong, or its text such as ``"status:503"``.
            times: How many requests it strikes.
            on: ``"create"``, ``"confirm"``, ``"token"`` or ``"any"``.

        Raises:
            ConfigurationError: There is no such fault or operation, or
                `times` is less than 1.
        """
        if isinstance(fault, str):
            fault = Fault.parse(fault)
        if times < 1:
            raise ConfigurationError(f"times must be at least 1, not {times}.")
        queued = Queued(fault=fault, on=_struck(on))
        with self._lock:
            self._queue.extend([queued] * times)

    def clear(self) -> None:
        """Forget the queued faults; those by chance stay."""
        with self._lock:
            self._queue.clear()

    @property
    def pending(self) -> tuple[Fault, ...]:
        """The queued faults, the next one first."""
        with self._lock:
            return tuple(queued.fault for queued in self._queue)

    def strike(self, endpoint: Endpoint) -> Fault | None:
        """Return the fault of a request that just came, if any."""
        if not (self._queue or self._rates):
            return None
        with self._lock:
            for place, queued in enumerate(self._queue):
                if endpoint in queued.on:
                    del self._queue[place]
                    return queued.fault
            return self._by_chance(endpoint)

    def _by_chance(self, endpoint: Endpoint) -> Fault | None:
        drawn = self._chance.random() if self._rates else 1.0
        for rate in self._rates:
            if endpoint in rate.on:
                if drawn < rate.rate:
                    return rate.fault
                drawn -= rate.rate
        return None


_RATE_LIMIT = "x-ratelimit-"
_ERROR = 300
_BODILESS = {204, 304}
_STATED = {FaultKind.STATUS, FaultKind.HTML}
_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>{status}</title></head>"
    "<body><h1>{status}</h1><p>The gateway got no answer.</p></body></html>\n"
)


def apply_fault(
    answer: Answer, fault: Fault, request_id: str, now: float
) -> Answer:
    """Return what becomes of an answer that a fault strikes.

    Args:
        answer: The true answer; only its headers count for a fault that
            keeps the request from being done.
        fault: What goes wrong.
        request_id: Sesamy's name for the request.
        now: The Unix time.
    """
    if answer.status >= _ERROR and _says_done(fault):
        # What was refused after all must not be told as done.
        return answer
    match fault.kind:
        case FaultKind.STATUS:
            return _with_status(answer, int(fault.number), request_id)
        case FaultKind.WAIT:
            return _told_to_wait(answer, int(fault.number), request_id, now)
        case FaultKind.HTML:
            return _page(int(fault.number))
        case _:
            return attrs.evolve(answer, **_marks(answer, fault))


def _says_done(fault: Fault) -> bool:
    return fault.kind in _STATED and fault.number < _ERROR


def _marks(answer: Answer, fault: Fault) -> dict[str, Any]:
    """Return what a fault changes of an answer that is otherwise true."""
    marks: dict[str, Any]
    match fault.kind:
        case FaultKind.DELAY:
            marks = {"delay": fault.number}
        case FaultKind.HALF:
            marks = {"delivery": Delivery.HALF}
        case FaultKind.MALFORMED:
            marks = {"body": (answer.body or b"{}")[:-1]}
        case FaultKind.NO_RATE_HEADERS:
            marks = {"headers": _without_rate(answer)}
        case FaultKind.EMPTY:
            marks = {"body": b""}
        case _:
            marks = {"delivery": Delivery.NOTHING}
    return marks


def _with_status(answer: Answer, status: int, request_id: str) -> Answer:
    if status < _ERROR:
        body = b"" if status in _BODILESS else answer.body
        return attrs.evolve(answer, status=status, body=body)
    error = error_answer(
        status,
        "The sandbox was asked to answer so.",
        request_id,
        headers=_plain(answer),
    )
    return attrs.evolve(error, body=b"") if status in _BODILESS else error


def _told_to_wait(
    answer: Answer, seconds: int, request_id: str, now: float
) -> Answer:
    headers = _plain(answer)
    if "X-RateLimit-Reset" in headers:
        # What the headers say must not belie the body.
        headers["X-RateLimit-Remaining"] = "0"
        headers["X-RateLimit-Reset"] = str(int(now) + seconds)
    return error_answer(
        429,
        f"Rate limit exceeded; retry after {seconds} seconds.",
        request_id,
        retry_after=seconds,
        headers=headers,
    )


def _page(status: int) -> Answer:
    page = _PAGE.format(status=status).encode()
    return Answer(
        status=status,
        headers={"Content-Type": "text/html; charset=utf-8"},
        body=b"" if status in _BODILESS else page,
    )


def _plain(answer: Answer) -> dict[str, str]:
    return {
        name: value
        for name, value in answer.headers.items()
        if name.lower() != "content-type"
    }


def _without_rate(answer: Answer) -> dict[str, str]:
    return {
        name: value
        for name, value in answer.headers.items()
        if not name.lower().startswith(_RATE_LIMIT)
    }
