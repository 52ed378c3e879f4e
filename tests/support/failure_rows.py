"""The failure table of a create: what the server does, and what it means."""

from __future__ import annotations

import gzip
from typing import Any

import attrs

from sesamy_async import (
    APIError,
    ConflictError,
    ConnectionFailedError,
    Outcome,
    OutcomeUnknownError,
    ServerError,
    SesamyError,
    UnreadableResponseError,
)

from . import faults
from .calling import Operation, create, post_much
from .fault_server import FaultServer, Step
from .faults import BOMB, SECRET, answer, message, raw
from .reaching import (
    Settings,
    direct,
    distrustful,
    forwarded,
    mistaken,
    through_proxy,
)
from .tls import server_context


@attrs.frozen(kw_only=True)
class Row:
    """One cause, and how the call ends.

    Attributes:
        cause: In words; the id of the test.
        step: What the server does to the first attempt.
        error: The class of error, exactly.
        status: Its status code, if it has one.
        outcome: What became of the order.
        received: How many whole requests reach the server.
        tls: Whether the server speaks TLS.
        stalls: Whether the client has to wait for its timeout.
        settings: How the client reaches it.
        operation: What is done.
    """

    cause: str
    step: Step
    error: type[SesamyError]
    outcome: Outcome
    status: int | None = None
    received: int = 1
    tls: bool = False
    stalls: bool = False
    settings: Settings = direct
    operation: Operation = create

    def server(self) -> FaultServer:
        """Return a server that fails once; then all is well."""
        proxied = self.settings is through_proxy
        return FaultServer(
            [self.step],
            faults.tunnel(faults.good) if proxied else faults.good,
            context=server_context() if self.tls else None,
        )


def _not_sent(cause: str, step: Step, **more: Any) -> Row:
    return Row(
        cause=cause,
        step=step,
        error=ConnectionFailedError,
        outcome=Outcome.NOT_SENT,
        received=0,
        **more,
    )


def _unknown(cause: str, step: Step, **more: Any) -> Row:
    return Row(
        cause=cause,
        step=step,
        error=OutcomeUnknownError,
        outcome=Outcome.UNKNOWN,
        **more,
    )


def _status(
    status: int, error: type[SesamyError], outcome: Outcome, **more: Any
) -> Row:
    # Nothing listens where a redirect leads to.
    headers = {"Location": "http://127.0.0.1:1/"} if status < 400 else {}
    body = b"" if status == 304 else f"<html>{SECRET}</html>".encode()
    return Row(
        cause=f"status {status}",
        step=answer(status, body, headers),
        error=error,
        outcome=outcome,
        status=status,
        **more,
    )


def _applied(cause: str, step: Step, **more: Any) -> Row:
    """Return what is unreadable, but Sesamy's own."""
    return Row(
        cause=cause,
        step=step,
        error=UnreadableResponseError,
        outcome=Outcome.APPLIED,
        status=201,
        **more,
    )


def _page(cause: str, step: Step, status: int = 201, **more: Any) -> Row:
    """Return what is unreadable, and may be a page of a gateway."""
    return Row(
        cause=cause,
        step=step,
        error=UnreadableResponseError,
        outcome=Outcome.UNKNOWN,
        status=status,
        **more,
    )


_HEAD = b"HTTP/1.1 201 Created\r\n"
_ZIPPED = _HEAD + b"Content-Encoding: gzip\r\n"
_WORDS = SECRET.encode()
_CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
_HINTED = _CONTINUE + _HINT + message(201, _WORDS)
_HTML = b"<html>" + _WORDS + b"</html>"
_ENORMOUS = b'"' + b"x" * 2_000_000 + b'"'
_OWN = b'{"id": "Ada Lovelace'
_GZIP = {"Content-Encoding": "gzip"}
_JSON = {"Content-Type": "application/json"}
_PAGE = {"Content-Type": "text/html; charset=utf-8"}
HOPELESS = (
    _not_sent(
        "TLS is not trusted",
        faults.shake_hands,
        tls=True,
        settings=distrustful,
    ),
    _not_sent("no TLS spoken", faults.babble, settings=mistaken),
)
NOT_SENT = (
    _not_sent("reset during TLS", faults.reset_first, tls=True),
    _not_sent("closed during TLS", faults.close_first, tls=True),
    _not_sent("TLS hangs", faults.hang, tls=True),
    *(
        _not_sent(
            f"proxy refuses CONNECT with {status}",
            faults.refuse_tunnel(status),
            tls=True,
            settings=through_proxy,
        )
        for status in (302, 403, 407, 500, 502)
    ),
    _not_sent(
        "proxy closes on CONNECT",
        faults.close_first,
        tls=True,
        settings=through_proxy,
    ),
    _not_sent(
        "proxy resets on CONNECT",
        faults.reset_first,
        tls=True,
        settings=through_proxy,
    ),
    _not_sent(
        "proxy hangs on CONNECT",
        faults.hang,
        tls=True,
        settings=through_proxy,
    ),
    *(
        _not_sent(
            f"target {cause} during TLS in the tunnel",
            faults.tunnel(step),
            tls=True,
            settings=through_proxy,
        )
        for cause, step in (
            ("resets", faults.reset_first),
            ("closes", faults.close_first),
            ("hangs", faults.hang),
        )
    ),
)
UNKNOWN = (
    _unknown("no answer in time", faults.silent),
    _unknown(
        "no answer in time over TLS", faults.silent, tls=True, stalls=True
    ),
    _unknown("only a 100", raw(_CONTINUE), stalls=True),
    _unknown("closed without an answer", faults.close_answer),
    _unknown("closed over TLS", faults.close_answer, tls=True),
    _unknown("closed after a 100", raw(_CONTINUE, stay=False)),
    _unknown("closed in the status line", raw(_HEAD[:7], stay=False)),
    _unknown("closed in the headers", raw(_ZIPPED[:-4], stay=False)),
    _unknown("stalled in the headers", raw(_ZIPPED), stalls=True),
    _unknown("no HTTP at all", raw(b"SSH-2.0-OpenSSH_9.9\r\n")),
    _unknown("endless headers", raw(_HEAD + b"X: " + b"x" * 200_000)),
    _unknown("reset", faults.reset_answer),
    _unknown("reset over TLS", faults.reset_answer, tls=True),
    _unknown("reset while it is read", faults.reset_first, received=0),
    _unknown(
        "forwarding proxy closes", faults.close_answer, settings=forwarded
    ),
    *(
        _unknown(
            f"target {cause} in the tunnel",
            faults.tunnel(step),
            tls=True,
            stalls=step is faults.silent,
            settings=through_proxy,
        )
        for cause, step in (
            ("resets", faults.reset_answer),
            ("closes", faults.close_answer),
            ("is silent", faults.silent),
        )
    ),
    _unknown(
        "body can't be written",
        faults.hang,
        received=0,
        operation=post_much,
    ),
    _unknown(
        "reset while the body is written",
        faults.reset_first,
        received=0,
        operation=post_much,
    ),
)
STATUS = (
    *(
        _status(status, APIError, Outcome.UNKNOWN)
        for status in (300, 301, 302, 303, 304, 408)
    ),
    *(
        _status(status, APIError, Outcome.REFUSED)
        for status in (307, 308, 405, 413)
    ),
    _status(409, ConflictError, Outcome.REFUSED),
    *(
        _status(status, ServerError, Outcome.UNKNOWN)
        for status in (500, 502, 503, 504, 520)
    ),
    _status(502, ServerError, Outcome.UNKNOWN, settings=forwarded),
)
UNREADABLE = (
    _applied(
        "own gzip that breaks",
        answer(201, gzip.compress(_OWN)[:-6] + b"broken", _GZIP),
    ),
    _applied(
        "own gzip cut short", answer(201, gzip.compress(_OWN)[:-4], _GZIP)
    ),
    _applied(
        "own body cut by a close",
        raw(_HEAD + b"Content-Length: 99\r\n\r\n" + _OWN, stay=False),
    ),
    _applied(
        "own body stalls",
        raw(_HEAD + b"Content-Length: 99\r\n\r\n" + _OWN),
        stalls=True,
    ),
    _applied(
        "own chunks malformed",
        raw(_HEAD + _CHUNKED + b"%x\r\n%b\r\nzz" % (len(_OWN), _OWN)),
    ),
    _applied("half the JSON", answer(201, _OWN, _JSON)),
    _applied("no id", answer(201, {"name": SECRET})),
    _applied("own and oversized", answer(201, _OWN + _ENORMOUS)),
    _page("half a page called HTML", answer(201, _OWN, _PAGE), 201),
    _page("bad gzip", raw(_ZIPPED + b"Content-Length: 5\r\n\r\nnozip")),
    _page("gzip cut short", answer(201, BOMB[:100], _GZIP)),
    _page("gzip bomb", answer(201, BOMB, _GZIP)),
    _page("unknown encoding", answer(201, _OWN, {"Content-Encoding": "br"})),
    _page(
        "body cut by a close",
        raw(_HEAD + b"Content-Length: 99\r\n\r\n" + _WORDS, stay=False),
    ),
    _page(
        "body stalls",
        raw(_HEAD + b"Content-Length: 99\r\n\r\n" + _WORDS),
        stalls=True,
    ),
    _page(
        "chunks cut by a close",
        raw(_HEAD + _CHUNKED + b"C\r\n" + _WORDS, stay=False),
    ),
    _page("chunks malformed", raw(_HEAD + _CHUNKED + b"zz\r\n" + _WORDS)),
    _page("no JSON", answer(200, _WORDS), 200),
    _page("HTML", answer(200, _HTML), 200),
    _page("HTML called JSON", answer(200, _HTML, _JSON), 200),
    _page("no object", answer(201, b'["Ada Lovelace"]')),
    _page("no body", answer(201)),
    _page("204", answer(204), 204),
    _page("oversized", answer(201, _ENORMOUS)),
    _page("no JSON, after a 100 and a 103", raw(_HINTED)),
    _page(
        "body stalls over TLS",
        raw(_HEAD + b"Content-Length: 9\r\n\r\n"),
        tls=True,
        stalls=True,
    ),
)
REFUSED = tuple(row for row in STATUS if row.outcome is Outcome.REFUSED)
DOUBTFUL = (
    *(row for row in UNKNOWN if row.operation is create),
    *(row for row in STATUS if row.outcome is Outcome.UNKNOWN),
)
QUICK = tuple(row for row in (*DOUBTFUL, *UNREADABLE) if not row.stalls)
ROWS = (*HOPELESS, *NOT_SENT, *UNKNOWN, *STATUS, *UNREADABLE)
