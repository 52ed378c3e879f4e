"""Which exception of httpx is which failure."""

from __future__ import annotations

import re
import ssl
from functools import cache
from http import HTTPStatus
from typing import Any

import attrs

from sesamy_async._outcome import Failure, FailureKind


_Kind = tuple[type[BaseException], FailureKind, str]
_STATUS = re.compile("[1-5][0-9]{2}(?= )")
# Of a SOCKS proxy, in httpcore's words.
_SOCKS = re.compile(
    "Proxy Server could not connect: [A-Za-z ]{1,40}|Invalid username/password"
)
_ALERT = re.compile("[A-Z0-9_]{1,60}")
# What a server says in TLS of nothing but the certificate of a client.  In
# TLS 1.3 that comes after the client's handshake is done.
_OF_CERTIFICATES = re.compile(
    "(TLSV1|TLSV13|SSLV3)_ALERT_(CERTIFICATE_(REQUIRED|EXPIRED|REVOKED|"
    "UNKNOWN)|(BAD|UNSUPPORTED)_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)"
)
_BEFORE_SENDING = {FailureKind.REQUEST, FailureKind.CONNECT}


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
    if isinstance(error, httpx.ProxyError):
        words = _refused(str(error))
    if kind is FailureKind.BROKEN and (alert := tls_alert(error)):
        words = f"{words.rstrip('.')}: TLS says {_readable(alert)}."
    if status_code is not None:
        kind = FailureKind.BODY
        words = "its body is cut short or broken."
    return Failure(kind=kind, detail=words, sent=sent, status_code=status_code)


def untraced(
    failure: Failure, error: BaseException, *, known: bool
) -> Failure:
    """Return what a failure means of which no trace was seen.

    The class of an exception says that nothing was sent only where we know
    who raised it: other transports raise `ConnectTimeout` for a connection
    that was lost after the request had left.

    Args:
        failure: As `failure_of` returned it.
        error: As raised.
        known: Whether the transport raises httpx's exceptions for what
            httpx means by them.
    """
    settled = failure.sent is not None or failure.status_code is not None
    if settled or failure.kind not in _BEFORE_SENDING:
        return failure
    if known:
        return attrs.evolve(failure, sent=False)
    return attrs.evolve(
        failure,
        kind=FailureKind.BROKEN,
        detail=f"{type(error).__name__} was raised by a transport that does "
        "not tell whether the request was sent.",
    )


def unread(failure: Failure, error: BaseException) -> Failure:
    """Return what a failure means on a connection of ours that was new.

    In TLS 1.3 a client may write before the server has looked at its
    certificate.  A server that refuses that one has read nothing else.
    """
    alert = tls_alert(error)
    refused = alert is not None and _OF_CERTIFICATES.fullmatch(alert)
    if not refused or failure.kind is not FailureKind.BROKEN:
        return failure
    return attrs.evolve(
        failure,
        kind=FailureKind.CONNECT,
        sent=False,
        detail="No connection: the server did not accept our certificate, or "
        f"that we showed none (TLS says {_readable(str(alert))}); give one "
        "with Connections(ssl_context=...).",
    )


def over_proxy(failure: Failure, proxy: str, *, behind: bool) -> Failure:
    """Name the proxy in a failure that came before anything was sent.

    Args:
        failure: Of a connection that goes through it.
        proxy: Its name.
        behind: Whether it had led to the target.
    """
    if failure.sent is not False or failure.kind is FailureKind.REQUEST:
        return failure
    where = "through" if behind else "at"
    words = f"{failure.detail.rstrip('.')} ({where} the proxy {proxy})."
    return attrs.evolve(failure, detail=words)


def tls_alert(error: BaseException) -> str | None:
    """Return OpenSSL's name for why TLS ended, if that is what ended."""
    seen: BaseException | None = error
    while seen is not None:
        reason = seen.reason if isinstance(seen, ssl.SSLError) else None
        if reason and _ALERT.fullmatch(reason):
            return reason
        seen = seen.__cause__ or seen.__context__
    return None


def _readable(alert: str) -> str:
    return f'"{alert.replace("_", " ").lower()}"'


def _refused(said: str) -> str:
    """Say why a proxy refused, but for words of its own."""
    if found := _STATUS.match(said):
        status = int(found[0])
        names = {each.value: each.phrase for each in HTTPStatus}
        named = f"{status} {names.get(status, '')}".rstrip()
        more = _PROXY_ADVICE.get(status, "")
        return f"The proxy refused: {named}{more}."
    if found := _SOCKS.match(said):
        return f"The proxy refused: {found[0]}."
    return "The proxy refused."


_PROXY_ADVICE = {
    403: "; it does not let us reach this host",
    407: "; its URL needs another user and password",
}
