"""Arguments, environment, defaults, checks."""

from __future__ import annotations

import math
from contextlib import nullcontext
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
WRONG_SECONDS: Any = [0, -1, "5", [], True, math.nan, 10**400, HUGE]


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
        assert url == check_url("base_url", given, "SESAMY_BASE_URL")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, math.inf),
        (math.inf, math.inf),
        (5, 5.0),
        # No socket can wait as long.
        (1e300, math.inf),
        *((each, None) for each in WRONG_SECONDS),
    ],
    ids=lambda value: type(value).__name__,
)
def test_seconds(given: Any, expected: float | None) -> None:
    """None and infinity are no limit; what is no time is refused by name."""
    if expected is not None:
        assert expected == check_seconds("timeout", given)
        return
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
        ({"headers": {"X": "å"}}, "headers"),
        ({"vendor_id": "other"}, None),
    ],
)
def test_options(
    kind: Any, changes: dict[str, Any], named: str | None
) -> None:
    """A copy has other settings, if they are possible."""
    client = kind("acme", **CREDENTIALS)
    if named is not None:
        with pytest.raises(ConfigurationError, match=named):
            client.with_options(**changes)
        return
    copy = client.with_options(**changes)

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
