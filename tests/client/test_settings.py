"""Arguments, environment, defaults, checks."""

from __future__ import annotations

import math
from enum import Enum
from typing import Any

import pytest

from sesamy_async import (
    AsyncSesamy,
    ClientCredentials,
    ConfigurationError,
    Sesamy,
    StaticToken,
)
from sesamy_async._call import Secret
from sesamy_async._settings import (
    SettingsSource,
    check_headers,
    check_seconds,
    check_url,
)
from sesamy_async.auth._credentials import credentials_from


CREDENTIALS = {"client_id": "c", "client_secret": "CANARY"}


HUGE = -(10**5000)  # More digits than Python writes.


@pytest.fixture(params=[AsyncSesamy, Sesamy])
def kind(request: pytest.FixtureRequest) -> Any:
    """Each client in turn."""
    return request.param


@pytest.mark.parametrize(
    ("given", "environ", "expected"),
    [
        ("a", {}, "a"),
        ("a", {"V": "b"}, "a"),
        (None, {"V": "b"}, "b"),
        (None, {"V": ""}, None),
        (None, {}, None),
        (Secret("s"), {}, Secret("s")),
    ],
)
def test_source(given: Any, environ: dict[str, str], expected: Any) -> None:
    """Arguments first, then the environment."""
    assert expected == SettingsSource(environ).optional("v", given, "V")


@pytest.mark.parametrize("given", ["", " ", 5, b"x"])
def test_source_refuses(given: Any) -> None:
    """What is no text is refused by argument and variable."""
    with pytest.raises(ConfigurationError, match=r"^v must .* V\."):
        SettingsSource({}).optional("v", given, "V")


@pytest.mark.parametrize(
    ("missing", "variable"),
    [
        ("vendor_id", "SESAMY_VENDOR_ID"),
        ("client_id", "SESAMY_CLIENT_ID"),
        ("client_secret", "SESAMY_CLIENT_SECRET"),
    ],
)
def test_missing(kind: Any, missing: str, variable: str) -> None:
    """A missing setting is named with its variable."""
    given = {"vendor_id": "acme", **CREDENTIALS}
    del given[missing]
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
    client = kind()

    assert (
        f"{kind.__name__}(vendor_id='acme', base_url='http://localhost:1/x')"
    ) == repr(client)


ASKED = {
    "SESAMY_SCOPE": "s",
    "SESAMY_AUDIENCE": "a",
    "SESAMY_ORGANIZATION": "o",
    "SESAMY_TOKEN_ENCODING": "form",
}


def test_what_is_asked_for_comes_from_the_environment() -> None:
    """So does all that a token depends on, and how it is asked for."""
    expected = ClientCredentials(
        "c", "x", scope="s", audience="a", organization="o", encoding="form"
    )

    assert expected == credentials_from(
        None, "c", Secret("x"), SettingsSource(ASKED)
    )


def test_credentials_of_the_callers_are_as_they_are() -> None:
    """The environment changes nothing in an `auth=`."""
    given = ClientCredentials("c", "x")

    assert given is credentials_from(given, None, None, SettingsSource(ASKED))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SESAMY_TOKEN_ENCODING", "xml"),
        ("SESAMY_TOKEN_ENCODING", " "),
        ("SESAMY_AUDIENCE", " "),
        ("SESAMY_ORGANIZATION", " "),
    ],
)
def test_a_wrong_variable(
    kind: Any, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """It is named, with the argument."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=rf"\({variable}\)"):
        kind("acme", **CREDENTIALS)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.sesamy.com",
        "https://api.sesamy.com:8443/v1",
        "http://localhost",
        "http://127.0.0.1:8787",
        "http://127.9.9.9",
        "http://[::1]:80",
    ],
)
def test_url(url: str) -> None:
    """Https anywhere, http on loopback only."""
    assert url == check_url("base_url", f"{url}/", "SESAMY_BASE_URL")


@pytest.mark.parametrize(
    "url",
    [
        "http://api.sesamy.com",
        "http://10.0.0.1",
        "http://localhost.evil.test",
        "http://0.0.0.0",
        "ftp://localhost",
        "file:///etc/passwd",
        "api.sesamy.com",
        "https://",
        "https://[::1",
        "https://a:99999",
        "https://a:0",
        "https://user:pw@a",
        "https://a?x=1",
        "https://a#x",
        "https://a b",
        "https://å.se",
        "https://a\n",
    ],
)
def test_url_refused(url: str) -> None:
    """Any other URL is refused by argument and variable."""
    with pytest.raises(
        ConfigurationError, match=r"^base_url \(SESAMY_BASE_URL\)"
    ):
        check_url("base_url", url, "SESAMY_BASE_URL")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, math.inf),
        (math.inf, math.inf),
        (5, 5.0),
        (1e300, math.inf),
    ],
)
def test_seconds(given: float | None, expected: float) -> None:
    """None and infinity are no limit, nor what no socket can wait for."""
    assert expected == check_seconds("timeout", given)


@pytest.mark.parametrize(
    "given", [0, -1, "5", [], True, math.nan, 10**400, HUGE], ids=type
)
def test_seconds_refused(given: Any) -> None:
    """What is no time above zero is refused by name."""
    with pytest.raises(ConfigurationError, match="timeout"):
        check_seconds("timeout", given)


@pytest.mark.parametrize(
    "headers",
    [
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
    ],
)
def test_headers_refused(headers: Any) -> None:
    """A header that can't be sent, or would replace the token."""
    with pytest.raises(ConfigurationError, match="headers"):
        check_headers(headers)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"vendor_id": ".."}, "SESAMY_VENDOR_ID"),
        ({"base_url": "http://a.test"}, "SESAMY_BASE_URL"),
        ({"token_url": "http://a.test"}, "SESAMY_TOKEN_URL"),
        ({"timeout": 0}, "timeout"),
        ({"deadline": "soon"}, "deadline"),
        ({"retry": 4}, "retry"),
        ({"rate_limit": 5}, "rate_limit"),
        ({"middleware": [5]}, "middleware"),
        ({"middleware": 5}, "middleware"),
        ({"middleware": None}, "middleware"),
        ({"auth": StaticToken("t")}, "auth"),
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


def test_vendor_of_an_enum(kind: Any) -> None:
    """The value of a member counts, not its name."""

    class Vendor(str, Enum):  # noqa: UP042 - as it was before StrEnum
        ACME = "acme"

    assert "acme" == kind(Vendor.ACME, **CREDENTIALS).vendor_id


def test_impossible_auth(kind: Any) -> None:
    """An auth that can't authorize anything is refused."""
    with pytest.raises(ConfigurationError, match="auth"):
        kind("acme", auth=5)


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


def test_options(kind: Any) -> None:
    """A copy has other settings; the client keeps its own."""
    client = kind("acme", **CREDENTIALS)
    copy = client.with_options(vendor_id="other")

    assert ("acme", "other") == (client.vendor_id, copy.vendor_id)
    assert kind is type(copy)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"timeout": -1}, "timeout"),
        ({"deadline": 0}, "deadline"),
        ({"retry": 5}, "retry"),
        ({"vendor_id": ""}, "vendor_id"),
        ({"headers": {"X": "å"}}, "headers"),
    ],
)
def test_impossible_options(
    kind: Any, changes: dict[str, Any], named: str
) -> None:
    """An impossible option is named."""
    client = kind("acme", **CREDENTIALS)
    with pytest.raises(ConfigurationError, match=named):
        client.with_options(**changes)
