"""The settings of a client: arguments, environment, defaults, checks."""

from __future__ import annotations

import io
import json
import logging
import math
import pickle
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from enum import Enum
from typing import Any

import httpx
import pytest

from sesamy_async import (
    AsyncSesamy,
    ClientCredentials,
    ConfigurationError,
    Connections,
    RateLimit,
    RetryBudget,
    RetryPolicy,
    Sesamy,
    StaticToken,
)
from support.calling import World, create
from support.fault_server import FaultServer
from support.faults import good
from support.leaks import told_by
from support.marks import every_world


CREDENTIALS = {"client_id": "c", "client_secret": "CANARY"}
HUGE = -(10**5000)  # More digits than Python writes.
WRONG_SECONDS: Any = [0, -1, "5", [], True, math.nan, 10**400, HUGE]


@pytest.fixture(params=[AsyncSesamy, Sesamy])
def kind(request: pytest.FixtureRequest) -> Any:
    """Each client in turn."""
    return request.param


@pytest.mark.parametrize(
    ("given", "environ", "expected"),
    [("a", "", "a"), ("a", "b", "a"), (None, "b", "b")],
)
def test_an_argument_comes_first(
    kind: Any,
    monkeypatch: pytest.MonkeyPatch,
    given: Any,
    environ: str,
    expected: str,
) -> None:
    """Arguments first, then the environment."""
    monkeypatch.setenv("SESAMY_VENDOR_ID", environ)

    assert expected == kind(given, **CREDENTIALS).vendor_id


@pytest.mark.parametrize("given", ["", " ", 5, b"x"])
def test_what_is_no_text(kind: Any, given: Any) -> None:
    """It is refused by argument and variable."""
    with pytest.raises(
        ConfigurationError, match=r"^vendor_id must .* SESAMY_VENDOR_ID\."
    ):
        kind(given, **CREDENTIALS)


@pytest.mark.parametrize("missing", ["vendor_id", *CREDENTIALS])
def test_missing(
    kind: Any, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """A missing setting, or an empty variable, is named with both."""
    given = {"vendor_id": "acme", **CREDENTIALS}
    del given[missing]
    variable = f"SESAMY_{missing.upper()}"
    monkeypatch.setenv(variable, "")
    with pytest.raises(ConfigurationError, match=variable) as caught:
        kind(**given)

    assert f"{missing}=" in str(caught.value)


def test_from_the_environment(
    kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All settings can come from the environment."""
    monkeypatch.setenv("SESAMY_VENDOR_ID", "acme")
    monkeypatch.setenv("SESAMY_CLIENT_ID", "c")
    monkeypatch.setenv("SESAMY_CLIENT_SECRET", "s")
    monkeypatch.setenv("SESAMY_BASE_URL", "http://localhost:1/x/")
    monkeypatch.setenv("SESAMY_TOKEN_URL", "http://[::1]:1/token")

    assert (
        f"{kind.__name__}(vendor_id='acme', base_url='http://localhost:1/x')"
    ) == repr(kind())


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        (CREDENTIALS, True),
        ({"auth": ClientCredentials("c", "s")}, False),
    ],
    ids=["client_id", "auth"],
)
def test_what_a_token_is_asked_with(
    monkeypatch: pytest.MonkeyPatch, settings: Any, asked: bool
) -> None:
    """It comes from the environment, which changes nothing in an `auth=`."""
    variables = {"SCOPE": "x1", "AUDIENCE": "x2", "ORGANIZATION": "x3"}
    for name, value in {**variables, "TOKEN_ENCODING": "form"}.items():
        monkeypatch.setenv(f"SESAMY_{name}", value)
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(f"{request.headers} {request.content.decode()}")
        return httpx.Response(200, json={"access_token": "t"})

    transport = httpx.MockTransport(answer)
    with Sesamy("acme", transport=transport, **settings) as client:
        client.ready()

    assert [[asked] * 4] == [
        [each in text for each in (*variables.values(), "urlencoded")]
        for text in sent
    ]


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://api.sesamy.com", True),
        ("https://api.sesamy.com:8443/v1", True),
        ("http://localhost", True),
        ("http://127.0.0.1:8787", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:80", True),
        ("http://api.sesamy.com", False),
        ("http://10.0.0.1", False),
        ("http://localhost.evil.test", False),
        ("http://0.0.0.0", False),
        ("ftp://localhost", False),
        ("file:///etc/passwd", False),
        ("api.sesamy.com", False),
        ("https://", False),
        ("https://[::1", False),
        ("https://a:99999", False),
        ("https://a:0", False),
        ("https://user:pw@a", False),
        ("https://a?x=1", False),
        ("https://a#x", False),
        ("https://a b", False),
        ("https://å.se", False),
        ("https://a\n", False),
    ],
)
def test_url(url: str, allowed: bool) -> None:
    """Https anywhere, http on loopback; others are named and refused."""
    refused = pytest.raises(
        ConfigurationError, match=r"^base_url \(SESAMY_BASE_URL\)"
    )
    with nullcontext() if allowed else refused:
        # A slash at the end is taken off.
        given = f"{url}/" if allowed else url
        client = Sesamy("acme", base_url=given, **CREDENTIALS)  # type: ignore[arg-type]

        assert url == client.base_url


@pytest.mark.parametrize("limit", [None, math.inf, 1e300, 5])
@every_world
def test_no_limit(world: World, limit: Any) -> None:
    """None and infinity are no limit, nor is more than a socket can wait."""
    with FaultServer([], good) as server:
        ending = world.one(
            create, timeout=limit, deadline=limit, base_url=server.url
        )

    assert "c-1" == ending.value.id


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"vendor_id": ".."}, "SESAMY_VENDOR_ID"),
        ({"base_url": "http://a.test"}, "SESAMY_BASE_URL"),
        ({"token_url": "http://a.test"}, "SESAMY_TOKEN_URL"),
        *(
            ({name: seconds}, name)
            for name in ("timeout", "deadline")
            for seconds in WRONG_SECONDS
        ),
        ({"retry": 4}, "retry"),
        ({"rate_limit": 5}, "rate_limit"),
        ({"middleware": [5]}, "middleware"),
        ({"middleware": 5}, "middleware"),
        ({"middleware": None}, "middleware"),
        ({"auth": StaticToken("t")}, "auth"),
        ({"auth": 5, "client_id": None, "client_secret": None}, "auth"),
        ({"transport": 5}, "transport"),
        ({"client_secret": 5}, "client_secret"),
        ({"shared_contracts": "no"}, "shared_contracts"),
    ],
)
def test_impossible(kind: Any, changes: dict[str, Any], named: str) -> None:
    """An impossible setting is named, and the secret is not shown."""
    given = {"vendor_id": "acme", **CREDENTIALS, **changes}
    with pytest.raises(ConfigurationError, match=named) as caught:
        kind(**given)

    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"timeout": -1}, "timeout"),
        ({"deadline": 0}, "deadline"),
        ({"retry": 5}, "retry"),
        ({"vendor_id": ""}, "vendor_id"),
        *(
            ({"headers": headers}, "headers")
            for headers in (
                "X: y",
                {"X": 5},
                {5: "x"},
                {"X\r\nY": "x"},
                {"X": "a\r\nb"},
                {"X": " a"},
                {"X": "å"},
                {"Authorization": "Bearer x"},
                {"a b": "x"},
                {"Content-length": "5"},
                {"Host": "x"},
                {"transfer-encoding": "chunked"},
            )
        ),
    ],
)
def test_impossible_options(kind: Any, changes: Any, named: str) -> None:
    """A copy has no impossible setting, and no header of the connection."""
    client = kind("acme", **CREDENTIALS)
    with pytest.raises(ConfigurationError, match=named):
        client.with_options(**changes)


def test_options(kind: Any) -> None:
    """A copy of the same kind has other settings."""
    client = kind("acme", **CREDENTIALS)
    copy = client.with_options(vendor_id="other")

    assert ("acme", "other") == (client.vendor_id, copy.vendor_id)
    assert kind is type(copy)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TOKEN_ENCODING", "xml"),
        ("AUDIENCE", '"urn:sesamy"'),
        ("CLIENT_ID", " 'c'\n"),
        ("CLIENT_SECRET", "\u201cCANARY\u201d"),
        ("BASE_URL", '"https://api.sesamy.com"'),
        ("IDEMPOTENCY", "'memory:'"),
        ("LOG", "loud"),
    ],
)
def test_a_wrong_variable(
    kind: Any, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """It is named, and its value is not shown."""
    monkeypatch.setenv("SESAMY_CLIENT_ID", "c")
    monkeypatch.setenv("SESAMY_CLIENT_SECRET", "CANARY")
    monkeypatch.setenv(f"SESAMY_{variable}", value)
    with pytest.raises(ConfigurationError, match=variable) as caught:
        kind("acme")

    assert "CANARY" not in str(caught.value)
    assert ("quotes" in str(caught.value)) is (value.strip()[0] in "'\"\u201c")


def test_space_around_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is stripped, and a variable of nothing else is not set."""
    for name in ("VENDOR_ID", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.setenv(f"SESAMY_{name}", f"\t{name.lower()}\r\n")
    monkeypatch.setenv("SESAMY_BASE_URL", " http://localhost:1\n")
    monkeypatch.setenv("SESAMY_AUDIENCE", " \n")
    monkeypatch.setenv("SESAMY_TOKEN_ENCODING", "\n")
    sent: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        return httpx.Response(200, json={"access_token": "t"})

    with Sesamy(transport=httpx.MockTransport(answer)) as client:
        client.ready()

    assert ("vendor_id", "http://localhost:1") == (
        client.vendor_id,
        client.base_url,
    )
    assert [("client_id", "client_secret", None)] == [
        (each["client_id"], each["client_secret"], each.get("audience"))
        for each in sent
    ]


@pytest.mark.parametrize(
    ("given", "extra"),
    [(" a", "spaces"), ("a\n", "line breaks"), ('"a"', "quotes")],
)
@pytest.mark.parametrize(
    "argument",
    ["vendor_id", "client_id", "client_secret", "base_url", "idempotency"],
)
def test_space_and_quotes_around_arguments(
    kind: Any, argument: str, given: str, extra: str
) -> None:
    """They are named, and never taken off."""
    settings = {"vendor_id": "acme", **CREDENTIALS, argument: given}
    with pytest.raises(
        ConfigurationError,
        match=rf"^{argument} \(SESAMY_{argument.upper()}\) has .*{extra}",
    ):
        kind(**settings)


def test_all_mistakes_at_once(
    kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One error names every setting that is wrong, once."""
    monkeypatch.setenv("SESAMY_CLIENT_ID", "'c'")
    monkeypatch.setenv("SESAMY_TOKEN_ENCODING", "xml")
    monkeypatch.setenv("SESAMY_LOG", "loud")
    with pytest.raises(ConfigurationError) as caught:
        kind(
            base_url="http://a.test",
            token_url="ftp://a.test",
            timeout=-1,
            deadline=0,
            retry=4,
            rate_limit=5,
            middleware=5,
            transport=5,
            shared_contracts="no",
            idempotency="mysql://u:CANARY@a.test",
            default_headers="CANARY",
            app_info=5,
            strict="yes",
        )
    error = caught.value

    assert [
        *("SESAMY_LOG", "vendor_id", "base_url", "token_url"),
        *("timeout", "deadline", "retry", "default_headers", "app_info"),
        *("strict", "middleware", "shared_contracts"),
        *("SESAMY_CLIENT_ID", "client_secret", "encoding", "transport:"),
        *("rate_limit", "idempotency"),
    ] == [each.split()[0] for each in error.problems]
    assert str(error).startswith("18 settings are wrong: (1) SESAMY_LOG must")
    assert all(f" {each}" in str(error) for each in error.problems)
    assert "CANARY" not in str(error)


def test_all_mistakes_of_credentials_at_once() -> None:
    """So do credentials; a single mistake reads as it is."""
    wrong: Any = 5
    with pytest.raises(ConfigurationError) as all_wrong:
        ClientCredentials(
            "a:b", "\u00e5", scope=wrong, encoding="basic", store=wrong
        )
    with pytest.raises(ConfigurationError) as one:
        ClientCredentials("", "s")

    assert ["scope", "client_id", "client_secret", "store"] == [
        each.split()[0] for each in all_wrong.value.problems
    ]
    assert one.value.problems == (one.value.args[0],)
    assert str(one.value).startswith("client_id (SESAMY_CLIENT_ID) must be")


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (
            lambda: Connections(
                cap=0.5,  # type: ignore[arg-type]
                idle=-1,
                max_response_size=0,
                proxy="u:CANARY@a.test",
                trust_env=1,  # type: ignore[arg-type]
                ssl_context="ca.pem",  # type: ignore[arg-type]
                library="requests",  # type: ignore[arg-type]
            ),
            [
                *("idle", "cap", "max_response_size", "", "trust_env"),
                *("ssl_context", "library"),
            ],
        ),
        (
            lambda: RetryPolicy(
                attempts=0,
                base=-1,
                cap=-1,
                longest_wait=-1,
                budget=5,  # type: ignore[arg-type]
                resend_unknown=1,  # type: ignore[arg-type]
            ),
            [
                *("attempts", "base", "cap", "longest_wait", "budget"),
                "resend_unknown",
            ],
        ),
        (
            lambda: RateLimit(requests=0, per=0, burst=0),
            ["requests", "per", "burst"],
        ),
        (
            lambda: RetryBudget(capacity=-1, transient=-1, throttled=-1),
            ["capacity", "transient", "throttled"],
        ),
    ],
    ids=["connections", "retry", "rate limit", "budget"],
)
def test_all_mistakes_of_other_settings_at_once(
    make: Any, named: list[str]
) -> None:
    """So does what is given to a client, where it is created."""
    with pytest.raises(ConfigurationError) as caught:
        make()

    assert named == [
        each.split()[0].partition(".")[2] for each in caught.value.problems
    ]
    assert "CANARY" not in told_by(caught.value)


def test_problems_are_pickled() -> None:
    """An error that went through a process pool still has them."""
    with pytest.raises(ConfigurationError) as caught:
        AsyncSesamy(timeout=0)

    assert 4 == len(caught.value.problems)
    assert (str(caught.value), caught.value.problems) == (
        str(copy := pickle.loads(pickle.dumps(caught.value))),  # noqa: S301 - ours
        copy.problems,
    )


def test_vendor_of_an_enum(kind: Any) -> None:
    """The value of a member counts, not its name."""

    class Vendor(str, Enum):  # noqa: UP042 - as it was before StrEnum
        ACME = "acme"

    assert "acme" == kind(Vendor.ACME, **CREDENTIALS).vendor_id


def test_a_repr_before_there_is_anything(kind: Any) -> None:
    """A debugger can show a client in the midst of its constructor."""
    assert f"{kind.__name__}(...)" == repr(kind.__new__(kind))


def test_what_a_client_tells(kind: Any) -> None:
    """A client tells the pace it keeps, and where its calls go."""
    client = kind("acme", **CREDENTIALS)
    unpaced = kind("acme", **CREDENTIALS, rate_limit=None)

    assert (5.0, 500.0, "https://api.sesamy.com") == (
        client.permitted_rate,
        client.permitted_at_once,
        client.base_url,
    )
    assert (None, None) == (unpaced.permitted_rate, unpaced.permitted_at_once)
    assert not client.shared_contracts


@contextmanager
def unconfigured() -> Iterator[logging.Logger]:
    """Yield the SDK's logger where nothing is configured, pytest's neither."""
    log = logging.getLogger("sesamy_async")
    level, handlers, above = log.level, log.handlers, logging.root.handlers
    log.setLevel(logging.NOTSET)
    log.handlers, logging.root.handlers = [], []
    try:
        yield log
    finally:
        log.setLevel(level)
        log.handlers, logging.root.handlers = handlers, above


@pytest.mark.parametrize(
    ("named", "shown"), [("debug", 3), (" INFO\n", 2), ("warning", 1)]
)
def test_a_log_that_is_asked_for(
    named: str,
    shown: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """SESAMY_LOG writes it to stderr, each record once."""
    monkeypatch.setenv("SESAMY_LOG", named)
    with unconfigured() as log:
        for kind in (Sesamy, AsyncSesamy):
            kind("acme", client_id="c", client_secret="s")
        log.debug("one")
        log.info("two")
        log.warning("three")
    lines = capsys.readouterr().err.splitlines()

    assert shown == len(lines)
    assert lines[-1].endswith(" WARNING sesamy_async: three")


def test_no_log_unless_it_is_asked_for(kind: Any) -> None:
    """Without SESAMY_LOG, logging is left alone."""
    with unconfigured() as log:
        kind("acme", **CREDENTIALS)
        actual = log.level, log.handlers

    assert (logging.NOTSET, []) == actual


@pytest.mark.parametrize("first", [True, False])
def test_a_log_of_the_application(
    first: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its handlers get what SESAMY_LOG asks for, and nothing comes twice."""
    monkeypatch.setenv("SESAMY_LOG", "debug")
    handler = logging.StreamHandler(stream := io.StringIO())
    with unconfigured() as log:
        if first:
            logging.root.handlers = [handler]
        Sesamy("acme", client_id="c", client_secret="s")
        logging.root.handlers = [handler]
        log.debug("one")

    assert ("one\n", "") == (stream.getvalue(), capsys.readouterr().err)


def test_a_log_is_not_made_quieter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A level that the application has set, and that shows more, stays."""
    monkeypatch.setenv("SESAMY_LOG", "warning")
    with unconfigured() as log:
        log.setLevel(logging.DEBUG)
        Sesamy("acme", client_id="c", client_secret="s")

        assert logging.DEBUG == log.level
