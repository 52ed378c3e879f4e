"""``sesamy doctor``: check settings, network, token and store."""

from __future__ import annotations

import math
import os
import platform
import socket
import sqlite3
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing, suppress
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar, cast

import attrs
from cyclopts import App

from sesamy_async._call import (
    BlockingRuntime,
    Call,
    RateLimit,
    Request,
    drive,
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
    Connection,
    Connections,
    FailureFacts,
    NetworkPath,
    bind,
    connector,
    failure_of,
    is_socks,
    load_library,
    origin_of,
    route_to,
    tls_alert,
    until,
)
from sesamy_async._outcome import Failure, TransportFailure
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
from sesamy_async.errors import ConfigurationError, SesamyError, linked
from sesamy_async.idempotency import (
    IdempotencyStore,
    MemoryStore,
    OrderState,
    SQLiteStore,
)

from .client import credentials, store_of_orders
from .options import CHECKUP, Checkup
from .orders import moment
from .output import CommandResult, ExitCode
from .token import SPELLINGS, Granted, ask


if TYPE_CHECKING:
    from sesamy_async.idempotency._shared import ServerStore

_T = TypeVar("_T")

doctor_app = App(
    name="doctor",
    help_epilogue="""\
Examples:

  sesamy doctor
  sesamy doctor --json
  sesamy doctor --audience urn:sesamy

The output has no secrets and no personal data: you can paste it into a mail
to support. The command requests a token and the headers of the base URL; it
sends no order and stores nothing. Exit codes: 0 nothing failed; 1 something
failed; 2 a setting is missing or wrong; 130 Ctrl-C.
""",
)

_SHAREABLE = (
    "Nothing below is secret or personal: you can paste it into a mail to "
    "support."
)


@doctor_app.default
def doctor(*, options: Checkup = CHECKUP) -> CommandResult:
    """Check everything that sending an order needs, and say what to do.

    It checks the settings, DNS, TLS, the clock, the token and its scope, the
    rate limit, the store of orders and the versions.

    Args:
        options: What is checked, and how long that may take.
    """
    findings = [_versions(), *judge_settings(os.environ, _given(options))]
    findings += _at_once(
        {
            "api": _complete(_API, _api(options)),
            "token": _complete(_TOKEN, _token(options)),
            "store": _store(options),
        },
        options.deadline,
    )
    findings = [_without_home(each) for each in findings]
    failed = [each for each in findings if each.state is State.FAILED]
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


# What is seen: the network, the token, the store


def _in_thread(do: Callable[[], _T]) -> Future[_T]:
    """Do something in a thread that holds nobody up if it hangs."""
    future = Future[_T]()

    def run() -> None:
        try:
            future.set_result(do())
        except BaseException as error:  # noqa: BLE001 - raised by `result`
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future


def _at_once(
    examined: dict[str, Iterable[Finding]], deadline: float
) -> Iterator[Finding]:
    """Make all examinations at once; yield their findings in order."""
    end = time.monotonic() + deadline
    running: list[tuple[str, list[Finding], Future[None]]] = []
    for name, examination in examined.items():
        found: list[Finding] = []
        job = _in_thread(partial(found.extend, examination))
        running.append((name, found, job))
    for name, found, job in running:
        seen = None
        try:
            job.result(max(0.0, end - time.monotonic()))
        except TimeoutError:
            seen = f"it took more than {deadline:g} s in all"
        except Exception as error:  # noqa: BLE001 - the others still count
            seen = f"it ended with {type(error).__name__}"
        yield from [*found]
        if seen is not None:
            yield Finding(name, State.FAILED, seen)


class _CheckError(Exception):
    """A check failed, and others need what it would have given."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding


def _passed(finding: Finding) -> Finding:
    if finding.state is State.FAILED:
        raise _CheckError(finding)
    return finding


_API = ("api name", "api connection", "api answer", "clock", "rate limit")
_TOKEN = ("token name", "token connection", "token", "granted scope")
_GIVES = {
    "name": "an address",
    "connection": "a connection",
    "answer": "a response",
    "token": "a token",
}


def _complete(
    checks: Sequence[str], examination: Iterator[Finding]
) -> Iterator[Finding]:
    """Yield its findings, then the checks that could not be made."""
    why = "it needs settings that are missing or wrong"
    last = None
    try:
        for last in examination:
            yield last
    except ConfigurationError:
        pass
    except _CheckError as error:
        last = error.finding
        yield last
        why = f"it needs {_GIVES[last.check.split()[-1]]}"
    done = 0 if last is None else checks.index(last.check) + 1
    for each in checks[done:]:
        yield Finding(each, State.SKIPPED, why)


def _api(options: Checkup) -> Iterator[Finding]:
    """Examine the API, without a token: nothing can come of it."""
    source, seconds = SettingsSource(os.environ), options.timeout
    url = source.url("base_url", options.base_url, BASE_URL)
    yield from _reached("api", url, seconds)
    runtime = BlockingRuntime()
    transport = bind(None, runtime, blocking=True, urls=[url])
    began = runtime.now()
    call = Call(
        operation="doctor",
        request=Request(method="HEAD", url=url, headers=HEADERS),
        deadline=began + seconds,
        timeout=seconds,
    )
    try:
        answer = drive(transport.send(call))
    except TransportFailure as error:
        failure, cause = error.failure, error.__cause__
        raise _CheckError(
            judge_failure("api answer", failure, cause)
        ) from error
    finally:
        drive(transport.aclose())
    headers, took = answer.headers, runtime.now() - began
    yield judge_answer("api answer", answer.status_code, headers, took)
    yield judge_clock(headers.get("date"), runtime.wall())
    yield judge_rate(headers)


def _token(options: Checkup) -> Iterator[Finding]:
    """Examine the token endpoint, and the token."""
    url = SettingsSource(os.environ).url("token_url", None, TOKEN_URL)
    yield from _reached("token", url, options.timeout)
    given = credentials(None, options)
    try:
        got, lifetime = ask(given, url, options)
    except SesamyError as error:
        raise _CheckError(refused("token", error)) from error
    yield Finding("token", State.OK, f"issued, valid for {lifetime} s")
    yield judge_scope(Granted.of(got, given))


_GRACE = 1.0


def _reached(label: str, url: str, seconds: float) -> Iterator[Finding]:
    """Look a host up, and connect to it, as a client would."""
    name, connection = f"{label} name", f"{label} connection"
    try:
        bind(None, BlockingRuntime(), blocking=True, urls=[url])
        origin = str(origin_of(url))
        route = route_to(origin, Connections(), load_library("httpx"))
    except ConfigurationError as error:
        raise _CheckError(refused(connection, error)) from error
    yield _passed(_looked_up(name, route, seconds))
    if is_socks(route):
        yield Finding(
            connection,
            State.OK,
            f"through the SOCKS proxy {route.proxy_name}; the first request "
            "makes it",
        )
        return
    try:
        # It looks the name up again, which has no timeout.
        job = _in_thread(partial(_connected, connection, route, seconds))
        found = job.result(seconds + _GRACE)
    except TimeoutError:
        found = Finding(connection, State.FAILED, f"none within {seconds:g} s")
    yield _passed(found)


_MOST_ADDRESSES = 4


def _looked_up(check: str, route: NetworkPath, seconds: float) -> Finding:
    place = route.proxy or route.target
    host = f"the proxy {place.host}" if route.proxy else place.host
    onward = f"; it leads to {route.target.host}" if route.proxy else ""
    ask_for = partial(
        socket.getaddrinfo, place.host, place.port, type=socket.SOCK_STREAM
    )
    try:
        found = _in_thread(ask_for).result(seconds)
    except TimeoutError:
        seen = f"{host} was not found within {seconds:g} s{onward}"
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        seen = f"{host} was not found ({reason}){onward}"
    else:
        addresses = [*dict.fromkeys(str(each[4][0]) for each in found)]
        more = len(addresses) - _MOST_ADDRESSES
        shown = ", ".join(addresses[:_MOST_ADDRESSES])
        rest = f" and {more} more" if more > 0 else ""
        return Finding(check, State.OK, f"{host} is at {shown}{rest}{onward}")
    advice = "Check the name, and the DNS of this machine."
    return Finding(check, State.FAILED, seen, advice)


_TRUSTED = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def _connected(check: str, route: NetworkPath, seconds: float) -> Finding:
    connection = Connection(route, connector(blocking=True))
    wait = until(time.monotonic, seconds)
    way = "directly"
    if route.proxy_name:
        way = f"through the proxy {route.proxy_name}"
    try:
        drive(connection.connect(lambda: wait))
        session = connection.session
        return judge_tls(
            check,
            way=way,
            version=session.version() if session else None,
            trusted=[each for each in _TRUSTED if os.environ.get(each)],
            certificate=(session.getpeercert() if session else None) or {},
            now=time.time(),
        )
    except Exception as error:  # noqa: BLE001 - as calls do
        facts = FailureFacts(
            sent=False,
            proxy=route.proxy_name,
            behind_proxy=connection.behind_proxy,
        )
        return judge_failure(check, failure_of(error, facts), error)
    finally:
        drive(connection.aclose())


def _store(options: Checkup) -> Iterator[Finding]:
    """Examine the store of orders; nothing is created."""
    try:
        store = store_of_orders(options.idempotency, new=False)
        if store is None:
            yield Finding(
                "store",
                State.OK,
                "none: an order that is sent again gets a second contract",
            )
            return
        with closing(store):
            yield _examined(store, options.timeout)
    except SesamyError as error:
        yield refused("store", error)


_PERMANENT = "Set SESAMY_IDEMPOTENCY to a permanent file, or to a server."


def _examined(store: IdempotencyStore, seconds: float) -> Finding:
    if isinstance(store, MemoryStore):
        seen = "in memory: it ends with the process"
        return Finding("store", State.WARNING, seen, _PERMANENT)
    if isinstance(store, SQLiteStore):
        name = f"SQLite {sqlite3.sqlite_version} at {store.path}"
        if not store.path.exists():
            parents = store.path.parents
            folder = next(each for each in parents if each.exists())
            name += " does not exist yet"
            if os.access(folder, os.W_OK | os.X_OK):
                seen = f"{name}: the first order creates it"
                return Finding("store", State.OK, seen)
            seen = f"{name}, and you have no permission to write to {folder}"
            return Finding("store", State.FAILED, seen, _PERMANENT)
    else:
        server = cast("ServerStore[Any]", store)
        name, there = server.about(within=seconds)
        if not there:
            seen = f"{name}, without tables: the first order creates them"
            return Finding("store", State.OK, seen)
    counts = Counter[OrderState]()
    end = time.monotonic() + seconds
    for record in store.entries(within=seconds):
        if time.monotonic() >= end:
            return judge_orders(name, counts, all_counted=False)
        counts[record.state] += 1
    return judge_orders(name, counts, all_counted=True)


def _without_home(finding: Finding) -> Finding:
    """Return a finding without the name of the user."""
    home = os.path.expanduser("~")  # noqa: PTH111 - it never raises
    if len(home) <= 1 or not home.strip("~"):
        return finding
    return attrs.evolve(finding, seen=finding.seen.replace(home, "~"))


_PACKAGES = ("httpx", "h11", "anyio", "attrs", "cattrs")


def _versions() -> Finding:
    named = [f"sesamy-async {__version__}"]
    named.append(
        f"{platform.python_implementation()} {platform.python_version()}"
    )
    for each in _PACKAGES:
        with suppress(PackageNotFoundError):
            named.append(f"{each} {version(each)}")
    named += [ssl.OPENSSL_VERSION, platform.platform()]
    return Finding("versions", State.OK, ", ".join(named))


# What it means; nothing below has effects


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"  # It works, but somebody should look.
    FAILED = "failed"
    SKIPPED = "skipped"  # Something that it needs failed.


@attrs.frozen
class Finding:
    """The result of one check: what was seen, and what to do.

    It holds nothing secret.
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


_FOR_MACHINES = attrs.filters.exclude("wrong_setting")


def refused(check: str, error: SesamyError) -> Finding:
    """Return the finding for an error."""
    wrong = isinstance(error, ConfigurationError)
    return Finding(check, State.FAILED, str(error.args[0]), "", wrong)


def headline(findings: Sequence[Finding]) -> str:
    """Return the result of all checks in a sentence."""
    counts = Counter(each.state for each in findings)
    if not (counts[State.FAILED] or counts[State.WARNING]):
        return "No problem was found."
    parts = (
        (counts[State.FAILED], "failed"),
        (counts[State.WARNING], "warned"),
        (counts[State.SKIPPED], "skipped"),
    )
    said = ", ".join(f"{count} {word}" for count, word in parts if count)
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


def _given(options: Checkup) -> dict[str, str | None]:
    """Return the options by the names of settings."""
    return {
        name: getattr(options, _OPTIONS.get(name, name), None)
        for name in _DEFAULTS
    }


def judge_settings(
    environ: Mapping[str, str], options: Mapping[str, str | None]
) -> Iterator[Finding]:
    """Yield a finding for each setting, and for variables that are none."""
    source = SettingsSource(environ)
    for name in _DEFAULTS:
        try:
            yield _judge_setting(name, options.get(name), source)
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
            yield Finding(
                name,
                State.WARNING,
                "it is set, but it is not a setting",
                f"Did you mean {hint}" if hint else "",
            )


def _judge_setting(
    name: str, option: str | None, source: SettingsSource
) -> Finding:
    variable, default = _variable(name), _DEFAULTS[name]
    value = source.optional(name, option, variable)
    if value is None and default is None:
        return Finding(
            name,
            State.FAILED,
            "it is missing",
            f"Set {variable}.",
            wrong_setting=True,
        )
    if value is None:
        return Finding(name, State.OK, f"{default} (default)")
    if name == "vendor_id":
        check_vendor(value)
    elif name in {"base_url", "token_url"}:
        check_url(name, value, variable)
    elif name == "encoding":
        check_encoding(value)
    origin = "option" if option is not None else variable
    shown = "set" if name in _SECRET else value
    return Finding(name, State.OK, f"{shown} ({origin})")


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


def judge_failure(check: str, failure: Failure, error: object) -> Finding:
    """Return the finding for a host that can't be reached.

    `error` is what was raised, if it is known.
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
    """Return the finding for a connection, with TLS if it has a version.

    The certificate is as `ssl.SSLObject.getpeercert` returns it; `trusted`
    are the variables that name authorities.
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
    if days >= _SOON:
        return Finding(check, State.OK, seen)
    advice = (
        "The certificate expires soon. Tell Sesamy; if a proxy inspects TLS "
        "here, tell its administrator."
    )
    return Finding(check, State.WARNING, seen, advice)


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
    """Return the finding for the response to a request without a token."""
    through = ", through a proxy (Via)" if "via" in headers else ""
    seen = f"answered {status} within {took * 1e3:.0f} ms{through}"
    if status in REDIRECT:
        advice = "Redirects are not followed: check base_url."
        return Finding(check, State.WARNING, seen, advice)
    if status >= SERVER_ERROR:
        advice = "Sesamy or a gateway has a problem: try again later."
        return Finding(check, State.WARNING, seen, advice)
    return Finding(check, State.OK, seen)


_MOST_SKEW = 60


def judge_clock(date: str | None, now: float) -> Finding:
    """Return the finding for the clock, from the Date of a response."""
    try:
        theirs = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, OverflowError):
        seen = "the response has no Date to compare with"
        return Finding("clock", State.SKIPPED, seen)
    skew = round(now - theirs)
    if abs(skew) <= _MOST_SKEW:
        seen = f"within {_MOST_SKEW} s of Sesamy's clock"
        return Finding("clock", State.OK, seen)
    return Finding(
        "clock",
        State.WARNING,
        f"{abs(skew)} s {'ahead of' if skew > 0 else 'behind'} Sesamy's clock",
        "Set the clock, for example with NTP: certificates and the lifetimes "
        "of tokens depend on it.",
    )


def judge_rate(headers: Headers) -> Finding:
    """Return the finding for the rate limit that a response states."""
    rate = rate_of(headers) or RateState()
    own = f"the client sends {RateLimit().requests:g} requests a minute"
    seen = f"the response states none; {own}"
    if rate.limit is not None and rate.remaining is not None:
        seen = (
            f"the response states {rate.limit} requests, of which "
            f"{rate.remaining} are left; {own}, or fewer if a response says so"
        )
    return Finding("rate limit", State.OK, seen)


def judge_scope(granted: Granted) -> Finding:
    """Return the finding for the scopes of a token."""
    if not granted.missing:
        return Finding("granted scope", State.OK, granted.in_words)
    return Finding(
        "granted scope",
        State.WARNING,
        f"{granted.in_words}; missing: {' '.join(granted.missing)}",
        f"Sesamy may refuse orders with 403. {SPELLINGS}",
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
    if not counts.get(OrderState.UNKNOWN):
        return Finding("store", State.OK, seen)
    advice = "Look at orders in doubt: sesamy orders list --state UNKNOWN."
    return Finding("store", State.WARNING, seen, advice)
