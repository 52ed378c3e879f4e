"""Turn the exceptions of httpx into failures."""

from __future__ import annotations

import re
import ssl
from http import HTTPStatus

import attrs

from sesamy_async._outcome import Failure, FailureKind


_STATUS = re.compile("[1-5][0-9]{2}(?= )")
# Of a SOCKS proxy, in httpcore's words.
_SOCKS = re.compile(
    "Proxy Server could not connect: [A-Za-z ]{1,40}|Invalid username/password"
)
_ALERT = re.compile("[A-Z0-9_]{1,60}")
# Alerts that are only about the certificate of a client.  In TLS 1.3 they come
# after the client's handshake.
_OF_CERTIFICATES = re.compile(
    "(TLSV1|TLSV13|SSLV3)_ALERT_(CERTIFICATE_(REQUIRED|EXPIRED|REVOKED|"
    "UNKNOWN)|(BAD|UNSUPPORTED)_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)"
)
_BEFORE_SENDING = {FailureKind.REQUEST, FailureKind.CONNECT}


_BAD_HEADER = "A header can't be sent"
# By the names that httpx and httpx2 have in common, special ones first.
_KINDS = {
    "PoolTimeout": (FailureKind.CONNECT, "No connection became free."),
    "ConnectTimeout": (FailureKind.CONNECT, "Connecting took too long."),
    "ConnectError": (FailureKind.CONNECT, "No connection"),
    "ProxyError": (FailureKind.CONNECT, "The proxy refused."),
    "TimeoutException": (FailureKind.TIMEOUT, "No response in time."),
    "DecodingError": (FailureKind.BODY, "its body can't be decoded."),
    "LocalProtocolError": (
        FailureKind.REQUEST,
        f"{_BAD_HEADER}. Look for line breaks in the given headers.",
    ),
    "UnsupportedProtocol": (
        FailureKind.REQUEST,
        "The URL is neither http nor https.",
    ),
    "InvalidURL": (FailureKind.REQUEST, "The URL can't be sent."),
    "TransportError": (FailureKind.BROKEN, "The connection broke."),
}
_LIBRARIES = {"httpx", "httpx2"}


def _names(error: BaseException) -> set[str]:
    """Return the names of httpx's classes that an error derives from."""
    return {
        each.__name__
        for each in type(error).__mro__
        if each.__module__.partition(".")[0] in _LIBRARIES
    }


def is_foreign(error: BaseException) -> bool:
    """Whether it is none of httpx's: a bug in somebody's code."""
    own = {"HTTPError", "InvalidURL"} & _names(error)
    return not own and not isinstance(error, UnicodeError)


@attrs.frozen(kw_only=True, eq=False)
class FailureFacts:
    """What is known of an exchange that failed.

    Attributes:
        sent: Whether the head began to leave; None if nothing was traced.
        status_code: The status, if a status line was read.
        known: Whether the transport raises httpx's exceptions with the
            meaning they have in httpx.
        unread: Whether a server that refuses our certificate has read nothing
            else: so it is on a new connection of ours.
        proxy: The name of our proxy, if any.
        behind_proxy: Whether the proxy had led to the target.
        late: Whether the deadline has passed.
    """

    sent: bool | None = None
    status_code: int | None = None
    known: bool = True
    unread: bool = False
    proxy: str | None = None
    behind_proxy: bool = False
    late: bool = False


def failure_of(error: BaseException, facts: FailureFacts) -> Failure:
    """Return what an exception means; one that is not httpx's is a break.

    Its own message is only used if there was no connection: otherwise it may
    repeat a header, the URL, or what the server sent.
    """
    if facts.status_code is not None:
        return Failure(
            kind=FailureKind.BODY,
            detail="its body is cut short or broken.",
            sent=facts.sent,
            status_code=facts.status_code,
        )
    kind, words = _meaning(error)
    sent, alert = facts.sent, tls_alert(error)
    if sent is None and kind in _BEFORE_SENDING:
        if facts.known:
            sent = False
        else:
            # Others raise `ConnectTimeout` also after the request has left.
            kind = FailureKind.BROKEN
            words = (
                "A transport that does not say whether the request was sent "
                f"raised {type(error).__name__}."
            )
    elif kind is FailureKind.BROKEN and alert is not None:
        says = f'TLS says "{alert.replace("_", " ").lower()}"'
        words = f"{words.rstrip('.')}: {says}."
        # In TLS 1.3 a client may write before its certificate is checked.
        if facts.unread and _OF_CERTIFICATES.fullmatch(alert):
            kind, sent = FailureKind.CONNECT, False
            words = (
                "No connection: the server did not accept our certificate, "
                f"or got none ({says}). Give one with "
                "Connections(ssl_context=...)."
            )
    if facts.late:
        kind, words = FailureKind.DEADLINE, "The deadline passed."
    elif facts.proxy and sent is False and kind is not FailureKind.REQUEST:
        where = "through" if facts.behind_proxy else "at"
        words = f"{words.rstrip('.')} ({where} the proxy {facts.proxy})."
    return Failure(kind=kind, detail=words, sent=sent)


def _meaning(error: BaseException) -> tuple[FailureKind, str]:
    if isinstance(error, UnicodeEncodeError):
        words = f"{_BAD_HEADER}: it may contain ASCII only."
        return FailureKind.REQUEST, words
    names = _names(error)
    for name, (kind, words) in _KINDS.items():
        if name not in names:
            continue
        if name == "ConnectError":
            said = str(error) or "it ended before it was ready"
            return kind, f"{words}: {said}."
        if name == "ProxyError":
            return kind, _refusal_of_proxy(str(error))
        return kind, words
    if type(error).__module__.partition(".")[0] == "socksio":
        return FailureKind.CONNECT, "The proxy does not speak SOCKS5."
    return FailureKind.BROKEN, f"{type(error).__name__} was raised."


def tls_alert(error: BaseException) -> str | None:
    """Return OpenSSL's name for why TLS ended, if it did."""
    seen: set[int] = set()
    each: BaseException | None = error
    # respx raises an error from one that was raised from it: a circle.
    while each is not None and id(each) not in seen:
        reason = each.reason if isinstance(each, ssl.SSLError) else None
        if reason and _ALERT.fullmatch(reason):
            return reason
        seen.add(id(each))
        each = each.__cause__ or each.__context__
    return None


def _refusal_of_proxy(said: str) -> str:
    if found := _STATUS.match(said):
        status = int(found[0])
        names = {each.value: each.phrase for each in HTTPStatus}
        named = f"{status} {names.get(status, '')}".rstrip()
        return f"The proxy refused: {named}{_PROXY_ADVICE.get(status, '')}."
    if found := _SOCKS.match(said):
        return f"The proxy refused: {found[0]}."
    return "The proxy refused."


_PROXY_ADVICE = {
    403: "; it does not permit this host",
    407: "; its URL needs another user and password",
}
