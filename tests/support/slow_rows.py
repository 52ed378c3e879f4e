"""What would go on for ever if there were no deadline."""

from __future__ import annotations

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
    """Something that would go on for ever, and how the call ends.

    Attributes:
        cause: In words; the id of the test.
        step: What the server does.
        error: The class of error, exactly.
        outcome: What became of the order.
        tls: Whether the server speaks TLS.
        settings: How the client reaches it.
        operation: What is done.
    """

    cause: str
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


ROWS = (
    Row(cause="silence", step=faults.silent),
    Row(cause="bytes of a status line", step=drip(b"HTTP/1.1 2", b"0")),
    Row(cause="bytes of a header", step=drip(HEAD + b"X: ", b"x")),
    Row(cause="one header after the other", step=drip(HEAD, b"X: y\r\n")),
    Row(cause="one 100 after the other", step=drip(CONTINUE, CONTINUE)),
    Row(cause="100s without a pause", step=faults.flood),
    Row(cause="bytes of a body", step=drip(OWN, b" "), **UNREADABLE),
    Row(cause="stalled body", step=drip(SIZED, b"", 9.0), **PERHAPS_A_PAGE),
    Row(cause="chunks", step=drip(CHUNKED, b"1\r\n \r\n"), **PERHAPS_A_PAGE),
    Row(
        cause="bytes of a chunk's size",
        step=drip(CHUNKED, b"0"),
        **PERHAPS_A_PAGE,
    ),
    Row(
        cause="zipped",
        step=drip(ZIPPED + BOMB[:10], b"\0"),
        **PERHAPS_A_PAGE,
    ),
    Row(cause="body over TLS", step=drip(OWN, b" "), tls=True, **UNREADABLE),
    Row(cause="header over TLS", step=drip(HEAD + b"X: ", b"x"), tls=True),
    Row(
        cause="body of a 500",
        step=drip(long(500), b" "),
        error=ServerError,
    ),
    Row(
        cause="body of a 405",
        step=drip(long(405), b" "),
        error=APIError,
        outcome=Outcome.REFUSED,
    ),
    Row(cause="TLS hangs", step=faults.hang, **BEFORE),
    Row(cause="TLS drips", step=faults.gabble, **BEFORE),
    Row(
        cause="CONNECT drips",
        step=faults.drip_tunnel,
        settings=through_proxy,
        **BEFORE,
    ),
    Row(
        cause="TLS drips in the tunnel",
        step=tunnel(faults.gabble),
        settings=through_proxy,
        **BEFORE,
    ),
    Row(cause="nothing is read", step=faults.hang, settings=with_much),
    Row(
        cause="a little is read now and then",
        step=faults.read_slowly,
        settings=with_much,
    ),
    Row(
        cause="confirm is silent after a slow create",
        step=faults.slow_then_silent,
        operation=onboard,
    ),
)
