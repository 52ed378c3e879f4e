"""The ways in which a server can answer, and fail to."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Mapping
from typing import Any

import attrs

from .fault_server import Peer, Step


SECRET = "Ada Lovelace"
"""A word in the bodies of answers that no message may repeat."""


def good(peer: Peer) -> None:
    """Answer a create with a new contract, and a confirm with its own."""
    received = peer.read_request()
    contract = f"c-{peer.number_of_requests}"
    if received.operation == "confirm":
        contract = received.target.rpartition("/")[2]
    peer.send(message(201, {"id": contract, "name": SECRET}))


def message(
    status: int,
    body: bytes | Mapping[str, Any] = b"",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """Return an answer as it goes over the wire."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"Content-Length": str(len(content)), **(headers or {})}
    lines = [f"{name}: {value}" for name, value in named.items()]
    head = "\r\n".join([f"HTTP/1.1 {status} Said", *lines, "", ""])
    return head.encode() + content


@attrs.frozen
class Raw:
    """A step that answers a whole request; then it stays, or closes."""

    data: bytes
    stay: bool

    def __call__(self, peer: Peer) -> None:
        """Do it."""
        peer.read_request()
        peer.send(self.data)
        if not self.stay:
            peer.close()


def answer(
    status: int,
    body: bytes | Mapping[str, Any] = b"",
    headers: Mapping[str, str] | None = None,
) -> Raw:
    """Answer a whole request with this."""
    return raw(message(status, body, headers))


def raw(data: bytes, *, stay: bool = True) -> Raw:
    """Answer a whole request with these bytes; then stay, or close."""
    return Raw(data, stay)


def halves(first: bytes, seconds: float, second: bytes) -> Step:
    """Answer with something, pause, and something more."""

    def step(peer: Peer) -> None:
        peer.read_request()
        peer.send(first)
        peer.pause(seconds)
        peer.send(second)

    return step


def drip(first: bytes, each: bytes, pause: float = 0.05) -> Step:
    """Answer with something, then with a little now and then, for ever."""

    def step(peer: Peer) -> None:
        peer.read_request()
        peer.send(first)
        while True:
            peer.pause(pause)
            peer.send(each)

    return step


def slow_then_silent(peer: Peer) -> None:
    """Answer a create after a while, and a confirm not at all."""
    if peer.read_request().operation == "confirm":
        peer.hang()
    peer.pause(0.05)
    peer.send(message(201, {"id": "c-1"}))


def hang(peer: Peer) -> None:
    """Accept the connection, and that is all."""
    peer.hang()


def silent(peer: Peer) -> None:
    """Read the whole request, and don't answer."""
    peer.read_request()
    peer.hang()


def shake_hands(peer: Peer) -> None:
    """Speak TLS, and wait for what comes of it."""
    peer.secure()
    peer.read_some()


def babble(peer: Peer) -> None:
    """Answer whatever comes, but not in its language."""
    peer.read_some()
    peer.send(b"HTTP/1.1 400 Said\r\n\r\n")


def reset_first(peer: Peer) -> None:
    """Break off as soon as the client says something (in TLS: hello)."""
    peer.read_some(1)
    peer.reset()


def close_first(peer: Peer) -> None:
    """Say goodbye as soon as the client says something."""
    peer.read_some()
    peer.close()


def reset_answer(peer: Peer) -> None:
    """Read the whole request, and break off."""
    peer.read_request()
    peer.reset()


def close_answer(peer: Peer) -> None:
    """Read the whole request, and say goodbye."""
    peer.read_request()
    peer.close()


def early_413(peer: Peer) -> None:
    """Refuse before the body was read; closing then means a reset."""
    peer.secure()
    peer.read_head()
    peer.send(message(413, b"", {"Connection": "close"}))
    peer.reset()


def flood(peer: Peer) -> None:
    """Say "100 Continue" for two seconds, as fast as it goes."""
    peer.read_request()
    end = time.monotonic() + 2.0
    while time.monotonic() < end:
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)


def read_slowly(peer: Peer) -> None:
    """Read so slowly that 16 MB take two seconds."""
    while True:
        peer.pause(0.025)
        peer.read_some(200_000)


def gabble(peer: Peer) -> None:
    """Begin a TLS record, and drip the rest of it."""
    peer.read_some()
    peer.send(b"\x16\x03\x03\x40\x00")
    while True:
        peer.pause(0.05)
        peer.send(b"\0")


def tunnel(inside: Step) -> Step:
    """Be a proxy whose CONNECT succeeds; then be the target."""

    def step(peer: Peer) -> None:
        if not peer.tunnelled:
            peer.tunnelled = True
            peer.read_head()
            peer.send(b"HTTP/1.1 200 Connected\r\n\r\n")
        inside(peer)

    return step


def refuse_tunnel(status: int) -> Step:
    """Be a proxy that refuses to CONNECT."""

    def step(peer: Peer) -> None:
        peer.read_head()
        peer.send(message(status, SECRET.encode()))
        peer.close()

    return step


def drip_tunnel(peer: Peer) -> None:
    """Be a proxy whose CONNECT is answered byte by byte."""
    peer.read_head()
    peer.send(b"HTTP/1.1 200 Connected\r\nX: ")
    while True:
        peer.pause(0.05)
        peer.send(b"x")


BOMB = gzip.compress(bytes(30_000_000))
"""29 KB that become 30 MB."""
