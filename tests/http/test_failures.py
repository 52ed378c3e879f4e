"""Which exception is which failure, and when a request left this machine."""

from __future__ import annotations

import ssl
from typing import Any

import httpcore
import httpx
import httpx2
import pytest

from sesamy_async._call import Record
from sesamy_async._http.failures import FailureFacts, failure_of, tls_alert
from sesamy_async._http.peers import SendTracker
from sesamy_async._outcome import Failure, FailureKind, TransportFailure


BEFORE = FailureFacts(sent=False)
AFTER = FailureFacts(sent=True)
ON_NEW = FailureFacts(sent=True, unread=True)


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
        # Of an answer, in a transport of the user's: it was sent.
        ("é".encode().decode, FailureKind.BROKEN),
        (httpx.DecodingError("x"), FailureKind.BODY),
        (RuntimeError("x"), FailureKind.BROKEN),
    ],
)
def test_kinds(error: Any, kind: FailureKind) -> None:
    """Every exception of httpx has its family, and of httpx2 the same."""
    if callable(error):
        with pytest.raises(UnicodeError) as caught:
            error("ascii")
        error = caught.value
    twin = getattr(httpx2, type(error).__name__, None)
    for each in (error, twin("x") if twin else error):
        assert kind is failure_of(each, FailureFacts()).kind


def test_an_exception_of_the_same_name() -> None:
    """What only has such a name is none of httpx's."""
    theirs = type("ConnectError", (Exception,), {})

    assert FailureKind.BROKEN is failure_of(theirs(), FailureFacts()).kind


def test_a_proxy_that_is_not_for_socks() -> None:
    """What httpx's SOCKS raises, unlike httpx itself, is about the proxy."""
    module = {"__module__": "socksio.exceptions"}
    error = type("ProtocolError", (Exception,), module)("CANARY")
    facts = FailureFacts(sent=False, proxy="a.test:1")

    assert Failure(
        kind=FailureKind.CONNECT,
        detail="The proxy does not speak SOCKS5 (at the proxy a.test:1).",
        sent=False,
    ) == failure_of(error, facts)


@pytest.mark.parametrize(
    ("error", "facts", "expected"),
    [
        # Why there is no connection is said.
        (
            httpx.ConnectError("[Errno 111] Connection refused"),
            BEFORE,
            "No connection: [Errno 111] Connection refused.",
        ),
        # Asyncio has no words for a peer that ends a TLS handshake.
        (
            httpx.ConnectError(""),
            BEFORE,
            "No connection: it ended before it was ready.",
        ),
        # The words of httpx may repeat a header: they are not used.
        (
            httpx.LocalProtocolError("Illegal header value b'Bearer CANARY'"),
            BEFORE,
            (
                "A header can't be sent. Look for line breaks in the given "
                "headers."
            ),
        ),
        (
            httpx.ProxyError("Proxy Server could not connect: No route."),
            BEFORE,
            "The proxy refused: Proxy Server could not connect: No route.",
        ),
        (
            httpx.ProxyError("Invalid username/password"),
            BEFORE,
            "The proxy refused: Invalid username/password.",
        ),
        # Only words that can't be the proxy's own are repeated.
        (httpx.ProxyError("CANARY"), BEFORE, "The proxy refused."),
        (
            httpx.ProxyError("502 CANARY"),
            BEFORE,
            "The proxy refused: 502 Bad Gateway.",
        ),
        # A proxy is named only where it may be the cause.
        (
            httpx.ConnectTimeout("x"),
            FailureFacts(sent=False, proxy="p:1"),
            "Connecting took too long (at the proxy p:1).",
        ),
        (
            httpx.ConnectTimeout("x"),
            FailureFacts(sent=False, proxy="p:1", behind_proxy=True),
            "Connecting took too long (through the proxy p:1).",
        ),
        (
            httpx.InvalidURL("x"),
            FailureFacts(sent=False, proxy="p:1"),
            "The URL can't be sent.",
        ),
        (
            httpx.ReadError("x"),
            FailureFacts(sent=True, proxy="p:1"),
            "The connection broke.",
        ),
        # Whatever ended it, the deadline had passed.
        (
            httpx.ConnectTimeout("x"),
            FailureFacts(sent=False, proxy="p:1", late=True),
            "The deadline passed.",
        ),
    ],
)
def test_words(error: Exception, facts: FailureFacts, expected: str) -> None:
    """A failure says what happened, and nothing secret or personal."""
    failure = failure_of(error, facts)

    assert (expected, facts.sent) == (failure.detail, failure.sent)


@pytest.mark.parametrize("late", [False, True])
def test_after_the_status(late: bool) -> None:
    """After the status, every failure is one of the body."""
    facts = FailureFacts(sent=True, status_code=200, unread=True, late=late)
    error = alert("TLSV1_ALERT_UNKNOWN_CA")

    assert Failure(
        kind=FailureKind.BODY,
        detail="its body is cut short or broken.",
        sent=True,
        status_code=200,
    ) == failure_of(error, facts)


def test_a_failure_says_what_happened() -> None:
    """Its exception has the same words, should it ever be seen."""
    failure = Failure(kind=FailureKind.BROKEN, detail="It broke.")

    assert "It broke." == str(TransportFailure(failure))


def alert(reason: str | None) -> httpx.ReadError:
    """Return what httpx raises of an alert, as deep as it comes."""
    inner = ssl.SSLError(1, "CANARY")
    inner.reason = reason  # type: ignore[assignment]
    middle = httpcore.ReadError("CANARY")
    middle.__context__ = inner
    error = httpx.ReadError("CANARY")
    error.__cause__ = middle
    return error


@pytest.mark.parametrize(
    ("reason", "facts", "kind", "words"),
    [
        (
            f"{version}_ALERT_{name}",
            ON_NEW,
            FailureKind.CONNECT,
            f'(TLS says "{version} alert {name}"'.lower().replace("_", " "),
        )
        for version, name in (
            ("TLSV13", "CERTIFICATE_REQUIRED"),
            ("TLSV1", "UNKNOWN_CA"),
            ("SSLV3", "BAD_CERTIFICATE"),
            ("SSLV3", "CERTIFICATE_EXPIRED"),
            ("TLSV1", "ACCESS_DENIED"),
        )
    ]
    + [
        ("TLSV1_ALERT_UNKNOWN_CA", AFTER, FailureKind.BROKEN, "unknown ca"),
        (
            "TLSV1_ALERT_INTERNAL_ERROR",
            ON_NEW,
            FailureKind.BROKEN,
            'broke: tls says "tlsv1 alert internal error".',
        ),
        ("CANARY of a server", ON_NEW, FailureKind.BROKEN, "broke."),
        (None, ON_NEW, FailureKind.BROKEN, "broke."),
    ],
)
def test_alerts(
    reason: str | None, facts: FailureFacts, kind: FailureKind, words: str
) -> None:
    """An alert about our certificate says that nothing else was read."""
    failure = failure_of(alert(reason), facts)

    assert kind is failure.kind
    assert failure.sent is (kind is not FailureKind.CONNECT)
    assert words in failure.detail.lower()
    assert "CANARY" not in failure.detail


def test_no_alert() -> None:
    """An error that has nothing to do with TLS has none."""
    assert None is tls_alert(httpx.ReadError("x"))


class Named:
    """An httpcore request, as the trace shows it."""

    def __init__(self, method: bytes) -> None:
        self.method = method


Event = tuple[str, dict[str, Any]]


def started(method: bytes, protocol: str = "http11") -> Event:
    """Return the event of a head that begins to leave."""
    name = f"{protocol}.send_request_headers.started"
    return name, {"request": Named(method)}


def failed(error: Exception) -> Event:
    """Return the event of a head that could not be written."""
    return "http11.send_request_headers.failed", {"exception": error}


ILLEGAL = httpx.LocalProtocolError("x")
CONNECTING: Event = "connection.connect_tcp.started", {}
HTTP2: Event = "http2.send_connection_init.started", {}


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], None),
        ([CONNECTING], False),
        ([started(b"POST")], True),
        ([started(b"CONNECT")], False),
        ([started(b"CONNECT"), started(b"POST")], True),
        ([started(b"POST"), failed(ILLEGAL)], False),
        ([started(b"POST"), failed(httpx.WriteError("x"))], True),
        (
            [
                started(b"POST"),
                ("http11.receive_response_headers.started", {}),
            ],
            True,
        ),
        # HTTP/2, in a client of the user's.
        ([HTTP2], None),
        ([HTTP2, started(b"POST", "http2")], True),
        # A transport of the user's that tries again by itself.
        ([started(b"POST"), CONNECTING, started(b"CONNECT")], True),
        ([started(b"POST"), started(b"POST"), failed(ILLEGAL)], True),
    ],
)
async def test_what_was_sent(
    events: list[Event], expected: bool | None
) -> None:
    """Only our own request's head counts as sent, and only once it left."""
    record = Record()
    tracker = SendTracker(record)
    for name, info in events:
        await tracker.on_event_async(name, info)

    assert expected is record.sent
