"""The settings of a client: arguments, environment, defaults, checks."""

from __future__ import annotations

import math
from contextlib import nullcontext
from enum import Enum
from typing import Any

import httpx
import pytest

from sesamy_async import (
    AsyncSesamy,
    ClientCredentials,
    ConfigurationError,
    Sesamy,
    StaticToken,
)
from support.calling import World, create
from support.fault_server import FaultServer
from support.faults import good
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
    [("TOKEN_ENCODING", "xml")]
    + [(name, " ") for name in ("TOKEN_ENCODING", "AUDIENCE", "ORGANIZATION")],
)
def test_a_wrong_variable(
    kind: Any, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """It is named, with the argument."""
    monkeypatch.setenv(f"SESAMY_{variable}", value)
    with pytest.raises(ConfigurationError, match=rf"\(SESAMY_{variable}\)"):
        kind("acme", **CREDENTIALS)


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
