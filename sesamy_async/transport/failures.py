"""Which exception of httpx is which failure."""

from __future__ import annotations

import httpx

from sesamy_async.core.failure import Failure, FailureKind


_KINDS: tuple[tuple[type[BaseException], FailureKind, str], ...] = (
    (httpx.PoolTimeout, FailureKind.CONNECT, "No connection became free."),
    (httpx.ConnectTimeout, FailureKind.CONNECT, "Connecting took too long."),
    (httpx.ConnectError, FailureKind.CONNECT, "No connection"),
    (httpx.ProxyError, FailureKind.CONNECT, "The proxy refused."),
    (httpx.TimeoutException, FailureKind.TIMEOUT, "No answer in time."),
    (httpx.DecodingError, FailureKind.BODY, "its body can't be decoded."),
    (
        httpx.LocalProtocolError,
        FailureKind.REQUEST,
        "A header can't be sent: look for line breaks in what was given.",
    ),
    (
        httpx.UnsupportedProtocol,
        FailureKind.REQUEST,
        "The URL is neither http nor https.",
    ),
    (httpx.InvalidURL, FailureKind.REQUEST, "The URL can't be sent."),
    (
        UnicodeError,
        FailureKind.REQUEST,
        "A header can't be sent: it may hold ASCII only.",
    ),
    (httpx.TransportError, FailureKind.BROKEN, "The connection broke."),
)


def failure_of(
    error: BaseException, *, sent: bool | None, status_code: int | None
) -> Failure:
    """Return what `error` means; what is foreign to httpx is a break.

    Its own words are used only where no connection was made: elsewhere
    they may repeat a header, the URL, or what the server sent.

    Args:
        error: As raised.
        sent: Whether the head began to leave; None for unknown.
        status_code: Where a status line was read.
    """
    kind, words = FailureKind.BROKEN, f"{type(error).__name__} was raised."
    for cause, its_kind, its_words in _KINDS:
        if isinstance(error, cause):
            kind, words = its_kind, its_words
            break
    if isinstance(error, httpx.ConnectError):
        words = f"{words}: {str(error) or 'refused'}."
    if status_code is not None:
        kind = FailureKind.BODY
        words = "its body is cut short or broken."
    return Failure(kind=kind, detail=words, sent=sent, status_code=status_code)
