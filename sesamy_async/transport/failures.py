"""Which exception of httpx is which failure."""

from __future__ import annotations

from functools import cache
from typing import Any

from sesamy_async.core.failure import Failure, FailureKind


_Kind = tuple[type[BaseException], FailureKind, str]


@cache
def _kinds(httpx: Any) -> tuple[_Kind, ...]:
    """Return the families of what an httpx raises, special ones first."""
    connect, request = FailureKind.CONNECT, FailureKind.REQUEST
    return (
        (httpx.PoolTimeout, connect, "No connection became free."),
        (httpx.ConnectTimeout, connect, "Connecting took too long."),
        (httpx.ConnectError, connect, "No connection"),
        (httpx.ProxyError, connect, "The proxy refused."),
        (httpx.TimeoutException, FailureKind.TIMEOUT, "No answer in time."),
        (
            httpx.DecodingError,
            FailureKind.BODY,
            "its body can't be decoded.",
        ),
        (
            httpx.LocalProtocolError,
            request,
            "A header can't be sent: look for line breaks in what was given.",
        ),
        (
            httpx.UnsupportedProtocol,
            request,
            "The URL is neither http nor https.",
        ),
        (httpx.InvalidURL, request, "The URL can't be sent."),
        (
            UnicodeEncodeError,
            request,
            "A header can't be sent: it may hold ASCII only.",
        ),
        (httpx.TransportError, FailureKind.BROKEN, "The connection broke."),
    )


def is_foreign(error: BaseException, httpx: Any) -> bool:
    """Whether it is none of httpx's: a mistake in somebody's code."""
    own = (httpx.HTTPError, httpx.InvalidURL, UnicodeError)
    return not isinstance(error, own)


def as_of_httpx(error: Exception, httpx: Any) -> Exception:
    """Return what httpx makes of an exception of httpcore's: its namesake."""
    kind = getattr(httpx, type(error).__name__, None)
    return error if kind is None else kind(str(error))


def failure_of(
    error: BaseException,
    httpx: Any,
    *,
    sent: bool | None,
    status_code: int | None,
) -> Failure:
    """Return what `error` means; what is foreign to httpx is a break.

    Its own words are used only where no connection was made: elsewhere
    they may repeat a header, the URL, or what the server sent.

    Args:
        error: As raised.
        httpx: The module that was used.
        sent: Whether the head began to leave; None for unknown.
        status_code: Where a status line was read.
    """
    kind, words = FailureKind.BROKEN, f"{type(error).__name__} was raised."
    for cause, its_kind, its_words in _kinds(httpx):
        if isinstance(error, cause):
            kind, words = its_kind, its_words
            break
    if isinstance(error, httpx.ConnectError):
        # A system's refusal has words; what ends in a handshake may have none.
        words = f"{words}: {str(error) or 'it ended before it was ready'}."
    if status_code is not None:
        kind = FailureKind.BODY
        words = "its body is cut short or broken."
    return Failure(kind=kind, detail=words, sent=sent, status_code=status_code)
