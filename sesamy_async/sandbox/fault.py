"""What can go wrong with one request."""

from __future__ import annotations

import math
import re
from enum import StrEnum
from typing import Self

import attrs

from sesamy_async.errors import ConfigurationError


class FaultKind(StrEnum):
    """The ways in which an exchange goes wrong.

    .. versionadded:: 0.1.0
    """

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

    .. versionadded:: 0.1.0
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
