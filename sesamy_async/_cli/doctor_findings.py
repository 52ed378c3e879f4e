"""What ``sesamy doctor`` makes of what it saw; nothing here has effects."""

from __future__ import annotations

import math
import ssl
from collections.abc import Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

import attrs

from sesamy_async._call import RateLimit
from sesamy_async._checks import HINT, did_you_mean
from sesamy_async._headers import (
    REDIRECT,
    SERVER_ERROR,
    Headers,
    RateState,
    rate_of,
)
from sesamy_async._http import tls_alert
from sesamy_async._outcome import Failure
from sesamy_async._settings import (
    BASE_URL,
    TOKEN_URL,
    SettingsSource,
    check_url,
    check_vendor,
    log_level,
)
from sesamy_async.auth._credentials import DEFAULT_SCOPE, check_encoding
from sesamy_async.errors import ConfigurationError, linked
from sesamy_async.idempotency import OrderState

from .orders_words import moment
from .token import SPELLINGS, Granted


class State(StrEnum):
    """How a check ended.

    Attributes:
        OK: Nothing has to be done.
        WARNING: It works, but somebody should look.
        FAILED: It does not work.
        SKIPPED: Something that it needs failed.
    """

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@attrs.frozen
class Finding:
    """The result of one check; it holds nothing secret.

    Attributes:
        check: What was checked.
        state: How the check ended.
        seen: What was seen.
        advice: What to do.
        wrong_setting: Whether a setting is the cause.
    """

    check: str
    state: State
    seen: str
    advice: str = ""
    wrong_setting: bool = False

    @property
    def text(self) -> str:
        """What was seen, and what to do."""
        text = f"{self.seen.rstrip('.')}. {self.advice}".strip()
        return text if text[-1] in ".?" else f"{text}."

    def described(self) -> dict[str, str]:
        """Return it for machines."""
        return {
            "check": self.check,
            "state": self.state.value,
            "seen": self.seen,
            "advice": self.advice,
        }


def skipped(check: str, why: str) -> Finding:
    """Return the finding of a check that could not be made."""
    return Finding(check, State.SKIPPED, why)


def refused(check: str, error: ConfigurationError) -> Finding:
    """Return the finding for a setting that is impossible."""
    return Finding(check, State.FAILED, str(error.args[0]), wrong_setting=True)


@attrs.frozen
class Setting:
    """A setting that the command knows.

    Attributes:
        name: Its name as an argument.
        default: What counts if it is not given; None if it must be.
        secret: Whether its value is not shown.
    """

    name: str
    default: str | None = None
    secret: bool = False

    @property
    def variable(self) -> str:
        """The environment variable."""
        name = "token_encoding" if self.name == "encoding" else self.name
        return f"SESAMY_{name.upper()}"


SETTINGS = (
    Setting("vendor_id"),
    Setting("client_id", secret=True),
    Setting("client_secret", secret=True),
    Setting("scope", default=DEFAULT_SCOPE),
    Setting("audience", default="none"),
    Setting("organization", default="none"),
    Setting("encoding", default="json, then form if json is refused"),
    Setting("base_url", default=BASE_URL),
    Setting("token_url", default=TOKEN_URL),
)
_OTHERS = (
    "SESAMY_IDEMPOTENCY",
    "SESAMY_LOG",
    "SESAMY_WEBHOOK_AUTHORIZATION",  # Of `sesamy sandbox`.
)


def judge_settings(
    environ: Mapping[str, str], options: Mapping[str, str | None]
) -> Iterator[Finding]:
    """Yield a finding for each setting.

    Args:
        environ: The environment.
        options: The options of the command, by the names of settings.
    """
    source = SettingsSource(environ)
    for each in SETTINGS:
        try:
            yield _judge_setting(each, options.get(each.name), source)
        except ConfigurationError as error:
            yield refused(each.name, error)
    try:
        log_level(source)
    except ConfigurationError as error:
        yield refused("log", error)
    known = [each.variable for each in SETTINGS] + [*_OTHERS]
    for name in sorted(environ):
        if name.startswith("SESAMY_") and name not in known:
            hint = did_you_mean(name, known).removeprefix(HINT)
            yield Finding(
                name,
                State.WARNING,
                "it is set, but it is not a setting",
                f"Did you mean {hint}" if hint else "",
            )


def _judge_setting(
    setting: Setting, option: str | None, source: SettingsSource
) -> Finding:
    name, variable = setting.name, setting.variable
    value = source.optional(name, option, variable)
    if value is None and setting.default is None:
        return Finding(
            name,
            State.FAILED,
            "it is missing",
            f"Set {variable}.",
            wrong_setting=True,
        )
    if value is None:
        return Finding(name, State.OK, f"{setting.default} (default)")
    if name == "vendor_id":
        check_vendor(value)
    elif name in {"base_url", "token_url"}:
        check_url(name, value, variable)
    elif name == "encoding":
        check_encoding(value)
    origin = "option" if option is not None else variable
    shown = "set" if setting.secret else value
    return Finding(name, State.OK, f"{shown} ({origin})")


_ADVICE = {
    # OpenSSL's codes of why a certificate is refused.
    9: "Check the clock of this machine.",
    10: "Check the clock of this machine; if it is right, tell Sesamy.",
    62: "Check the URL, or what answers in place of this host.",
}
_UNKNOWN_AUTHORITY = (
    "If a proxy inspects TLS here, set SSL_CERT_FILE to a file with the "
    "certificates of its authority."
)
_PROXY = (
    "Check the proxy (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY), or name the host "
    "in NO_PROXY."
)
_NETWORK = (
    "Check that this machine may connect there: is a firewall in between, or "
    "is a proxy needed (HTTPS_PROXY)?"
)
_TLS = "Check whether a proxy or a firewall interferes with TLS."


def judge_failure(check: str, failure: Failure, error: object) -> Finding:
    """Return the finding for a host that can't be reached.

    Args:
        check: What was checked.
        failure: What the error means.
        error: What was raised, if it is known.
    """
    seen, advice = failure.detail, _NETWORK
    refusals = [
        each
        for each in (linked(error) if isinstance(error, BaseException) else ())
        if isinstance(each, ssl.SSLCertVerificationError)
    ]
    if refusals:
        advice = _ADVICE.get(refusals[0].verify_code, _UNKNOWN_AUTHORITY)
    elif "(at the proxy " in seen:
        advice = _PROXY
    elif isinstance(error, BaseException) and tls_alert(error):
        advice = _TLS
    return Finding(check, State.FAILED, seen, advice)


_DAY = 86_400.0
_SOON = 7


def judge_tls(
    check: str,
    *,
    way: str,
    version: str | None,
    trusted: Sequence[str],
    certificate: Mapping[str, Any],
    now: float,
) -> Finding:
    """Return the finding for a connection.

    Args:
        check: What was checked.
        way: Which way it goes, for people.
        version: The version of TLS, or None without TLS.
        trusted: The variables that name authorities.
        certificate: As `ssl.SSLObject.getpeercert` returns it.
        now: Unix seconds.
    """
    if version is None:
        return Finding(check, State.OK, f"connected {way}, without TLS")
    ends = ssl.cert_time_to_seconds(certificate["notAfter"])
    days = math.floor((ends - now) / _DAY)
    because = f" (trusted by {' and '.join(trusted)})" if trusted else ""
    seen = (
        f"connected {way}, {version}, certificate from "
        f"{_issuer(certificate)}{because} valid until {moment(ends)} "
        f"({days} days)"
    )
    if days < _SOON:
        return Finding(
            check,
            State.WARNING,
            seen,
            "It ends soon: tell Sesamy, or whoever runs a proxy that "
            "inspects TLS here.",
        )
    return Finding(check, State.OK, seen)


def _issuer(certificate: Mapping[str, Any]) -> str:
    names = {
        name: value
        for part in certificate.get("issuer", ())
        for name, value in part
    }
    wanted = ("organizationName", "commonName")
    return " ".join(names[each] for each in wanted if each in names) or "?"


def judge_answer(
    check: str, status: int, headers: Headers, took: float
) -> Finding:
    """Return the finding for the answer to a request without a token."""
    through = ", through a proxy (Via)" if "via" in headers else ""
    seen = f"answered {status} within {took * 1e3:.0f} ms{through}"
    if status in REDIRECT:
        return Finding(
            check,
            State.WARNING,
            seen,
            "Redirects are not followed: check base_url.",
        )
    if status >= SERVER_ERROR:
        return Finding(
            check,
            State.WARNING,
            seen,
            "Sesamy, or a gateway in front of it, has a problem: try again "
            "later.",
        )
    return Finding(check, State.OK, seen)


_MOST_SKEW = 60


def judge_clock(date: str | None, now: float) -> Finding:
    """Return the finding for the clock.

    Args:
        date: The header Date of an answer.
        now: Unix seconds when it came.
    """
    try:
        theirs = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, OverflowError):
        return skipped("clock", "the answer has no Date to compare with")
    skew = round(now - theirs)
    if abs(skew) <= _MOST_SKEW:
        return Finding("clock", State.OK, f"within {_MOST_SKEW} s of theirs")
    return Finding(
        "clock",
        State.WARNING,
        f"{abs(skew)} s {'ahead of' if skew > 0 else 'behind'} theirs",
        "Set it, for example with NTP: certificates and the lifetimes of "
        "tokens depend on it.",
    )


def judge_rate(headers: Headers) -> Finding:
    """Return the finding for the rate limit that an answer names."""
    rate = rate_of(headers) or RateState()
    own = f"the client keeps to {RateLimit().requests:g} requests a minute"
    if rate.limit is None or rate.remaining is None:
        return Finding("rate limit", State.OK, f"the answer names none; {own}")
    return Finding(
        "rate limit",
        State.OK,
        f"the answer names {rate.limit} requests, of which {rate.remaining} "
        f"are left; {own}, or to fewer if an answer says so",
    )


def judge_scope(granted: Granted) -> Finding:
    """Return the finding for the scopes of a token."""
    if not granted.missing:
        return Finding("granted scope", State.OK, granted.in_words)
    return Finding(
        "granted scope",
        State.WARNING,
        f"{granted.in_words}; missing: {' '.join(granted.missing)}",
        f"Orders may be refused with 403. {SPELLINGS}",
    )


def judge_orders(
    name: str, counts: Mapping[OrderState, int], *, all_counted: bool
) -> Finding:
    """Return the finding for a store of orders that can be read."""
    total = sum(counts.values())
    states = ", ".join(
        f"{counts[each]} {each}" for each in OrderState if counts.get(each)
    )
    more = "" if all_counted else "more than "
    seen = f"{name}, {more}{total} orders{f': {states}' if states else ''}"
    if counts.get(OrderState.UNKNOWN):
        return Finding(
            "store",
            State.WARNING,
            seen,
            "Look at those in doubt: sesamy orders list --state UNKNOWN.",
        )
    return Finding("store", State.OK, seen)


def headline(findings: Sequence[Finding]) -> str:
    """Return what all findings say together."""
    counts = {
        state: sum(each.state is state for each in findings) for state in State
    }
    if not (counts[State.FAILED] or counts[State.WARNING]):
        return "No problem was found."
    parts = (
        (counts[State.FAILED], "failed"),
        (counts[State.WARNING], "warned"),
        (counts[State.SKIPPED], "skipped"),
    )
    said = ", ".join(f"{count} {word}" for count, word in parts if count)
    return f"Of {len(findings)} checks: {said}."
