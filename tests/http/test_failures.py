"""Which exception of httpx is which failure."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from sesamy_async._http import failure_of
from sesamy_async._outcome import Failure, FailureKind, TransportFailure


HEAD = "http11.send_request_headers."


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.PoolTimeout("x"), FailureKind.CONNECT),
        (httpx.ConnectTimeout("x"), FailureKind.CONNECT),
        (httpx.ConnectError("x"), FailureKind.CONNECT),
        (httpx.ProxyError("x"), FailureKind.CONNECT),
        (httpx.ReadTimeout("x"), FailureKind.TIMEOUT),
        (httpx.WriteTimeout("x"), FailureKind.TIMEOUT),
        (httpx.ReadError("x"), FailureKind.BROKEN),
        (httpx.WriteError("x"), FailureKind.BROKEN),
        (httpx.CloseError("x"), FailureKind.BROKEN),
        (httpx.RemoteProtocolError("x"), FailureKind.BROKEN),
        (httpx.LocalProtocolError("x"), FailureKind.REQUEST),
        (httpx.UnsupportedProtocol("x"), FailureKind.REQUEST),
        (httpx.InvalidURL("x"), FailureKind.REQUEST),
        ("é".encode, FailureKind.REQUEST),
        # Of an answer, in a transport of the caller's: it was sent.
        ("é".encode().decode, FailureKind.BROKEN),
        (httpx.DecodingError("x"), FailureKind.BODY),
        (RuntimeError("x"), FailureKind.BROKEN),
    ],
)
def test_failure_kinds(error: Any, kind: FailureKind) -> None:
    """Every exception of httpx has its family."""
    if callable(error):
        with pytest.raises(UnicodeError) as caught:
            error("ascii")
        error = caught.value
    failure = failure_of(error, httpx, sent=None, status_code=None)

    assert kind is failure.kind


def test_failure_words() -> None:
    """The words of httpx may repeat a header: they are not used."""
    error = httpx.LocalProtocolError("Illegal header value b'Bearer CANARY'")
    failure = failure_of(error, httpx, sent=False, status_code=None)

    assert "CANARY" not in failure.detail


def test_failure_words_of_connecting() -> None:
    """Why there is no connection is said."""
    error = httpx.ConnectError("[Errno 111] Connection refused")
    failure = failure_of(error, httpx, sent=False, status_code=None)

    assert "No connection: [Errno 111] Connection refused." == failure.detail


def test_failure_without_words() -> None:
    """Asyncio says nothing of who hangs up in a TLS handshake."""
    error = httpx.ConnectError("")
    failure = failure_of(error, httpx, sent=False, status_code=None)

    assert "No connection: it ended before it was ready." == failure.detail


def test_failure_after_the_status() -> None:
    """After the status, every failure is one of the body."""
    error = httpx.ReadTimeout("x")
    failure = failure_of(error, httpx, sent=True, status_code=200)

    assert (FailureKind.BODY, 200) == (failure.kind, failure.status_code)


def test_a_failure_says_what_happened() -> None:
    """Should one ever be seen, its message is what the transport saw."""
    failure = Failure(kind=FailureKind.BROKEN, detail="It broke.")

    assert "It broke." == str(TransportFailure(failure))
