"""See the moment at which a request begins to leave this machine."""

from __future__ import annotations

from typing import Any

from sesamy_async.core.record import Record


_STARTED = ".send_request_headers.started"
_FAILED = ".send_request_headers.failed"
_CONNECTING = ("connection.", "socks.")
_CONNECT = "connect_tcp.started"
_BEHIND = {"proxy.start_tls.started", "socks.start_tls.started"}
_TUNNEL = b"CONNECT"


class Boundary:
    """Keeps `Record.sent` true, from httpcore's trace of one attempt.

    Nothing was sent as long as ``http11.send_request_headers.started`` has
    not fired (or ``http2.``, in a client of the caller's).  It fires for a
    proxy's CONNECT too, which is not ours; and a head that h11 refuses to
    write (``LocalProtocolError``) never left.  What has left once, a second
    try of a transport of the caller's can't call back.

    Attributes:
        fresh: Whether a connection was made for this attempt.
        behind: Whether a proxy led to the target.
    """

    __slots__ = ("_first", "_record", "behind", "fresh")

    def __init__(self, record: Record) -> None:
        self._record = record
        self._first = False
        self.fresh = False
        self.behind = False
        # As long as nothing is traced, nothing can be said: the transport
        # may be one that has no trace.
        record.sent = None

    def see(self, name: str, info: dict[str, Any]) -> None:
        """Take note of an event, in the blocking client."""
        record = self._record
        self.fresh = self.fresh or name.endswith(_CONNECT)
        self.behind = self.behind or name in _BEHIND
        if name.endswith(_STARTED):
            ours = info["request"].method != _TUNNEL
            self._first = ours and not record.sent
            record.sent = bool(record.sent) or ours
        elif name.endswith(_FAILED):
            kind = type(info["exception"]).__name__
            if self._first and kind == "LocalProtocolError":
                record.sent = False
        elif record.sent is None and name.startswith(_CONNECTING):
            record.sent = False

    async def asee(self, name: str, info: dict[str, Any]) -> None:
        """Take note of an event, in the async client."""
        self.see(name, info)
