"""See the moment at which a request begins to leave this machine."""

from __future__ import annotations

from typing import Any

from sesamy_async.core.record import Record


_HEAD = "http11.send_request_headers."
_TUNNEL = b"CONNECT"


class Boundary:
    """Keeps `Record.sent` true, from httpcore's trace of one attempt.

    Nothing was sent as long as ``http11.send_request_headers.started`` has
    not fired.  It fires for a proxy's CONNECT too, which is not ours; and a
    head that h11 refuses to write (``LocalProtocolError``) never left.
    """

    __slots__ = ("_record",)

    def __init__(self, record: Record) -> None:
        self._record = record
        # As long as nothing is traced, nothing can be said: the transport
        # may be one that has no trace.
        record.sent = None

    def see(self, name: str, info: dict[str, Any]) -> None:
        """Take note of an event, in the blocking client."""
        record = self._record
        if name == f"{_HEAD}started":
            record.sent = info["request"].method != _TUNNEL
        elif name == f"{_HEAD}failed":
            refused = type(info["exception"]).__name__ == "LocalProtocolError"
            record.sent = record.sent and not refused
        elif record.sent is None:
            record.sent = False

    async def asee(self, name: str, info: dict[str, Any]) -> None:
        """Take note of an event, in the async client."""
        self.see(name, info)
