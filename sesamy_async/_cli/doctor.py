"""``sesamy doctor``: check settings, network, token and store."""

from __future__ import annotations

import os
import platform
import socket
import sqlite3
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing, suppress
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar, cast

import attrs
from cyclopts import App

from sesamy_async._call import BlockingRuntime, Call, Request, drive
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
    until,
)
from sesamy_async._outcome import TransportFailure
from sesamy_async._settings import (
    BASE_URL,
    HEADERS,
    TOKEN_URL,
    SettingsSource,
)
from sesamy_async._version import __version__
from sesamy_async.errors import ConfigurationError, SesamyError
from sesamy_async.idempotency import (
    IdempotencyStore,
    MemoryStore,
    OrderState,
    SQLiteStore,
)

from .client import credentials, store_of_orders
from .doctor_findings import (
    CheckResult,
    CheckState,
    headline,
    judge_answer,
    judge_clock,
    judge_failure,
    judge_orders,
    judge_rate,
    judge_scope,
    judge_settings,
    judge_tls,
    judged,
    refused,
)
from .options import CHECKUP, Checkup
from .output import CommandResult, ExitCode
from .token import Granted, ask


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
_FOR_MACHINES = attrs.filters.exclude("wrong_setting")


@doctor_app.default
def doctor(*, options: Checkup = CHECKUP) -> CommandResult:
    """Check everything that sending an order needs, and say what to do.

    It checks the settings, DNS, TLS, the clock, the token and its scope, the
    rate limit, the store of orders and the versions.

    Args:
        options: What is checked, and how long that may take.
    """
    findings = [_versions(), *judge_settings(os.environ, options)]
    findings += _at_once(
        {
            "api": _complete(_API, _api(options)),
            "token": _complete(_TOKEN, _token(options)),
            "store": _store(options),
        },
        options.deadline,
    )
    findings = [_without_home(each) for each in findings]
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
    examined: dict[str, Iterable[CheckResult]], deadline: float
) -> Iterator[CheckResult]:
    """Make all examinations at once; yield their findings in order."""
    end = time.monotonic() + deadline
    running: list[tuple[str, list[CheckResult], Future[None]]] = []
    for name, examination in examined.items():
        found: list[CheckResult] = []
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
            yield CheckResult(name, CheckState.FAILED, seen)


_API = ("api name", "api connection", "api answer", "clock", "rate limit")
_TOKEN = ("token name", "token connection", "token", "granted scope")
_GIVES = {
    "name": "an address",
    "connection": "a connection",
    "answer": "a response",
    "token": "a token",
}


def _complete(
    checks: Sequence[str], examination: Iterator[CheckResult]
) -> Iterator[CheckResult]:
    """Yield its findings, up to the first that failed; skip the others."""
    done, why = 0, "it needs settings that are missing or wrong"
    with suppress(ConfigurationError):
        for each in examination:
            yield each
            done = checks.index(each.check) + 1
            if each.state is CheckState.FAILED:
                why = f"it needs {_GIVES[each.check.split()[-1]]}"
                break
    for skipped in checks[done:]:
        yield CheckResult(skipped, CheckState.SKIPPED, why)


def _api(options: Checkup) -> Iterator[CheckResult]:
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
        yield judge_failure("api answer", error.failure, error)
    else:
        headers, took = answer.headers, runtime.now() - began
        yield judge_answer("api answer", answer.status_code, headers, took)
        yield judge_clock(headers.get("date"), runtime.wall())
        yield judge_rate(headers)
    finally:
        drive(transport.aclose())


def _token(options: Checkup) -> Iterator[CheckResult]:
    url = SettingsSource(os.environ).url("token_url", None, TOKEN_URL)
    yield from _reached("token", url, options.timeout)
    given = credentials(None, options)
    try:
        got, lifetime = ask(given, url, options)
    except SesamyError as error:
        yield refused("token", error)
    else:
        yield judged("token", f"issued, valid for {lifetime} s")
        yield judge_scope(Granted.of(got, given))


def _reached(label: str, url: str, seconds: float) -> Iterator[CheckResult]:
    """Look a host up, and connect to it, as a client would."""
    name, connection = f"{label} name", f"{label} connection"
    try:
        bind(None, BlockingRuntime(), blocking=True, urls=[url])
        origin = str(origin_of(url))
        route = route_to(origin, Connections(), load_library("httpx"))
    except ConfigurationError as error:
        yield refused(connection, error)
    else:
        yield _looked_up(name, route, seconds)
        yield _connected(connection, route, seconds)


_MOST_ADDRESSES = 4


def _looked_up(check: str, route: NetworkPath, seconds: float) -> CheckResult:
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
        return judged(check, f"{host} is at {shown}{rest}{onward}")
    advice = "Check the name, and the DNS of this machine."
    return CheckResult(check, CheckState.FAILED, seen, advice)


_TRUSTED = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def _connected(check: str, route: NetworkPath, seconds: float) -> CheckResult:
    if is_socks(route):
        by = f"through the SOCKS proxy {route.proxy_name}"
        return judged(check, f"{by}; the first request connects")
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


def _store(options: Checkup) -> Iterator[CheckResult]:
    """Examine the store of orders; nothing is created."""
    try:
        store = store_of_orders(options.idempotency, new=False)
        if store is None:
            seen = "none: an order that is sent again gets a second contract"
            yield judged("store", seen)
            return
        with closing(store):
            yield _examined(store, options.timeout)
    except SesamyError as error:
        yield refused("store", error)


_PERMANENT = "Set SESAMY_IDEMPOTENCY to a permanent file, or to a server."


def _examined(store: IdempotencyStore, seconds: float) -> CheckResult:
    if isinstance(store, MemoryStore):
        return judged(
            "store", "in memory: it ends with the process", _PERMANENT
        )
    if isinstance(store, SQLiteStore):
        name = f"SQLite {sqlite3.sqlite_version} at {store.path}"
        if not store.path.exists():
            parents = store.path.parents
            folder = next(each for each in parents if each.exists())
            name += " does not exist yet"
            if os.access(folder, os.W_OK | os.X_OK):
                return judged("store", f"{name}: the first order creates it")
            seen = f"{name}, and you have no permission to write to {folder}"
            return CheckResult("store", CheckState.FAILED, seen, _PERMANENT)
    else:
        server = cast("ServerStore[Any]", store)
        name, there = server.about(within=seconds)
        if not there:
            seen = f"{name}, without tables: the first order creates them"
            return judged("store", seen)
    counts = Counter[OrderState]()
    end = time.monotonic() + seconds
    for record in store.entries(within=seconds):
        if time.monotonic() >= end:
            return judge_orders(name, counts, all_counted=False)
        counts[record.state] += 1
    return judge_orders(name, counts, all_counted=True)


def _without_home(finding: CheckResult) -> CheckResult:
    home = os.path.expanduser("~")  # noqa: PTH111 - it never raises
    if len(home) <= 1 or not home.strip("~"):
        return finding
    return attrs.evolve(finding, seen=finding.seen.replace(home, "~"))


_PACKAGES = ("httpx", "h11", "anyio", "attrs", "cattrs")


def _versions() -> CheckResult:
    python = f"{platform.python_implementation()} {platform.python_version()}"
    named = [f"sesamy-async {__version__}", python]
    for each in _PACKAGES:
        with suppress(PackageNotFoundError):
            named.append(f"{each} {version(each)}")
    named += [ssl.OPENSSL_VERSION, platform.platform()]
    return judged("versions", ", ".join(named))
