"""``sesamy doctor``: check settings, network, token and store."""

from __future__ import annotations

import os
import platform
import socket
import sqlite3
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import closing, suppress
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
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
from sesamy_async.auth import ClientCredentials, Token
from sesamy_async.errors import ConfigurationError, SesamyError
from sesamy_async.idempotency import (
    IdempotencyStore,
    MemoryStore,
    OrderState,
    SQLiteStore,
)

from .client import credentials, store_of_orders
from .doctor_findings import (
    Finding,
    State,
    headline,
    judge_answer,
    judge_clock,
    judge_failure,
    judge_orders,
    judge_rate,
    judge_scope,
    judge_settings,
    judge_tls,
    refused,
    skipped,
)
from .options import CHECKUP, Checkup
from .output import CommandResult, ExitCode
from .token import Granted, ask


if TYPE_CHECKING:
    from sesamy_async.idempotency._servers import ServerStore

_T = TypeVar("_T")

doctor_app = App(
    name="doctor",
    help_epilogue="""\
Examples:

  sesamy doctor
  sesamy doctor --json
  sesamy doctor --audience urn:sesamy

The output has no secrets and no personal data, so you can paste it into a
mail to support. No order is sent: the command requests a token and the
headers of the base URL, and stores nothing. Exit codes: 0 nothing failed;
1 something failed; 2 a setting is missing or wrong; 130 Ctrl-C.
""",
)

_PACKAGES = ("httpx", "h11", "anyio", "attrs", "cattrs")
_SHAREABLE = (
    "Nothing below is secret or personal: you can paste it into a mail to "
    "support."
)
_NEEDS_SETTINGS = "it needs settings that are missing or wrong"
_NEEDS_CONNECTION = "it needs a connection"
_NAME_ADVICE = "Check the name, and the DNS of this machine."
_UNREACHED = {State.FAILED, State.SKIPPED}
_GRACE = 1.0
_MOST_ADDRESSES = 4


@doctor_app.default
def doctor(*, options: Checkup = CHECKUP) -> CommandResult:
    """Check everything that sending an order needs, and say what to do.

    It checks the settings, DNS, TLS, the clock, the token and its scope, the
    rate limit, the store of orders and the versions.

    Args:
        options: What is checked, and how long that may take.
    """
    findings = [_versions(), *judge_settings(os.environ, _given(options))]
    examined = {"api": _api(options), "token": _token(options)}
    findings += _at_once(
        {**examined, "store": _store(options)}, options.deadline
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
            "checks": [each.described() for each in findings],
        },
        (_SHAREABLE, *lines),
        code,
    )


def _given(options: Checkup) -> dict[str, str | None]:
    return {
        "vendor_id": options.vendor,
        "base_url": options.base_url,
        "scope": options.scope,
        "audience": options.audience,
        "organization": options.organization,
        "encoding": options.token_encoding,
    }


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


def _api(options: Checkup) -> Iterator[Finding]:
    """Examine the API, without a token: nothing can come of it."""
    rest = ("api answer", "clock", "rate limit")
    try:
        source = SettingsSource(os.environ)
        url = source.url("base_url", options.base_url, BASE_URL)
    except ConfigurationError:
        for each in ("api name", "api connection", *rest):
            yield skipped(each, _NEEDS_SETTINGS)
        return
    reached = [*_reached("api", url, options.timeout)]
    yield from reached
    if reached[-1].state in _UNREACHED:
        for each in rest:
            yield skipped(each, _NEEDS_CONNECTION)
        return
    runtime = BlockingRuntime()
    transport = bind(None, runtime, blocking=True, urls=[url])
    began = runtime.now()
    call = Call(
        operation="doctor",
        request=Request(method="HEAD", url=url, headers=HEADERS),
        deadline=began + options.timeout,
        timeout=options.timeout,
    )
    try:
        answer = drive(transport.send(call))
    except TransportFailure as error:
        yield judge_failure("api answer", error.failure, error.__cause__)
        for each in rest[1:]:
            yield skipped(each, "it needs an answer")
        return
    finally:
        drive(transport.aclose())
    headers, took = answer.headers, runtime.now() - began
    yield judge_answer("api answer", answer.status_code, headers, took)
    yield judge_clock(headers.get("date"), runtime.wall())
    yield judge_rate(headers)


def _token(options: Checkup) -> Iterator[Finding]:
    """Examine the token endpoint, and the token."""
    rest = ("token", "granted scope")
    try:
        source = SettingsSource(os.environ)
        url = source.url("token_url", None, TOKEN_URL)
    except ConfigurationError:
        for each in ("token name", "token connection", *rest):
            yield skipped(each, _NEEDS_SETTINGS)
        return
    reached = [*_reached("token", url, options.timeout)]
    yield from reached
    why = _NEEDS_CONNECTION
    if reached[-1].state not in _UNREACHED:
        try:
            given = credentials(None, options)
        except ConfigurationError:
            why = _NEEDS_SETTINGS
        else:
            yield from _asked(partial(ask, given, url, options), given)
            return
    for each in rest:
        yield skipped(each, why)


def _asked(
    request: Callable[[], tuple[Token, int]], given: ClientCredentials
) -> Iterator[Finding]:
    try:
        got, lifetime = request()
    except ConfigurationError as error:
        yield refused("token", error)
    except SesamyError as error:
        yield Finding("token", State.FAILED, str(error.args[0]))
    else:
        yield Finding("token", State.OK, f"issued, valid for {lifetime} s")
        yield judge_scope(Granted.of(got, given))
        return
    yield skipped("granted scope", "it needs a token")


def _reached(label: str, url: str, seconds: float) -> Iterator[Finding]:
    """Look a host up, and connect to it, as a client would."""
    name, connection = f"{label} name", f"{label} connection"
    try:
        bind(None, BlockingRuntime(), blocking=True, urls=[url])
        origin = str(origin_of(url))
        route = route_to(origin, Connections(), load_library("httpx"))
    except ConfigurationError as error:
        yield refused(connection, error)
        return
    looked_up = _looked_up(name, route, seconds)
    yield looked_up
    if looked_up.state is State.FAILED:
        yield skipped(connection, "it needs an address")
        return
    if is_socks(route):
        yield Finding(
            connection,
            State.OK,
            f"through the SOCKS proxy {route.proxy_name}; it is made with "
            "the first request",
        )
        return
    try:
        # It looks the name up again, which has no timeout.
        job = _in_thread(partial(_connected, connection, route, seconds))
        yield job.result(seconds + _GRACE)
    except TimeoutError:
        yield Finding(connection, State.FAILED, f"none within {seconds:g} s")


def _looked_up(check: str, route: NetworkPath, seconds: float) -> Finding:
    host = (route.proxy or route.target).host
    onward = f"; it leads to {route.target.host}" if route.proxy else ""
    port = (route.proxy or route.target).port
    ask_for = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        found = _in_thread(ask_for).result(seconds)
    except TimeoutError:
        seen = f"{host} was not found within {seconds:g} s"
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        seen = f"{host} was not found ({reason})"
    else:
        addresses = [*dict.fromkeys(str(each[4][0]) for each in found)]
        more = len(addresses) - _MOST_ADDRESSES
        shown = ", ".join(addresses[:_MOST_ADDRESSES])
        return Finding(
            check,
            State.OK,
            f"{f'the proxy {host}' if onward else host} is at {shown}"
            f"{f' and {more} more' if more > 0 else ''}{onward}",
        )
    if onward:
        seen = f"The proxy {seen}{onward}"
    return Finding(check, State.FAILED, seen, _NAME_ADVICE)


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


_TRUSTED = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def _store(options: Checkup) -> Iterator[Finding]:
    """Examine the store of orders; nothing is made."""
    try:
        store = store_of_orders(options.idempotency, new=False)
    except ConfigurationError as error:
        yield refused("store", error)
        return
    if store is None:
        yield Finding(
            "store",
            State.OK,
            "none: an order that is sent again gets a second contract",
        )
        return
    with closing(store):
        try:
            yield _examined(store, options.timeout)
        except SesamyError as error:
            yield Finding("store", State.FAILED, str(error.args[0]))


def _examined(store: IdempotencyStore, seconds: float) -> Finding:
    if isinstance(store, MemoryStore):
        return Finding(
            "store",
            State.WARNING,
            "in memory: it ends with the process",
            "Name a file or a server in SESAMY_IDEMPOTENCY.",
        )
    if isinstance(store, SQLiteStore):
        name = f"SQLite {sqlite3.sqlite_version} at {store.path}"
        if not store.path.exists():
            return _absent(store.path, name)
    else:
        server = cast("ServerStore[Any]", store)
        name, there = server.about(within=seconds)
        if not there:
            return Finding(
                "store",
                State.OK,
                f"{name}, without tables: the first order makes them",
            )
    counts = Counter[OrderState]()
    end = time.monotonic() + seconds
    for record in store.entries(within=seconds):
        if time.monotonic() >= end:
            return judge_orders(name, counts, all_counted=False)
        counts[record.state] += 1
    return judge_orders(name, counts, all_counted=True)


def _absent(path: Path, name: str) -> Finding:
    seen = f"{name} does not exist yet: the first order makes it"
    folder = next(each for each in path.parents if each.exists())
    if os.access(folder, os.W_OK | os.X_OK):
        return Finding("store", State.OK, seen)
    return Finding(
        "store",
        State.FAILED,
        (
            f"{name} does not exist, and you have no permission to write to "
            f"{folder}"
        ),
        "Name a file that lasts, or a server, in SESAMY_IDEMPOTENCY.",
    )


def _without_home(finding: Finding) -> Finding:
    """Return a finding without the name of the user."""
    home = os.path.expanduser("~")  # noqa: PTH111 - it never raises
    if len(home) <= 1 or not home.strip("~"):
        return finding
    return attrs.evolve(finding, seen=finding.seen.replace(home, "~"))
