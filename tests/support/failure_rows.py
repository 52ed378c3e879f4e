"""The failure table of a create: what the server does, and what it means."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from functools import partial
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
from .faults import BOMB, SECRET, answer, message, raw, tunnel
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
    """One cause, and how the call ends."""

    cause: str  # The id of the test.
    step: Step  # What the server does to the first attempt.
    error: type[SesamyError]  # Exactly.
    outcome: Outcome
    status: int | None = None
    received: int = 1  # Whole requests that reach the server.
    tls: bool = False
    stalls: bool = False  # Whether the client has to wait for its timeout.
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


def _rows(
    error: type[SesamyError],
    outcome: Outcome,
    steps: Mapping[str, Step],
    **more: Any,
) -> list[Row]:
    return [
        Row(cause=cause, step=step, error=error, outcome=outcome, **more)
        for cause, step in steps.items()
    ]


def _statuses(
    error: type[SesamyError], outcome: Outcome, *statuses: int, **more: Any
) -> Iterator[Row]:
    for status in statuses:
        # Nothing listens where a redirect leads to.
        headers = {"Location": "http://127.0.0.1:1/"} if status < 400 else {}
        body = b"" if status == 304 else f"<html>{SECRET}</html>".encode()
        steps = {f"status {status}": answer(status, body, headers)}
        yield from _rows(error, outcome, steps, status=status, **more)


_not_sent = partial(_rows, ConnectionFailedError, Outcome.NOT_SENT, received=0)
_unknown = partial(_rows, OutcomeUnknownError, Outcome.UNKNOWN)
# What is unreadable, but Sesamy's own; or may be a page of a gateway.
_unreadable = partial(_rows, UnreadableResponseError, status=201)
_applied = partial(_unreadable, Outcome.APPLIED)
_page = partial(_unreadable, Outcome.UNKNOWN)

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
_SIZED = _HEAD + b"Content-Length: 99\r\n\r\n"
HOPELESS = (
    *_not_sent(
        {"TLS is not trusted": faults.shake_hands},
        tls=True,
        settings=distrustful,
    ),
    *_not_sent({"no TLS spoken": faults.babble}, settings=mistaken),
)
NOT_SENT = (
    *_not_sent(
        {
            "reset during TLS": faults.reset_first,
            "closed during TLS": faults.close_first,
            "TLS hangs": faults.hang,
        },
        tls=True,
    ),
    *_not_sent(
        {
            **{
                f"proxy refuses CONNECT with {status}": faults.refuse_tunnel(
                    status
                )
                for status in (302, 403, 407, 500, 502)
            },
            "proxy closes on CONNECT": faults.close_first,
            "proxy resets on CONNECT": faults.reset_first,
            "proxy hangs on CONNECT": faults.hang,
            "target resets in TLS": tunnel(faults.reset_first),
            "target closes in TLS": tunnel(faults.close_first),
            "target hangs in TLS": tunnel(faults.hang),
        },
        tls=True,
        settings=through_proxy,
    ),
)
UNKNOWN = (
    *_unknown(
        {
            "no answer in time": faults.silent,
            "closed without an answer": faults.close_answer,
            "closed after a 100": raw(_CONTINUE, stay=False),
            "closed in the status line": raw(_HEAD[:7], stay=False),
            "closed in the headers": raw(_ZIPPED[:-4], stay=False),
            "no HTTP at all": raw(b"SSH-2.0-OpenSSH_9.9\r\n"),
            "endless headers": raw(_HEAD + b"X: " + b"x" * 200_000),
            "reset": faults.reset_answer,
        }
    ),
    *_unknown(
        {
            "only a 100": raw(_CONTINUE),
            "stalled in the headers": raw(_ZIPPED),
        },
        stalls=True,
    ),
    *_unknown(
        {
            "closed over TLS": faults.close_answer,
            "reset over TLS": faults.reset_answer,
        },
        tls=True,
    ),
    *_unknown({"silent over TLS": faults.silent}, tls=True, stalls=True),
    *_unknown({"reset while it is read": faults.reset_first}, received=0),
    *_unknown(
        {"forwarding proxy closes": faults.close_answer}, settings=forwarded
    ),
    *_unknown(
        {
            "target resets in the tunnel": tunnel(faults.reset_answer),
            "target closes in the tunnel": tunnel(faults.close_answer),
        },
        tls=True,
        settings=through_proxy,
    ),
    *_unknown(
        {"target is silent in the tunnel": tunnel(faults.silent)},
        tls=True,
        stalls=True,
        settings=through_proxy,
    ),
    *_unknown(
        {
            "body can't be written": faults.hang,
            "reset while the body is written": faults.reset_first,
        },
        received=0,
        operation=post_much,
    ),
)
STATUS = (
    *_statuses(APIError, Outcome.UNKNOWN, 300, 301, 302, 303, 304, 408),
    *_statuses(APIError, Outcome.REFUSED, 307, 308, 405, 413),
    *_statuses(ConflictError, Outcome.REFUSED, 409),
    *_statuses(ServerError, Outcome.UNKNOWN, 500, 502, 503, 504, 520),
    *_statuses(ServerError, Outcome.UNKNOWN, 521, settings=forwarded),
)
UNREADABLE = (
    *_applied(
        {
            "own gzip that breaks": answer(
                201, gzip.compress(_OWN)[:-6] + b"broken", _GZIP
            ),
            "own gzip cut": answer(201, gzip.compress(_OWN)[:-4], _GZIP),
            "own body cut by a close": raw(_SIZED + _OWN, stay=False),
            "own chunks malformed": raw(
                _HEAD + _CHUNKED + b"%x\r\n%b\r\nzz" % (len(_OWN), _OWN)
            ),
            "half the JSON": answer(201, _OWN, _JSON),
            "no id": answer(201, {"name": SECRET}),
            "own and oversized": answer(201, _OWN + _ENORMOUS),
        }
    ),
    *_applied({"own body stalls": raw(_SIZED + _OWN)}, stalls=True),
    *_page(
        {
            "half a page called HTML": answer(201, _OWN, _PAGE),
            "bad gzip": raw(_ZIPPED + b"Content-Length: 5\r\n\r\nnozip"),
            "gzip cut short": answer(201, BOMB[:100], _GZIP),
            "gzip bomb": answer(201, BOMB, _GZIP),
            "unknown encoding": answer(201, _OWN, {"Content-Encoding": "br"}),
            "body cut by a close": raw(_SIZED + _WORDS, stay=False),
            "chunks cut by a close": raw(
                _HEAD + _CHUNKED + b"C\r\n" + _WORDS, stay=False
            ),
            "chunks malformed": raw(_HEAD + _CHUNKED + b"zz\r\n" + _WORDS),
            "no object": answer(201, b'["Ada Lovelace"]'),
            "no body": answer(201),
            "oversized": answer(201, _ENORMOUS),
            "no JSON, after a 100 and a 103": raw(_HINTED),
        }
    ),
    *_page({"body stalls": raw(_SIZED + _WORDS)}, stalls=True),
    *_page({"stalls over TLS": raw(_SIZED)}, tls=True, stalls=True),
    *_page(
        {
            "no JSON": answer(200, _WORDS),
            "HTML": answer(200, _HTML),
            "HTML called JSON": answer(200, _HTML, _JSON),
        },
        status=200,
    ),
    *_page({"204": answer(204)}, status=204),
)
REFUSED = tuple(row for row in STATUS if row.outcome is Outcome.REFUSED)
DOUBTFUL = (
    *(row for row in UNKNOWN if row.operation is create),
    *(row for row in STATUS if row.outcome is Outcome.UNKNOWN),
)
QUICK = tuple(row for row in (*DOUBTFUL, *UNREADABLE) if not row.stalls)
ROWS = (*HOPELESS, *NOT_SENT, *UNKNOWN, *STATUS, *UNREADABLE)
