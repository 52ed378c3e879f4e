"""``sesamy doctor``: check settings, network, token and store."""

from __future__ import annotations

import asyncio
import math
import os
import platform
import sqlite3
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import closing
from email.utils import parsedate_to_datetime
from enum import StrEnum
from importlib.metadata import version
from typing import Any

import attrs
from cyclopts import App

from sesamy_async._call import (
    AnyioRuntime,
    Call,
    RateLimit,
    Request,
    Transport,
)
from sesamy_async._checks import HINT, did_you_mean
from sesamy_async._headers import (
    REDIRECT,
    SERVER_ERROR,
    Headers,
    RateState,
    rate_of,
)
from sesamy_async._http import (
    Connections,
    HttpTransport,
    NetworkPath,
    OwnPeer,
    bind,
    connector,
    is_socks,
    load_library,
    look_up,
    origin_of,
    route_to,
)
from sesamy_async._outcome import TransportFailure
from sesamy_async._settings import (
    BASE_URL,
    HEADERS,
    TOKEN_URL,
    SettingsSource,
    check_url,
    check_vendor,
    log_level,
)
from sesamy_async._version import __version__
from sesamy_async.auth._credentials import DEFAULT_SCOPE, check_encoding
from sesamy_async.errors import ConfigurationError, SesamyError
from sesamy_async.idempotency import (
    IdempotencyStore,
    MemoryStore,
    SQLiteStore,
)

from .client import credentials, name_of, store_of_orders
from .options import CHECKUP, Checkup
from .orders_store import moment
from .output import CommandResult, ExitCode
from .token import SPELLINGS, Granted, ask


doctor_app = App(
    name="doctor",
    help_epilogue="""\
Examples:

  sesamy doctor
  sesamy doctor --json
  sesamy doctor --audience urn:sesamy

The output has no secrets and no personal data of buyers: you can paste it
into a mail to support. The command requests a token and the headers of the
base URL; it sends no order. Exit codes: 0 nothing failed; 1 something failed;
2 a setting is missing or wrong; 130 Ctrl-C.
""",
)


class CheckState(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"  # It works, but somebody should look.
    FAILED = "failed"


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


@doctor_app.default
def doctor(*, options: Checkup = CHECKUP) -> CommandResult:
    """Check everything that sending an order needs, and say what to do.

    It checks the settings, DNS, TLS, the clock, the token and its scope, the
    rate limit, the store of orders and the versions.

    Args:
        options: What is checked, and how long that may take.
    """
    findings = [_versions(), *judge_settings(os.environ, options)]
    return _result([*findings, *asyncio.run(_examined(options))])


# What is seen: the network, the token, the store


async def _examined(options: Checkup) -> list[CheckResult]:
    """Make all examinations; one that fails does not stop the others."""
    findings: list[CheckResult] = []
    for check, examine in _EXAMINATIONS.items():
        try:
            findings += [each async for each in examine(options)]
        except SesamyError as error:
            findings.append(refused(check, error))
    return findings


async def _api(options: Checkup) -> AsyncIterator[CheckResult]:
    """Examine the API, without a token: nothing can come of it."""
    source, seconds = SettingsSource(os.environ), options.timeout
    url = source.url("base_url", options.base_url, BASE_URL)
    settings, runtime = Connections(), AnyioRuntime()
    route = route_to(str(origin_of(url)), settings, load_library("httpx"))
    peer = OwnPeer(route, connector(blocking=False))
    transport: Transport = HttpTransport(
        lambda _: peer, lambda: False, runtime, settings
    )
    if is_socks(route):
        transport = bind(None, runtime, blocking=False, urls=[url])
    found = await _looked_up(route, seconds)
    yield found
    if found.state is CheckState.FAILED:
        return
    began = runtime.now()
    call = Call(
        operation="doctor",
        request=Request(method="HEAD", url=url, headers=HEADERS),
        deadline=began + seconds,
        timeout=seconds,
    )
    check = "connection"
    try:
        if not is_socks(route):
            await transport.connect(call)
            yield judge_connection(route.proxy_name, peer.session, time.time())
        check, began = "answer", runtime.now()
        answer = await transport.send(call)
    except TransportFailure as error:
        yield unreachable(check, error.failure.detail)
    else:
        headers, took = answer.headers, runtime.now() - began
        yield judge_answer(answer.status_code, took)
        yield judge_clock(headers.get("date"), runtime.wall())
        yield judge_rate(headers)
    finally:
        await transport.aclose()


_MOST_ADDRESSES = 4


async def _looked_up(route: NetworkPath, seconds: float) -> CheckResult:
    place = route.proxy or route.target
    host = f"the proxy {place.host}" if route.proxy else place.host
    onward = f"; it leads to {route.target.host}" if route.proxy else ""
    try:
        async with asyncio.timeout(seconds):
            found = await look_up(place.host, place.port)
    except TimeoutError:
        seen = f"{host} was not found within {seconds:g} s{onward}"
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        seen = f"{host} was not found ({reason}){onward}"
    else:
        addresses = dict.fromkeys(str(each[4][0]) for each in found)
        shown = ", ".join([*addresses][:_MOST_ADDRESSES])
        return judged("dns", f"{host} is at {shown}{onward}")
    advice = "Check the name, and the DNS of this machine."
    return CheckResult("dns", CheckState.FAILED, seen, advice)


async def _token(options: Checkup) -> AsyncIterator[CheckResult]:
    url = SettingsSource(os.environ).url("token_url", None, TOKEN_URL)
    given = credentials(None, options)
    got, lifetime = await ask(given, url, options)
    yield judged("token", f"issued, valid for {lifetime} s")
    yield judge_scope(Granted.of(got, given))


async def _store(options: Checkup) -> AsyncIterator[CheckResult]:
    """Examine the store of orders; no file is created."""
    store = store_of_orders(options.idempotency, new=False)
    if store is None:
        seen = "none: an order that is sent again gets a second contract"
        yield judged("store", seen)
        return
    with closing(store):
        yield _opened(store, options.timeout)


_EXAMINATIONS = {"connection": _api, "token": _token, "store": _store}
_PERMANENT = "Set SESAMY_IDEMPOTENCY to a permanent file, or to a server."


def _opened(store: IdempotencyStore, seconds: float) -> CheckResult:
    if isinstance(store, MemoryStore):
        seen = "in memory: it ends with the process"
        return judged("store", seen, _PERMANENT)
    name = name_of(store)
    # `Path.exists` may raise.
    if isinstance(store, SQLiteStore) and not os.access(store.path, os.F_OK):
        folder = store.path.parent
        while not os.access(folder, os.F_OK):
            folder = folder.parent
        if os.access(folder, os.W_OK | os.X_OK):
            seen = f"{name} does not exist yet: the first order creates it"
            return judged("store", seen)
        seen = f"{name}: you have no permission to write to {folder}"
        return CheckResult("store", CheckState.FAILED, seen, _PERMANENT)
    next(store.entries(within=seconds), None)
    return judged("store", f"{name} can be read")


_PACKAGES = ("httpx", "h11", "anyio", "attrs", "cattrs")


def _versions() -> CheckResult:
    python = f"{platform.python_implementation()} {platform.python_version()}"
    named = [f"sesamy-async {__version__}", python]
    named += [f"{each} {version(each)}" for each in _PACKAGES]
    named += [f"SQLite {sqlite3.sqlite_version}", ssl.OPENSSL_VERSION]
    return judged("versions", ", ".join([*named, platform.platform()]))


# What it means; nothing here has effects


_SHAREABLE = (
    "Nothing below is secret: you can paste it into a mail to support."
)
_FOR_MACHINES = attrs.filters.exclude("wrong_setting")


def _result(findings: Sequence[CheckResult]) -> CommandResult:
    failed = [each for each in findings if each.state is CheckState.FAILED]
    code = ExitCode.FAILED if failed else ExitCode.DONE
    if any(each.wrong_setting for each in failed):
        code = ExitCode.USAGE
    said = headline(findings)
    width = max(len(each.check) for each in findings)
    lines = [
        f"  {each.state:<7}  {each.check:<{width}}  {each.text}"
        for each in findings
    ]
    return CommandResult(
        said,
        {
            "ok": not failed,
            "headline": said,
            "checks": [
                attrs.asdict(each, filter=_FOR_MACHINES) for each in findings
            ],
        },
        (_SHAREABLE, *lines),
        code,
    )


def headline(findings: Sequence[CheckResult]) -> str:
    counts = Counter(each.state for each in findings)
    failed, warned = counts[CheckState.FAILED], counts[CheckState.WARNING]
    if not (failed or warned):
        return "No problem was found."
    return f"Of {len(findings)} checks: {failed} failed, {warned} warned."


def judged(check: str, seen: str, advice: str = "") -> CheckResult:
    """Return the finding for what works: a warning if there is advice."""
    state = CheckState.WARNING if advice else CheckState.OK
    return CheckResult(check, state, seen, advice)


def refused(check: str, error: SesamyError) -> CheckResult:
    wrong = isinstance(error, ConfigurationError)
    return CheckResult(check, CheckState.FAILED, str(error.args[0]), "", wrong)


_ADVICE = {
    # What a failure says, the most special first.
    "(at the proxy ": (
        "Check the proxy (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY), or add the "
        "host to NO_PROXY."
    ),
    "CERTIFICATE_VERIFY_FAILED": (
        "Check the clock of this machine, and the host in the URL. If a "
        "proxy inspects TLS here, set SSL_CERT_FILE to a file with the "
        "certificates of its authority."
    ),
    "SSL": "Check whether a proxy or a firewall interferes with TLS.",
    "": (
        "Check whether a firewall blocks this machine, or whether it needs a "
        "proxy (HTTPS_PROXY)."
    ),
}


def unreachable(check: str, seen: str) -> CheckResult:
    """Return the finding for a host that can't be reached."""
    advice = next(told for words, told in _ADVICE.items() if words in seen)
    return CheckResult(check, CheckState.FAILED, seen, advice)


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


_DAY = 86_400.0
_SOON = 7
_EXPIRES = (
    "The certificate expires soon. Tell Sesamy; if a proxy inspects TLS here, "
    "tell its administrator."
)


def judge_connection(
    proxy: str | None, session: ssl.SSLObject | None, now: float
) -> CheckResult:
    """Return the finding for a connection, with TLS if it has a session."""
    way = f"through the proxy {proxy}" if proxy else "directly"
    if session is None:
        return judged("connection", f"connected {way}, without TLS")
    certificate: dict[str, Any] = session.getpeercert() or {}
    ends = ssl.cert_time_to_seconds(certificate["notAfter"])
    days = math.floor((ends - now) / _DAY)
    seen = (
        f"connected {way}, {session.version()}, certificate valid until "
        f"{moment(ends)} ({days} days)"
    )
    return judged("connection", seen, _EXPIRES if days < _SOON else "")


def judge_answer(status: int, took: float) -> CheckResult:
    """Return the finding for the response to a request without a token."""
    seen = f"answered {status} within {took * 1e3:.0f} ms"
    advice = ""
    if status in REDIRECT:
        advice = "Redirects are not followed: check base_url."
    elif status >= SERVER_ERROR:
        advice = "Sesamy or a gateway has a problem: try again later."
    return judged("answer", seen, advice)


_MOST_SKEW = 60
_SET_CLOCK = (
    "Set the clock, for example with NTP: certificates and the lifetimes of "
    "tokens depend on it."
)


def judge_clock(date: str | None, now: float) -> CheckResult:
    """Return the finding for the clock, from the Date of a response."""
    try:
        theirs = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, OverflowError):
        return judged("clock", "the response has no Date to compare with")
    skew = round(now - theirs)
    if abs(skew) <= _MOST_SKEW:
        return judged("clock", f"within {_MOST_SKEW} s of Sesamy's clock")
    way = "ahead of" if skew > 0 else "behind"
    return judged("clock", f"{abs(skew)} s {way} Sesamy's clock", _SET_CLOCK)


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
