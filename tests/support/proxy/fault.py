"""What a proxy does to a connection, and at which byte."""

from __future__ import annotations

from enum import StrEnum

import attrs


class Side(StrEnum):
    """Which way the bytes go that are counted."""

    REQUEST = "request"
    ANSWER = "answer"


class Act(StrEnum):
    """What is done at that byte."""

    RESET = "reset"
    """Break off, so that the client sees a reset."""

    CLOSE = "close"
    """Break off with a FIN, without the goodbye of TLS."""

    TRUNCATE = "truncate"
    """Let nothing more through this way, and end it politely."""

    STALL = "stall"
    """Read on, but let nothing more through until the client leaves."""

    HANG = "hang"
    """Don't even read."""

    DRIP = "drip"
    """Let some bytes through one by one, then the rest."""


@attrs.frozen(kw_only=True)
class ByteFault:
    """One thing that goes wrong on one connection.

    Attributes:
        side: Which way the bytes go.
        at: How many are let through before it strikes; with 0 it strikes
            when the first one is there.
        act: What is done.
        said: What the client hears before that, from the proxy itself.
    """

    side: Side
    at: int
    act: Act
    said: bytes = b""
