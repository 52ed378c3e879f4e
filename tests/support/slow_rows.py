"""What would go on for ever if there were no deadline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from sesamy_async import (
    APIError,
    DeadlineExceededError,
    Outcome,
    ServerError,
    SesamyError,
    UnreadableResponseError,
)

from . import faults
from .calling import Operation, create, onboard, spoiled
from .fault_server import Step
from .faults import BOMB, drip, message, tunnel
from .reaching import Reachable, Settings, direct, through_proxy


@attrs.frozen(kw_only=True)
class Row:
    """Something that would go on for ever, and how the call ends."""

    cause: str  # The id of the test.
    step: Step
    error: type[SesamyError] = DeadlineExceededError
    outcome: Outcome = Outcome.UNKNOWN
    tls: bool = False
    settings: Settings = direct
    operation: Operation = create


HEAD = b"HTTP/1.1 201 Created\r\n"
SIZED = HEAD + b"Content-Length: 100000\r\n\r\n"
OWN = SIZED + b"{"
ZIPPED = HEAD + b"Content-Encoding: gzip\r\nContent-Length: 9999\r\n\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
UNREADABLE: dict[str, Any] = {
    "error": UnreadableResponseError,
    "outcome": Outcome.APPLIED,
}
PERHAPS_A_PAGE: dict[str, Any] = {**UNREADABLE, "outcome": Outcome.UNKNOWN}
BEFORE: dict[str, Any] = {"outcome": Outcome.NOT_SENT, "tls": True}


def with_much(server: Reachable) -> dict[str, Any]:
    """Send 16 MB: more than the buffers between us and the server take."""
    much = spoiled(content=b"x" * 16_000_000)
    return {**direct(server), "middleware": [much]}


def long(status: int) -> bytes:
    """Return the head of an answer whose body never ends."""
    return message(status, b"", {"Content-Length": "100000"})


def rows(steps: Mapping[str, Step], **more: Any) -> list[Row]:
    """Return rows that end alike, by their causes."""
    return [Row(cause=it, step=step, **more) for it, step in steps.items()]


ROWS = (
    *rows(
        {
            "silence": faults.silent,
            "bytes of a status line": drip(b"HTTP/1.1 2", b"0"),
            "bytes of a header": drip(HEAD + b"X: ", b"x"),
            "one header after the other": drip(HEAD, b"X: y\r\n"),
            "one 100 after the other": drip(CONTINUE, CONTINUE),
            "100s without a pause": faults.flood,
        }
    ),
    *rows(
        {
            "stalled body": drip(SIZED, b"", 9.0),
            "chunks": drip(CHUNKED, b"1\r\n \r\n"),
            "bytes of a chunk's size": drip(CHUNKED, b"0"),
            "zipped": drip(ZIPPED + BOMB[:10], b"\0"),
        },
        **PERHAPS_A_PAGE,
    ),
    *rows({"bytes of a body": drip(OWN, b" ")}, **UNREADABLE),
    *rows({"body over TLS": drip(OWN, b" ")}, tls=True, **UNREADABLE),
    *rows({"header over TLS": drip(HEAD + b"X: ", b"x")}, tls=True),
    *rows({"body of a 500": drip(long(500), b" ")}, error=ServerError),
    *rows(
        {"body of a 405": drip(long(405), b" ")},
        error=APIError,
        outcome=Outcome.REFUSED,
    ),
    *rows({"TLS hangs": faults.hang, "TLS drips": faults.gabble}, **BEFORE),
    *rows(
        {
            "CONNECT drips": faults.drip_tunnel,
            "TLS drips in the tunnel": tunnel(faults.gabble),
        },
        settings=through_proxy,
        **BEFORE,
    ),
    *rows(
        {
            "nothing is read": faults.hang,
            "a little is read now and then": faults.read_slowly,
        },
        settings=with_much,
    ),
    *rows(
        {"confirm is silent after a slow create": faults.slow_then_silent},
        operation=onboard,
    ),
)
