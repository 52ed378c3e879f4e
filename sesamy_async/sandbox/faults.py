"""Which request a fault strikes."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Mapping
from typing import Self

import attrs

from sesamy_async.errors import ConfigurationError

from .fault import Fault
from .routes import Endpoint


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
    """The faults to come: those queued first, then those by chance.

    .. versionadded:: 0.1.0
    """

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
