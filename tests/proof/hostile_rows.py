"""Answers that are meant to do harm, and how a create ends all the same."""

from __future__ import annotations

import gzip
import importlib.metadata
import json
from collections.abc import Mapping
from typing import Any

import attrs

from sesamy_async import Outcome
from support.faults import BOMB, message


@attrs.frozen(kw_only=True)
class Hostile:
    """One answer, as it goes over the wire.

    Attributes:
        what: In words; the id of the test.
        data: The bytes of the answer.
        create: What becomes of a create; None for a contract.
        confirm: The same of a confirm.
        ends: Whether the server hangs up behind it.
    """

    what: str
    data: bytes
    create: Outcome | None
    confirm: Outcome | None
    ends: bool = False


def _ends(
    what: str,
    data: bytes,
    create: Outcome | None,
    *,
    confirm: Outcome | None = Outcome.NOT_SENT,
    ends: bool = False,
) -> Hostile:
    """Return a row; a confirm ends as a create does, if not said."""
    same = confirm is Outcome.NOT_SENT
    return Hostile(
        what=what,
        data=data,
        create=create,
        confirm=create if same else confirm,
        ends=ends,
    )


def _body(
    what: str,
    body: bytes,
    create: Outcome | None,
    *,
    headers: Mapping[str, str] | None = None,
    confirm: Outcome | None = Outcome.NOT_SENT,
) -> Hostile:
    data = message(201, body, headers)
    return _ends(what, data, create, confirm=confirm)


def _lines(status: str, *lines: bytes, body: bytes = b"") -> bytes:
    head = b"\r\n".join([b"HTTP/1.1 " + status.encode(), *lines, b"", b""])
    return head + body


def confirm(client: Any) -> Any:
    """Confirm the contract that most rows speak of."""
    return client.contracts.confirm("SPRING", "c-0")


_APPLIED = Outcome.APPLIED
_UNKNOWN = Outcome.UNKNOWN
_H11 = importlib.metadata.version("h11")
_REFUSED = Outcome.REFUSED
_MB = 1_000_000
_GZIP = {"Content-Encoding": "gzip"}
_JSON = {"Content-Type": "application/json"}
_GOOD = b'{"id": "c-0"}'
_LENGTH = b"Content-Length: %d" % len(_GOOD)
_HINT = _lines("103 Early Hints", b"Link: </a>; rel=preload")
_HOPS = _lines("100 Continue") * 3 + _HINT * 50
_DIGITS = b"9" * 5_000


def _deep(depth: int) -> bytes:
    return b'{"id": "c-0", "x": ' + b"[" * depth + b"]" * depth + b"}"


OBJECTS = b'{"id": "c-0", "items": [%s{}]}' % (b"{}," * 2 * _MB)
BODIES = (
    _body("10 MB of one line", b'"' + b"x" * 10 * _MB + b'"', _UNKNOWN),
    _body(
        "7 MB of one line", b'{"id": "c-0", "x": "' + b"x" * 7 * _MB, _APPLIED
    ),
    _body("a contract of 200 kB", _GOOD[:-1] + b" " * 200_000 + b"}", None),
    _body("a contract of 7 MB", _GOOD[:-1] + b" " * 7 * _MB + b"}", _APPLIED),
    _body(
        "2 million objects in 8 kB",
        gzip.compress(OBJECTS),
        _APPLIED,
        headers=_GZIP,
    ),
    _body("30 MB in 29 KB", BOMB, _UNKNOWN, headers=_GZIP),
    _body(
        "zipped twice",
        gzip.compress(BOMB),
        _UNKNOWN,
        headers={"Content-Encoding": "gzip, gzip"},
    ),
    _body(
        "two zips in a row",
        gzip.compress(_GOOD) + BOMB,
        None,
        headers=_GZIP,
    ),
    _body("500 deep", _deep(500), None),
    _body("a million deep", _deep(_MB), _APPLIED),
    _body("a million deep and open", b"[" * _MB, _UNKNOWN),
    _body("NaN", b'{"id": "c-0", "price": NaN, "issuesRemaining": NaN}', None),
    _body("infinity", b'{"id": "c-0", "price": 1e999}', None),
    _body("an id that is no number", b'{"id": NaN}', _APPLIED, confirm=None),
    _body("400 digits", b'{"id": "c-0", "price": ' + b"9" * 400 + b"}", None),
    _body(
        "5,000 digits",
        b'{"id": "c-0", "price": ' + _DIGITS + b"}",
        _APPLIED,
    ),
    _body("two ids", b'{"id": "c-1", "id": "c-0"}', None),
    _body(
        "two ids, one is none",
        b'{"id": "c-0", "id": null}',
        _APPLIED,
        confirm=None,
    ),
    _body("an id of 7 MB", b'{"id": "' + b"x" * 7 * _MB + b'"}', _APPLIED),
    _body(
        "latin-1 as UTF-8",
        '{"id": "c-0", "name": "Åsa"}'.encode("latin-1"),
        None,
    ),
    _body("UTF-16", _GOOD.decode().encode("utf-16"), None),
    _body(
        "a charset that is none",
        _GOOD,
        None,
        headers={"Content-Type": "application/json; charset=klingon"},
    ),
    _body("a lone surrogate", b'{"id": "c-0", "name": "\\ud800"}', None),
    _body(
        "JSON called HTML", _GOOD, None, headers={"Content-Type": "text/html"}
    ),
    _body("HTML called JSON", b"<html></html>", _UNKNOWN, headers=_JSON),
    _body("zeros", bytes(1000), _UNKNOWN),
)

HEADS = (
    _ends("three 100 and fifty 103", _HOPS + message(201, _GOOD), None),
    _ends(
        "a 100 with a body",
        _lines("100 Continue", _LENGTH, body=_GOOD),
        _UNKNOWN,
        ends=True,
    ),
    _ends("101", _lines("101 Switching Protocols", b"Upgrade: x"), _UNKNOWN),
    _ends(
        "204 with a body",
        _lines("204 No Content", _LENGTH, body=_GOOD),
        _UNKNOWN,
        confirm=None,
    ),
    _ends(
        "205 with a body",
        _lines("205 Reset Content", _LENGTH, body=_GOOD),
        None,
    ),
    _ends(
        "304 with a body", _lines("304 Said", _LENGTH, body=_GOOD), _UNKNOWN
    ),
    _ends("status 999", message(999, _GOOD), _UNKNOWN),
    _ends("status 099", message(99, _GOOD), _UNKNOWN),
    _ends("status 2e2", _lines("2e2 OK", _LENGTH, body=_GOOD), _UNKNOWN),
    _ends(
        "50,000 headers",
        _lines("201 Said", *([b"X: y"] * 50_000), _LENGTH, body=_GOOD),
        _UNKNOWN,
    ),
    _ends(
        "1,000 cookies",
        _lines(
            "201 Said", *([b"Set-Cookie: a=b"] * 1000), _LENGTH, body=_GOOD
        ),
        None,
    ),
    _ends(
        "a header of 1 MB",
        _lines("201 Said", b"X: " + b"x" * _MB, _LENGTH, body=_GOOD),
        _UNKNOWN,
    ),
    _ends("a status line of 1 MB", _lines("201 " + "x" * _MB), _UNKNOWN),
    _ends(
        "headers that are no text",
        _lines("201 Said", b"X-Request-Id: \xff\xfe", _LENGTH, body=_GOOD),
        None,
    ),
    _ends(
        "a header with a zero",
        _lines("201 Said", b"X-Request-Id: a\0b", _LENGTH, body=_GOOD),
        _UNKNOWN,
    ),
    _ends(
        "two lengths",
        _lines("201 Said", _LENGTH, b"Content-Length: 5", body=_GOOD),
        _UNKNOWN,
    ),
    _ends(
        "a length below zero",
        _lines("201 Said", b"Content-Length: -1"),
        _UNKNOWN,
    ),
    _ends(
        "a length of 30 digits",
        _lines("201 Said", b"Content-Length: " + b"9" * 30, body=_GOOD),
        # Before 0.15, h11 takes it for a length.
        _UNKNOWN if _H11 >= "0.15" else _APPLIED,
        ends=True,
    ),
    _ends(
        "chunks and a length",
        _lines(
            "201 Said",
            b"Transfer-Encoding: chunked",
            b"Content-Length: 5",
            body=b"d\r\n" + _GOOD + b"\r\n0\r\n\r\n",
        ),
        None,
    ),
    _ends(
        "a chunk of 2^63 bytes",
        _lines(
            "201 Said",
            b"Transfer-Encoding: chunked",
            body=b"8000000000000000\r\n" + _GOOD,
        ),
        _APPLIED,
        ends=True,
    ),
    _ends(
        "a transfer encoding of its own",
        _lines("201 Said", b"Transfer-Encoding: klingon", body=_GOOD),
        _UNKNOWN,
        ends=True,
    ),
    _ends("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", _UNKNOWN),
    _ends("HTTP/0.9", _GOOD + b"\r\n", _UNKNOWN, ends=True),
)

_LIES = {
    "X-RateLimit-Limit": "5e-324",
    "X-RateLimit-Remaining": "1e308",
    "X-RateLimit-Reset": "-1",
    "Retry-After": "9" * 400,
    "Date": "Fri, 99 Foo 99999 99:99:99 +9999999999",
    "X-Request-Id": "x" * 50_000,
}


def _error(what: str, body: bytes, **headers: str) -> Hostile:
    return _ends(what, message(400, body, headers), _REFUSED)


ERRORS = (
    _error("a 400 of 7 MB", b'{"message": "' + b"x" * 7 * _MB + b'"}'),
    _error("a 400 of 10 MB", b'{"message": "' + b"x" * 10 * _MB + b'"}'),
    _error("a 400, a million deep", b'{"error":' * _MB),
    _error(
        "a 400 with details 500 deep",
        b'{"error": {"details": {"field": ' + b"[" * 500 + b"]" * 500 + b"}}}",
    ),
    _error(
        "a 400 that is wrong in each field",
        json.dumps(
            {
                "error": {
                    "code": ["x"],
                    "message": {"x": 1},
                    "details": {"field": float("nan"), "": None},
                    "request_id": 10**400,
                    "retry_after": float("inf"),
                }
            }
        ).encode(),
    ),
    _ends("lies about the rate", message(201, _GOOD, _LIES), None),
    _ends("a 400 with lies", message(400, b"{}", _LIES), _REFUSED),
    _ends("a 429 with lies", message(429, b"{}", _LIES), _REFUSED),
)

ROWS = (*BODIES, *HEADS, *ERRORS)
