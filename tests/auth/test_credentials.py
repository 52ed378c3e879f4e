"""What a user gives as `auth=`: credentials, a token or a function."""

from __future__ import annotations

import copy
import functools
import json
import pickle
from base64 import b64decode
from typing import Any
from urllib.parse import parse_qs

import attrs
import pytest

from sesamy_async._call import Auth, Call, Response, Secret, drive
from sesamy_async._settings import HEADERS
from sesamy_async.auth import (
    CallableAuth,
    ClientCredentials,
    MemoryTokenStore,
    StaticToken,
    TokenAuth,
    bind,
    token_request,
)
from sesamy_async.errors import ConfigurationError
from support.exchanges import a_call
from support.runtime import FakeRuntime


URL = "https://token.sesamy.com/oauth/token"
CANARY = "canary-5ecret"
SCOPE = "payments:contract:third-party-onboarding"
CALL = a_call()
# Typed loosely: these tests pass what the types forbid.
make: Any = ClientCredentials
make_token: Any = StaticToken
make_callable: Any = CallableAuth


async def exchange(call: Call) -> Response:
    """Fail: these tests send nothing."""
    raise AssertionError(call)


def bound(auth: object) -> Auth:
    """Bind as a client does."""
    return bind(auth, token_url=URL, runtime=FakeRuntime(), exchange=exchange)


def test_json_is_the_default() -> None:
    """The body is the guide's, with the keys in its order."""
    request = token_request(ClientCredentials("id", CANARY), URL)

    assert ("POST", URL, {**HEADERS, "Content-Type": "application/json"}) == (
        request.method,
        request.url,
        request.headers,
    )
    assert request.authorization is None
    assert request.content.decode() == (
        f'{{"client_id": "id", "client_secret": "{CANARY}", '
        f'"grant_type": "client_credentials", "scope": "{SCOPE}"}}'
    )


@pytest.mark.parametrize("encoding", ["json", "form", "basic"])
def test_audience_and_organization_follow(encoding: str) -> None:
    """They are sent after the scope, if they are given."""
    options = {"scope": "s", "audience": "a", "organization": "o"}
    credentials = make("id", CANARY, encoding=encoding, **options)

    content = token_request(credentials, URL).content.decode()
    sent = json.loads(content) if encoding == "json" else parse_qs(content)

    assert ["scope", "audience", "organization"] == list(sent)[-3:]


def test_a_form_encodes_every_secret() -> None:
    """Separators and non-ASCII characters arrive unchanged."""
    secret = "a&b=c+d e%:åä"
    request = token_request(
        ClientCredentials("id", secret, encoding="form"), URL
    )

    kind = request.headers["Content-Type"]
    assert "application/x-www-form-urlencoded" == kind
    assert parse_qs(request.content.decode()) == {
        "client_id": ["id"],
        "client_secret": [secret],
        "grant_type": ["client_credentials"],
        "scope": [SCOPE],
    }


def test_basic_keeps_the_secret_out_of_the_body() -> None:
    """With HTTP Basic the credentials are in the header only."""
    request = token_request(
        ClientCredentials("id", "a%20+", encoding="basic"), URL
    )
    assert request.authorization is not None
    scheme, _, value = request.authorization.reveal().partition(" ")

    assert (
        "Basic",
        b"id:a%20+",
        {"grant_type": ["client_credentials"], "scope": [SCOPE]},
    ) == (scheme, b64decode(value), parse_qs(request.content.decode()))


@pytest.mark.parametrize(
    ("client_id", "secret", "name"),
    [
        ("i:d", "s", "client_id"),
        ("id", "s:", "client_secret"),
        ("id", "å", "client_secret"),
        ("é", "s", "client_id"),
    ],
)
def test_basic_takes_only_ascii_without_colons(
    client_id: str, secret: str, name: str
) -> None:
    """Sesamy's server accepts nothing else by HTTP Basic."""
    with pytest.raises(ConfigurationError, match=f'{name}.*encoding="json"'):
        ClientCredentials(client_id, secret, encoding="basic")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"client_id": ""}, ["client_id (SESAMY_CLIENT_ID)", "empty"]),
        ({"client_id": 7}, ["client_id", "type int"]),
        ({"client_id": None}, ["client_id", "NoneType"]),
        ({"client_secret": " \n"}, ["SESAMY_CLIENT_SECRET", "empty"]),
        ({"client_secret": b"x"}, ["client_secret", "type bytes"]),
        ({"client_secret": None}, ["client_secret", "NoneType"]),
        ({"client_secret": "\udc80"}, ["client_secret", "UTF-8"]),
        ({"scope": ""}, ["scope (SESAMY_SCOPE)", "empty"]),
        ({"scope": None}, ["SESAMY_SCOPE"]),
        ({"audience": ""}, ["audience (SESAMY_AUDIENCE)"]),
        ({"organization": 1}, ["organization (SESAMY_ORGANIZATION)"]),
        (
            {"encoding": "xml"},
            ["encoding (SESAMY_TOKEN_ENCODING)", "json, form, basic"],
        ),
        ({"store": object()}, ["store", "load, save and discard"]),
        ({"store": MemoryTokenStore}, ["store", "object"]),
    ],
)
def test_wrong_settings_are_named(
    arguments: dict[str, Any], words: list[str]
) -> None:
    """The error names the argument, the variable, and what is wrong."""
    with pytest.raises(ConfigurationError) as caught:
        make(**{"client_id": "id", "client_secret": "s", **arguments})

    assert [] == [word for word in words if word not in str(caught.value)]


@pytest.mark.parametrize(
    "given",
    [
        ClientCredentials("id", CANARY, encoding="basic"),
        StaticToken(CANARY),
        token_request(ClientCredentials("id", CANARY, encoding="basic"), URL),
    ],
    ids=["credentials", "token", "request"],
)
def test_a_secret_does_not_show_itself(given: Any) -> None:
    """Neither repr, asdict nor a copy tells it, and there is no pickle."""
    shown = (given, attrs.asdict(given), copy.deepcopy(given))

    assert CANARY not in f"{given} {shown!r}"
    with pytest.raises(TypeError, match="can't be pickled"):
        pickle.dumps(given)


def test_credentials_are_values() -> None:
    """They compare and hash without their store, and can be evolved."""
    stored = ClientCredentials("id", Secret(CANARY), store=MemoryTokenStore())
    other = attrs.evolve(stored, scope="other")

    assert {ClientCredentials("id", CANARY)} == {stored}
    assert (CANARY, "other") == (other.client_secret.reveal(), other.scope)


async def test_a_static_token_is_sent_as_bearer() -> None:
    """If it is rejected, there is no other."""
    auth = StaticToken(CANARY)

    assert f"Bearer {CANARY}" == await auth.authorization(CALL)
    assert not await auth.rejected(f"Bearer {CANARY}", CALL)


@pytest.mark.parametrize(
    "token",
    [
        *("", " ", "Bearer abc", "abc\r\nX: y", "abc\n", "abc\x7f", "å"),
        *(None, 7, b"abc"),
    ],
)
def test_a_token_that_a_header_can_not_hold_is_refused(token: object) -> None:
    """It could inject another header."""
    with pytest.raises(ConfigurationError, match="token must be"):
        make_token(token)


def test_a_function_is_called_each_time() -> None:
    """It works in the blocking client too."""
    auth = CallableAuth(iter(["Basic a=", "Basic b="]).__next__)

    assert ("Basic a=", "Basic b=", True) == (
        drive(auth.authorization(CALL)),
        drive(auth.authorization(CALL)),
        drive(auth.rejected("Basic a=", CALL)),
    )


async def test_an_async_function_is_awaited() -> None:
    """Its result is the value."""

    async def ask() -> str:
        return f"Bearer {CANARY}"

    assert f"Bearer {CANARY}" == await CallableAuth(ask).authorization(CALL)


@pytest.mark.parametrize(
    "value", ["", " x", "x ", "a\nb", "a\n", "é", None, 7, b"Bearer abc"]
)
async def test_a_wrong_value_names_the_function(value: object) -> None:
    """The error has the type of the value, and not the value."""

    def give_it() -> object:
        return value

    with pytest.raises(ConfigurationError, match="give_it") as caught:
        await make_callable(give_it).authorization(CALL)

    assert type(value).__name__ in str(caught.value)


async def test_a_function_without_a_name_is_named_by_its_type() -> None:
    """A partial's arguments are in no message and no repr."""
    auth = make_callable(functools.partial(str.strip, f" {CANARY}\n{CANARY}"))
    with pytest.raises(ConfigurationError, match="partial") as caught:
        await auth.authorization(CALL)

    assert CANARY not in f"{caught.value} {auth!r}"


def test_each_kind_of_auth_is_bound() -> None:
    """Credentials get tokens, an `Auth` is used, a function is called."""

    def ask() -> str:
        return "Bearer abc"

    auth = StaticToken(CANARY)

    assert isinstance(bound(ClientCredentials("id", "s")), TokenAuth)
    assert auth is bound(auth)
    assert CallableAuth(ask) == bound(ask)


@pytest.mark.parametrize(
    ("auth", "kind"),
    [
        (None, "type NoneType"),
        ("Bearer abc", "type str"),
        (StaticToken, "class StaticToken"),
        (dict, "class dict"),
    ],
)
def test_anything_else_is_no_auth(auth: object, kind: str) -> None:
    """The error names the argument and the type of its value."""
    with pytest.raises(ConfigurationError, match=f"auth=.* {kind}"):
        bound(auth)
