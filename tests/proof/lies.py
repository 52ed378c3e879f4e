"""Answers that break the rules of HTTP/1.1, made up at random."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from random import Random

import attrs

from support.fault_server import Peer
from support.faults import message


STALE = message(201, {"id": "stale"})

_MUCH = 2**16
_STATUSES = (
    *[200, 201] * 6,
    *(202, 204, 205, 302, 304, 307, 400, 404, 408, 429, 503),
)
_VERSIONS = (*[b"HTTP/1.1"] * 8, b"HTTP/1.0", b"HTTP/2.0", b"http/1.1", b"X")
_BEFORE = (
    *[b""] * 12,
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n" * 50,
    b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
    b"\r\n",
)
_EXTRA = (
    *[b""] * 12,
    b"Connection: close\r\n",
    b"Connection: keep-alive, Upgrade\r\nUpgrade: h2c\r\n",
    b"X : y\r\n",
    b"X: y\r\n folded\r\n",
    b"no colon\r\n",
    b"X: \0\r\n",
    b"X: \xe5\r\n",
    b"X: " + b"x" * 300_000 + b"\r\n",
    b"Content-Encoding: br\r\n",
    b"Trailer: X\r\n",
)
_BEHIND = (*[b""] * 4, STALE, STALE[:30], b"\r\n", b"0\r\n\r\n", b"\0" * 99)


@attrs.frozen
class Lie:
    """An answer that may be none.

    Attributes:
        contract: The one that it creates, if any.
        parts: What is sent, one after the other.
        stay: Whether the connection is left open then.
        early: Whether it begins before the request was read.
    """

    contract: str
    parts: tuple[bytes, ...]
    stay: bool
    early: bool

    def __call__(self, peer: Peer) -> None:
        """Tell it."""
        peer.secure()
        if self.early:
            peer.next_request_begins()
        else:
            peer.read_request()
        for part in self.parts:
            peer.send(part)
        if self.early:
            peer.read_request()
        if not self.stay:
            peer.close()


_Framing = Callable[[bytes], tuple[bytes, bytes]]


def _length(template: str) -> _Framing:
    """Frame a body by its length, or by what claims to be it."""

    def frame(body: bytes) -> tuple[bytes, bytes]:
        size = len(body)
        said = template.format(size=size, less=size // 2, more=size + 9)
        return said.encode() + b"\r\n", body

    return frame


def _chunks(template: bytes, said: bytes = b"chunked") -> _Framing:
    """Frame a body in chunks, or in what claims to be some."""

    def frame(body: bytes) -> tuple[bytes, bytes]:
        chunk = b"%x" % len(body), body
        return b"Transfer-Encoding: %b\r\n" % said, template % chunk

    return frame


def _both(body: bytes) -> tuple[bytes, bytes]:
    said, framed = _chunks(b"%b\r\n%b\r\n0\r\n\r\n")(body)
    return said + b"Content-Length: 5\r\n", framed


# Those of which a client knows where they end, or that they are wrong.
_ENDING: tuple[_Framing, ...] = (
    *[_length("Content-Length: {size}")] * 3,
    _length("Content-Length: {less}"),
    _length("Content-Length: -{size}"),
    _length("Content-Length: +{size}"),
    _length("Content-Length: {size}, {size}"),
    _length("Content-Length: {size}\r\nContent-Length: {size}"),
    _length("Content-Length: {size}\r\nContent-Length: {less}"),
    _length("Content-Length: 0{size}"),
    _length("Content-Length: 0x{size}"),
    _length("Content-Length: " + "9" * 30),
    _length("Content-Length:"),
    *[_chunks(b"%b\r\n%b\r\n0\r\n\r\n")] * 2,
    _chunks(b"000%b;a=b\r\n%b\r\n0;c\r\nX: y\r\n\r\n"),
    _chunks(b"%b\r\n%b!!0\r\n\r\n"),
    _chunks(b"-%b\r\n%b\r\n0\r\n\r\n"),
    _chunks(b"0x%b\r\n%b\r\n0\r\n\r\n"),
    _chunks(b"%b\r\n%b\r\n0\r\nno colon\r\n\r\n"),
    _chunks(b"%b\r\n%b\r\n0\r\n\r\n", b"gzip, chunked"),
    _chunks(b"%b\r\n%b\r\n0\r\n\r\n", b"chunked\r\nTransfer-Encoding: x"),
    _both,
)
# Those that only the end of the connection ends.
_ENDLESS: tuple[_Framing, ...] = (
    _length("X-No: length"),
    _length("Content-Length: {more}"),
    _chunks(b"%b\r\n%b\r\n"),
    _chunks(b"f%b\r\n%b\r\n0\r\n\r\n"),
    _chunks(b"%b\n%b\n0\n\n"),
)


def a_lie(random: Random, contract: str) -> Lie:
    """Make one up, in which nothing else than `contract` is created."""
    content = json.dumps({"id": contract}).encode()
    zipped = random.random() < 0.2
    body = random.choice((*[content] * 5, b"", b"<html>", content[:-1]))
    body = gzip.compress(body, mtime=0) if zipped else body
    ending = random.random() < 0.8
    said, framed = random.choice(_ENDING if ending else _ENDLESS)(body)
    version = random.choice(_VERSIONS)
    head = b"%b %d Said\r\n" % (version, random.choice(_STATUSES))
    head += random.choice(_EXTRA) + said
    head += b"Content-Encoding: gzip\r\n" if zipped else b""
    answer = random.choice(_BEFORE) + head + b"\r\n" + framed
    answer += random.choice(_BEHIND)
    cut = random.randrange(len(answer))
    sure = version == b"HTTP/1.1" and ending and "9" * 30 not in str(said)
    return Lie(
        contract,
        (answer[:cut], answer[cut:]) if cut else (answer,),
        stay=sure and random.random() < 0.7,
        # A client that has seen enough of it sends no request.
        early=len(answer) < _MUCH and random.random() < 0.2,
    )
