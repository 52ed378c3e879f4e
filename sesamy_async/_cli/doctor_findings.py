"""What ``sesamy doctor`` makes of what it saw; nothing here has effects."""

from __future__ import annotations

import math
import ssl
from collections import Counter
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
from sesamy_async.errors import ConfigurationError, SesamyError, linked
from sesamy_async.idempotency import OrderState

from .options import Checkup
from .orders_store import moment
from .token import SPELLINGS, Granted


class CheckState(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"  # It works, but somebody should look.
    FAILED = "failed"
    SKIPPED = "skipped"  # Something that it needs failed.


@attrs.frozen
class CheckResult:
    """The result of one check: what was seen, and what to do.

    It holds nothing secret.
    """

    check: str
    state: CheckState
    seen: str
    advice: str = ""
    wrong_setting: bool = False

    @property
    def text(self) -> str:
        text = f"{self.seen.rstrip('.')}. {self.advice}".strip()
        return text if text[-1] in ".?" else f"{text}."


def judged(check: str, seen: str, advice: str = "") -> CheckResult:
    """Return the finding for what works: a warning if there is advice."""
    state = CheckState.WARNING if advice else CheckState.OK
    return CheckResult(check, state, seen, advice)


def refused(check: str, error: SesamyError) -> CheckResult:
    wrong = isinstance(error, ConfigurationError)
    return CheckResult(check, CheckState.FAILED, str(error.args[0]), "", wrong)


_COUNTED = {
    CheckState.FAILED: "failed",
    CheckState.WARNING: "warned",
    CheckState.SKIPPED: "skipped",
}


def headline(findings: Sequence[CheckResult]) -> str:
    counts = Counter(each.state for each in findings)
    if not (counts[CheckState.FAILED] or counts[CheckState.WARNING]):
        return "No problem was found."
    said = ", ".join(
        f"{counts[state]} {word}"
        for state, word in _COUNTED.items()
        if counts[state]
    )
    return f"Of {len(findings)} checks: {said}."


_DEFAULTS = {
    "vendor_id": None,
    "client_id": None,
    "client_secret": None,
    "scope": DEFAULT_SCOPE,
    "audience": "none",
    "organization": "none",
    "encoding": "json, then form if json is refused",
    "base_url": BASE_URL,
    "token_url": TOKEN_URL,
}
"""What counts if a setting is not given; None if it must be."""

_SECRET = {"client_id", "client_secret"}
_OTHERS = (
    "SESAMY_IDEMPOTENCY",
    "SESAMY_LOG",
    "SESAMY_WEBHOOK_AUTHORIZATION",  # Of `sesamy sandbox`.
)


def _variable(setting: str) -> str:
    name = "token_encoding" if setting == "encoding" else setting
    return f"SESAMY_{name.upper()}"


_OPTIONS = {"vendor_id": "vendor", "encoding": "token_encoding"}


def judge_settings(
    environ: Mapping[str, str], options: Checkup
) -> Iterator[CheckResult]:
    """Yield a finding for each setting, and for variables that are none."""
    source = SettingsSource(environ)
    for name in _DEFAULTS:
        option = getattr(options, _OPTIONS.get(name, name), None)
        try:
            yield _judge_setting(name, option, source)
        except ConfigurationError as error:
            yield refused(name, error)
    try:
        log_level(source)
    except ConfigurationError as error:
        yield refused("log", error)
    known = [*map(_variable, _DEFAULTS), *_OTHERS]
    for name in sorted(environ):
        if name.startswith("SESAMY_") and name not in known:
            hint = did_you_mean(name, known).removeprefix(HINT)
            seen = "it is set, but it is not a setting"
            advice = f"Did you mean {hint}" if hint else ""
            yield CheckResult(name, CheckState.WARNING, seen, advice)


def _judge_setting(
    name: str, option: str | None, source: SettingsSource
) -> CheckResult:
    variable, default = _variable(name), _DEFAULTS[name]
    value = source.optional(name, option, variable)
    if value is None and default is None:
        seen, advice = "it is missing", f"Set {variable}."
        return CheckResult(
            name, CheckState.FAILED, seen, advice, wrong_setting=True
        )
    if value is None:
        return judged(name, f"{default} (default)")
    if name == "vendor_id":
        check_vendor(value)
    elif name in {"base_url", "token_url"}:
        check_url(name, value, variable)
    elif name == "encoding":
        check_encoding(value)
    origin = "option" if option is not None else variable
    shown = "set" if name in _SECRET else value
    return judged(name, f"{shown} ({origin})")


_ADVICE = {
    # OpenSSL's codes of why a certificate is refused.
    9: "Check the clock of this machine.",
    10: "Check the clock of this machine. If it is right, tell Sesamy.",
    62: "Check the URL, and which server responds for this host.",
}
_UNKNOWN_AUTHORITY = (
    "If a proxy inspects TLS here, set SSL_CERT_FILE to a file with the "
    "certificates of its authority."
)
_PROXY = (
    "Check the proxy (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY), or add the host "
    "to NO_PROXY."
)
_NETWORK = (
    "Check whether a firewall blocks this machine, or whether it needs a "
    "proxy (HTTPS_PROXY)."
)
_TLS = "Check whether a proxy or a firewall interferes with TLS."


def judge_failure(
    check: str, failure: Failure, error: BaseException
) -> CheckResult:
    """Return the finding for a host that can't be reached."""
    seen, advice = failure.detail, _NETWORK
    for each in linked(error):
        if isinstance(each, ssl.SSLCertVerificationError):
            advice = _ADVICE.get(each.verify_code, _UNKNOWN_AUTHORITY)
            return CheckResult(check, CheckState.FAILED, seen, advice)
    if "(at the proxy " in seen:
        advice = _PROXY
    elif tls_alert(error):
        advice = _TLS
    return CheckResult(check, CheckState.FAILED, seen, advice)


_DAY = 86_400.0
_SOON = 7
_EXPIRES = (
    "The certificate expires soon. Tell Sesamy; if a proxy inspects TLS here, "
    "tell its administrator."
)


def judge_tls(
    check: str,
    *,
    way: str,
    version: str | None,
    trusted: Sequence[str],
    certificate: Mapping[str, Any],
    now: float,
) -> CheckResult:
    """Return the finding for a connection, with TLS if it has a version.

    The certificate is as `ssl.SSLObject.getpeercert` returns it; `trusted`
    are the variables that name authorities.
    """
    if version is None:
        return judged(check, f"connected {way}, without TLS")
    ends = ssl.cert_time_to_seconds(certificate["notAfter"])
    days = math.floor((ends - now) / _DAY)
    because = f" (trusted by {' and '.join(trusted)})" if trusted else ""
    seen = (
        f"connected {way}, {version}, certificate from "
        f"{_issuer(certificate)}{because} valid until {moment(ends)} "
        f"({days} days)"
    )
    return judged(check, seen, _EXPIRES if days < _SOON else "")


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
) -> CheckResult:
    """Return the finding for the response to a request without a token."""
    through = ", through a proxy (Via)" if "via" in headers else ""
    seen = f"answered {status} within {took * 1e3:.0f} ms{through}"
    advice = ""
    if status in REDIRECT:
        advice = "Redirects are not followed: check base_url."
    elif status >= SERVER_ERROR:
        advice = "Sesamy or a gateway has a problem: try again later."
    return judged(check, seen, advice)


_MOST_SKEW = 60


def judge_clock(date: str | None, now: float) -> CheckResult:
    """Return the finding for the clock, from the Date of a response."""
    try:
        theirs = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, OverflowError):
        seen = "the response has no Date to compare with"
        return CheckResult("clock", CheckState.SKIPPED, seen)
    skew = round(now - theirs)
    if abs(skew) <= _MOST_SKEW:
        return judged("clock", f"within {_MOST_SKEW} s of Sesamy's clock")
    return judged(
        "clock",
        f"{abs(skew)} s {'ahead of' if skew > 0 else 'behind'} Sesamy's clock",
        "Set the clock, for example with NTP: certificates and the lifetimes "
        "of tokens depend on it.",
    )


def judge_rate(headers: Headers) -> CheckResult:
    rate = rate_of(headers) or RateState()
    own = f"the client sends {RateLimit().requests:g} requests a minute"
    seen = f"the response states none; {own}"
    if rate.limit is not None and rate.remaining is not None:
        seen = (
            f"the response states {rate.limit} requests, of which "
            f"{rate.remaining} are left; {own}, or fewer if a response says so"
        )
    return judged("rate limit", seen)


def judge_scope(granted: Granted) -> CheckResult:
    if not granted.missing:
        return judged("granted scope", granted.in_words)
    return judged(
        "granted scope",
        f"{granted.in_words}; missing: {' '.join(granted.missing)}",
        f"Sesamy may refuse orders with 403. {SPELLINGS}",
    )


def judge_orders(
    name: str, counts: Counter[OrderState], *, all_counted: bool
) -> CheckResult:
    states = ", ".join(
        f"{counts[each]} {each}" for each in OrderState if counts[each]
    )
    more = "" if all_counted else "more than "
    some = f"{more}{counts.total()} orders"
    seen = f"{name}, {some}{states and f': {states}'}"
    advice = "Look at orders in doubt: sesamy orders list --state UNKNOWN."
    return judged("store", seen, advice if counts[OrderState.UNKNOWN] else "")
