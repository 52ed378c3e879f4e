"""When a request begins to leave this machine."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sesamy_async._call import Record
from sesamy_async._http import Boundary


HEAD = "http11.send_request_headers."
H2_STARTED = "http2.send_request_headers.started"


class Named:
    """An httpcore request, as the trace shows it."""

    def __init__(self, method: bytes) -> None:
        self.method = method


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], None),
        ([("connection.connect_tcp.started", {})], False),
        ([(f"{HEAD}started", {"request": Named(b"POST")})], True),
        ([(f"{HEAD}started", {"request": Named(b"CONNECT")})], False),
        (
            [
                (f"{HEAD}started", {"request": Named(b"CONNECT")}),
                (f"{HEAD}started", {"request": Named(b"POST")}),
            ],
            True,
        ),
        (
            [
                (f"{HEAD}started", {"request": Named(b"POST")}),
                (
                    f"{HEAD}failed",
                    {"exception": httpx.LocalProtocolError("x")},
                ),
            ],
            False,
        ),
        (
            [
                (f"{HEAD}started", {"request": Named(b"POST")}),
                (f"{HEAD}failed", {"exception": httpx.WriteError("x")}),
            ],
            True,
        ),
        (
            [
                (f"{HEAD}started", {"request": Named(b"POST")}),
                ("http11.receive_response_headers.started", {}),
            ],
            True,
        ),
        # HTTP/2, in a client of the caller's.
        (
            [
                ("http2.send_connection_init.started", {}),
                (H2_STARTED, {"request": Named(b"POST")}),
            ],
            True,
        ),
        ([("http2.send_connection_init.started", {})], None),
        # A transport of the caller's that tries again by itself.
        (
            [
                (f"{HEAD}started", {"request": Named(b"POST")}),
                ("connection.connect_tcp.started", {}),
                (f"{HEAD}started", {"request": Named(b"CONNECT")}),
            ],
            True,
        ),
        (
            [
                (f"{HEAD}started", {"request": Named(b"POST")}),
                (f"{HEAD}started", {"request": Named(b"POST")}),
                (
                    f"{HEAD}failed",
                    {"exception": httpx.LocalProtocolError("x")},
                ),
            ],
            True,
        ),
    ],
)
async def test_boundary(
    events: list[tuple[str, dict[str, Any]]], expected: bool | None
) -> None:
    """Only our own request's head counts as sent, and only once it left."""
    record = Record()
    boundary = Boundary(record)
    for name, info in events:
        await boundary.asee(name, info)

    assert expected is record.sent
