"""A server that tells all it knows, in every way that a call can end."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote_plus

import attrs

from sesamy_async import Outcome

from .canaries import CANARIES, TOKEN
from .fault_server import FaultServer, Peer, Received, Step
from .faults import message


Reply = Callable[[Received], bytes | None]
"""Returns the bytes of an answer, or None for a reset."""


@attrs.frozen(kw_only=True)
class Scene:
    """One way in which a call ends, with all canaries in the answers."""

    what: str  # The id of the test.
    outcome: Outcome | None  # Of a create; None for a contract.
    api: Reply  # To an order.
    token: Reply  # To the token call.

    def server(self) -> FaultServer:
        """Return a server that plays it for all that comes."""
        return FaultServer([], _routed(self.api, self.token))


def _routed(api: Reply, token: Reply) -> Step:
    def step(peer: Peer) -> None:
        received = peer.read_request()
        reply = token if "/oauth/" in received.target else api
        answer = reply(received)
        if answer is None:
            peer.reset()
        else:
            peer.send(answer)

    return step


def _echo(received: Received) -> str:
    """Return all that came, as a chatty server would, JSON and words."""
    sent = received.body.decode()
    words = unquote_plus(f"{received.target} {sent}")
    authorization = received.headers.get("authorization", "")
    return f"{sent} {words} {' '.join(_words(sent))} {authorization}"


def _words(sent: str) -> Iterator[str]:
    """Return the strings in a JSON document."""
    for _, value in re.findall(r'"(\w+)":"([^"]+)"', sent):
        yield value


def _told(status: int) -> Reply:
    def reply(received: Received) -> bytes:
        echo = _echo(received)
        details = {"field": echo, "reason": [echo], echo: echo}
        error = {"code": echo, "message": echo, "details": details}
        return message(status, {"error": error})

    return reply


def _flat(status: int) -> Reply:
    return lambda received: message(
        status,
        {"error": _echo(received), "error_description": _echo(received)},
    )


def _text(status: int, before: str = "") -> Reply:
    return lambda received: message(
        status, (before + _echo(received)).encode()
    )


def _cut(received: Received) -> bytes:
    text = _text(201)(received)
    return b"" if text is None else text[:-9] + b"\0" * 9


def _zipped(received: Received) -> bytes:
    packed = gzip.compress(_echo(received).encode())[:-6] + b"broken"
    return message(201, packed, {"Content-Encoding": "gzip"})


def _large(received: Received) -> bytes:
    return message(201, (_echo(received) * 2_000).encode())


def _reset(received: Received) -> None:
    del received


def _contract(received: Received) -> bytes:
    known = {**CANARIES, "name": "Everything", "manageUrl": _echo(received)}
    return message(201, {"id": "c-1", **known})


def _given(received: Received) -> bytes:
    del received
    return message(200, {"access_token": TOKEN, "expires_in": 3600})


def _mute(received: Received) -> bytes:
    del received
    return b"HTTP/1.1 100 Continue\r\n\r\n"


def _api(what: str, outcome: Outcome | None, api: Reply) -> Scene:
    return Scene(what=what, outcome=outcome, api=api, token=_given)


def _token(what: str, outcome: Outcome, token: Reply) -> Scene:
    return Scene(
        what=f"token call: {what}", outcome=outcome, api=_reset, token=token
    )


_NOT, _NO = Outcome.NOT_SENT, Outcome.REFUSED
_UNKNOWN, _DONE = Outcome.UNKNOWN, Outcome.APPLIED

SCENES = (
    _api("success", None, _contract),
    *(_api(f"{code}", _NO, _told(code)) for code in (400, 401, 403, 404)),
    *(_api(f"{code}", _NO, _told(code)) for code in (409, 422, 429)),
    *(_api(f"{code}", _UNKNOWN, _told(code)) for code in (302, 408, 500, 503)),
    _api("flat 400", _NO, _flat(400)),
    _api("plain 400", _NO, _text(400)),
    _api("HTML 502", _UNKNOWN, _text(502, "<html>")),
    _api("no JSON", _UNKNOWN, _text(201, "<html>")),
    _api("JSON without an id", _UNKNOWN, _told(201)),
    _api("half a contract", _DONE, _text(201, '{"id": "c-1", "x": "')),
    _api("ends in zeros", _DONE, _cut),
    _api("broken gzip", _DONE, _zipped),
    _api("too large", _DONE, _large),
    _api("reset", _UNKNOWN, _reset),
    _api("silence", _UNKNOWN, _mute),
    # httpcore logs the first line of what is no HTTP, and headers.
    _api("no HTTP", _UNKNOWN, lambda _: b"SSH-2.0-OpenSSH_9.9\r\n"),
    *(_token(f"{code}", _NO, _flat(code)) for code in (302, 400, 401, 403)),
    *(_token(f"{code}", _NOT, _told(code)) for code in (408, 429, 500)),
    _token("envelope", _NO, _told(403)),
    _token("plain text", _NO, _text(401)),
    _token("HTML", _NOT, _text(502, "<html>")),
    _token("plain success", _NO, _text(200)),
    _token("no token", _NO, _flat(200)),
    _token(
        "a token with a line break",
        _NO,
        lambda _: message(200, {"access_token": f"{TOKEN}\n{TOKEN}"}),
    ),
    _token(
        "a token that is no text",
        _NO,
        lambda _: message(200, {"access_token": [json.dumps(CANARIES)]}),
    ),
    _token("reset", _NOT, _reset),
    _token("silence", _NOT, _mute),
)
