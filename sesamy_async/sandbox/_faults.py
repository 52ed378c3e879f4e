"""Faults on demand: what goes wrong, and when."""

from __future__ import annotations

import math
import random
import re
import threading
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Self

import attrs

from sesamy_async.errors import ConfigurationError

from ._exchange import (
    OPERATIONS,
    Answer,
    Delivery,
    Endpoint,
    error_answer,
    too_many_requests,
)


class FaultKind(StrEnum):
    """What can go wrong: see the methods of `Fault`."""

    STATUS = "status"
    WAIT = "wait"
    DELAY = "delay"
    DROP_BEFORE = "drop-before"
    DROP_AFTER = "drop-after"
    HALF = "half"
    MALFORMED = "malformed"
    HTML = "html"
    NO_RATE_HEADERS = "no-rate-headers"
    EMPTY = "empty"


_GRAMMAR = re.compile(r"([a-z-]+)(?::(\d+(?:\.\d+)?))?(\+applied)?", re.ASCII)
_STATED = {FaultKind.STATUS, FaultKind.HTML}
_NUMBERED = {*_STATED, FaultKind.WAIT, FaultKind.DELAY}
_STATUSES = range(200, 600)
_REDIRECTION = 300


def _check_number(fault: Fault, _: object, value: float) -> None:
    if fault.kind in _STATED and value not in _STATUSES:
        rule = "a whole number from 200 to 599"
    elif fault.kind is FaultKind.WAIT and value % 1:
        rule = "a whole number of seconds"
    elif not 0 <= value < math.inf:
        rule = "0 or more"
    else:
        return
    raise ConfigurationError(
        f"The number of the fault {fault.kind} must be {rule}, not {value:g}."
    )


@attrs.frozen(kw_only=True)
class Fault:
    """Something that goes wrong; each kind has a method that returns it.

    As text (in a configuration, or for ``/_sandbox/faults``) a fault is
    ``name``, ``name:number`` or ``name:number+applied``, such as
    ``"drop-after"``, ``"delay:2.5"`` or ``"status:503+applied"``.

    Attributes:
        kind: What goes wrong.
        number: The status or the seconds, where the kind has one.
        applied: Whether the request is processed all the same.
    """

    kind: FaultKind
    number: float = attrs.field(default=0, validator=_check_number)
    applied: bool = True

    @classmethod
    def status(cls, code: int, *, applied: bool = False) -> Self:
        """Respond with this status.

        With a 2xx the request is processed, and the usual response gets
        this status, unless it is a refusal.

        Args:
            code: The status, 200 to 599.
            applied: Whether the request is processed before the error.
        """
        applied = applied or code < _REDIRECTION
        return cls(kind=FaultKind.STATUS, number=code, applied=applied)

    @classmethod
    def wait(cls, seconds: int) -> Self:
        """Respond with 429, and ask to wait this many seconds."""
        return cls(kind=FaultKind.WAIT, number=seconds, applied=False)

    @classmethod
    def delay(cls, seconds: float) -> Self:
        """Process it at once, and respond this many seconds later."""
        return cls(kind=FaultKind.DELAY, number=seconds)

    @classmethod
    def drop_before(cls) -> Self:
        """Close the connection before the request is read."""
        return cls(kind=FaultKind.DROP_BEFORE, applied=False)

    @classmethod
    def drop_after(cls) -> Self:
        """Process it, and close the connection before the response."""
        return cls(kind=FaultKind.DROP_AFTER)

    @classmethod
    def half(cls) -> Self:
        """Process it, and close the connection within the response."""
        return cls(kind=FaultKind.HALF)

    @classmethod
    def malformed(cls) -> Self:
        """Process it, and respond with malformed JSON."""
        return cls(kind=FaultKind.MALFORMED)

    @classmethod
    def html(cls, code: int = 502, *, applied: bool = False) -> Self:
        """Respond with a gateway's page of HTML.

        Args:
            code: The status, 200 to 599.
            applied: Whether the request is processed behind the gateway.
        """
        return cls(kind=FaultKind.HTML, number=code, applied=applied)

    @classmethod
    def no_rate_headers(cls) -> Self:
        """Process it, and respond without the rate limit headers."""
        return cls(kind=FaultKind.NO_RATE_HEADERS)

    @classmethod
    def empty(cls) -> Self:
        """Process it, and respond without a body."""
        return cls(kind=FaultKind.EMPTY)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a fault from its text.

        Raises:
            ConfigurationError: The text is not a fault.
        """
        match = _GRAMMAR.fullmatch(text)
        if match is None or match[1] not in set(FaultKind):
            names = ", ".join(FaultKind)
            raise ConfigurationError(
                f"The fault {text!r} must be one of {names}, written as "
                "name, name:number or name:number+applied."
            )
        kind, number, applied = FaultKind(match[1]), match[2], bool(match[3])
        if kind in _NUMBERED - {FaultKind.HTML} and number is None:
            raise ConfigurationError(f"The fault {text!r} needs a number.")
        if kind not in _NUMBERED and number is not None:
            raise ConfigurationError(f"The fault {text!r} takes no number.")
        if kind not in _STATED and applied:
            raise ConfigurationError(f"The fault {text!r} takes no +applied.")
        make = getattr(cls, kind.replace("-", "_"))
        numbers = [] if number is None else [float(number)]
        fault: Self = make(*numbers, **({"applied": True} if applied else {}))
        return fault

    def __str__(self) -> str:
        number = f":{self.number:.15g}" if self.kind in _NUMBERED else ""
        applied = self.applied and self.kind in _STATED
        return f"{self.kind}{number}{'+applied' if applied else ''}"


def _endpoints(on: str) -> frozenset[Endpoint]:
    if on == "any":
        return OPERATIONS
    if on in OPERATIONS:
        return frozenset({Endpoint(on)})
    raise ConfigurationError(
        f"There is no operation {on!r}: a fault strikes on "
        f"{', '.join(sorted(OPERATIONS))} or any."
    )


@attrs.frozen
class PlannedFault:
    """A fault to come, and the share of requests that it strikes."""

    fault: Fault
    on: frozenset[Endpoint]
    rate: float = 1.0

    def __str__(self) -> str:
        if self.on == OPERATIONS:
            return str(self.fault)
        return f"{self.fault}@{', '.join(self.on)}"


def parse_rates(rates: Mapping[str, float]) -> tuple[PlannedFault, ...]:
    planned: list[PlannedFault] = []
    for text, rate in rates.items():
        if not 0 <= rate <= 1:
            raise ConfigurationError(
                f"fault_rates.{text!r} must be from 0 to 1, not {rate}."
            )
        fault, at, on = text.partition("@")
        endpoints = _endpoints(on if at else "any")
        planned.append(PlannedFault(Fault.parse(fault), endpoints, rate))
    for endpoint in OPERATIONS:
        total = sum(each.rate for each in planned if endpoint in each.on)
        if total > 1:
            raise ConfigurationError(
                f"The fault_rates of {endpoint} add up to {total:g}; at "
                "most 1 is possible."
            )
    return tuple(planned)


class Faults:
    """The faults to come: those queued first, then those by chance."""

    def __init__(
        self, rates: Mapping[str, float], chance: random.Random
    ) -> None:
        self._lock = threading.Lock()
        self._queue: list[PlannedFault] = []
        self._chance = chance
        # What the configuration lets strike at random.
        self.by_chance: tuple[PlannedFault, ...] = parse_rates(rates)

    def add(
        self, fault: Fault | str, *, times: int = 1, on: str = "any"
    ) -> None:
        """Queue a fault for the next matching requests.

        Args:
            fault: What goes wrong, or its text such as ``"status:503"``.
            times: How many requests it strikes.
            on: ``"any"``, or an `Endpoint` such as ``"create"``.

        Raises:
            ConfigurationError: The fault or operation does not exist, or
                `times` is less than 1.
        """
        if isinstance(fault, str):
            fault = Fault.parse(fault)
        if times < 1:
            raise ConfigurationError(f"times must be at least 1, not {times}.")
        planned = PlannedFault(fault, _endpoints(on))
        with self._lock:
            self._queue.extend([planned] * times)

    def clear(self) -> None:
        """Remove the queued faults; those by chance stay."""
        with self._lock:
            self._queue.clear()

    @property
    def pending(self) -> tuple[Fault, ...]:
        """The queued faults, the next one first."""
        return tuple(each.fault for each in self.planned)

    @property
    def planned(self) -> tuple[PlannedFault, ...]:
        """As `pending`, with the operations that they strike on."""
        with self._lock:
            return tuple(self._queue)

    def strike(self, endpoint: Endpoint) -> Fault | None:
        """Return the fault of a new request, if any."""
        with self._lock:
            for place, planned in enumerate(self._queue):
                if endpoint in planned.on:
                    del self._queue[place]
                    return planned.fault
            drawn = self._chance.random()
        for planned in self.by_chance:
            if endpoint in planned.on:
                if drawn < planned.rate:
                    return planned.fault
                drawn -= planned.rate
        return None


_BODILESS = {204, 304}
_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>{status}</title></head>"
    "<body><h1>{status}</h1><p>Nothing responded.</p></body></html>\n"
)


def apply_fault(answer: Answer, fault: Fault, now: float) -> Answer:
    """Return a response as the fault changes it.

    Where the request is not processed, only its headers are read.
    """
    number, headers = int(fault.number), dict(answer.headers)
    if fault.kind in _CHANGES:
        changes = _CHANGES[fault.kind](answer, fault.number)
        return attrs.evolve(answer, **changes)
    if fault.kind is FaultKind.WAIT:
        if "X-RateLimit-Reset" in headers:
            # The headers must not contradict the body.
            headers["X-RateLimit-Remaining"] = "0"
            headers["X-RateLimit-Reset"] = str(int(now) + number)
        return too_many_requests(number, headers)
    success = number < _REDIRECTION
    if success and answer.status >= _REDIRECTION:
        return answer  # A refusal must not look like a success.
    if fault.kind is FaultKind.HTML:
        kind = {"Content-Type": "text/html; charset=utf-8"}
        page = _PAGE.format(status=number).encode()
        answer = Answer(status=number, headers=kind, body=page)
    elif not success:
        answer = error_answer(number, "A fault of the sandbox.", headers)
    body = b"" if number in _BODILESS else answer.body
    return attrs.evolve(answer, status=number, body=body)


_CHANGES: Mapping[FaultKind, Callable[[Answer, float], dict[str, Any]]] = {
    FaultKind.DELAY: lambda _, seconds: {"delay": seconds},
    FaultKind.DROP_BEFORE: lambda _, __: {"delivery": Delivery.NOTHING},
    FaultKind.DROP_AFTER: lambda _, __: {"delivery": Delivery.NOTHING},
    FaultKind.HALF: lambda _, __: {"delivery": Delivery.HALF},
    FaultKind.MALFORMED: lambda it, _: {"body": (it.body or b"{}")[:-1]},
    FaultKind.EMPTY: lambda _, __: {"body": b""},
    FaultKind.NO_RATE_HEADERS: lambda it, _: {
        "headers": {
            name: value
            for name, value in it.headers.items()
            if not name.startswith("X-RateLimit-")
        }
    },
}
