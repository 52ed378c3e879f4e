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
# Typed loosely, for these tests give what the types forbid.
make: Any = ClientCredentials
make_token: Any = StaticToken
make_callable: Any = CallableAuth


async def exchange(call: Call) -> Response:
    """Stand where requests would be sent."""
    raise AssertionError(call)


def bound(auth: object) -> Auth:
    """Bind as a client does."""
    return bind(auth, token_url=URL, runtime=FakeRuntime(), exchange=exchange)


def test_json_is_the_default() -> None:
    """The body is the guide's, in its order of keys."""
    request = token_request(ClientCredentials("id", CANARY), URL)

    assert (
        "POST",
        URL,
        {**HEADERS, "Content-Type": "application/json"},
        None,
        [
            ("client_id", "id"),
            ("client_secret", CANARY),
            ("grant_type", "client_credentials"),
            ("scope", SCOPE),
        ],
    ) == (
        request.method,
        request.url,
        request.headers,
        request.authorization,
        list(json.loads(request.content).items()),
    )


@pytest.mark.parametrize("encoding", ["json", "form", "basic"])
def test_audience_and_organization_follow(encoding: str) -> None:
    """What is given for them is sent, after the scope."""
    options = {"scope": "s", "audience": "a", "organization": "o"}
    credentials = make("id", CANARY, encoding=encoding, **options)

    content = token_request(credentials, URL).content.decode()
    sent = json.loads(content) if encoding == "json" else parse_qs(content)

    assert ["scope", "audience", "organization"] == list(sent)[-3:]


def test_form_encodes_every_secret() -> None:
    """A form carries separators and non-ASCII characters unharmed."""
    secret = "a&b=c+d e%:åä"
    request = token_request(
        ClientCredentials("id", secret, encoding="form"), URL
    )

    assert (
        "application/x-www-form-urlencoded",
        {
            "client_id": ["id"],
            "client_secret": [secret],
            "grant_type": ["client_credentials"],
            "scope": [SCOPE],
        },
    ) == (
        request.headers["Content-Type"],
        parse_qs(request.content.decode()),
    )


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
        ("id", f"{CANARY}:", "client_secret"),
        ("id", f"{CANARY}å", "client_secret"),
        ("é", "s", "client_id"),
    ],
)
def test_basic_refuses_what_would_not_work(
    client_id: str, secret: str, name: str
) -> None:
    """Sesamy's server takes no ':' and no non-ASCII by Basic."""
    with pytest.raises(ConfigurationError, match='encoding="json"') as caught:
        ClientCredentials(client_id, secret, encoding="basic")

    assert name in str(caught.value)
    assert CANARY not in str(caught.value)


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
def test_impossible_settings_are_named(
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
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(given)


def test_evolve_keeps_the_secret() -> None:
    """A copy with another scope has the same secret."""
    first = ClientCredentials("id", Secret(CANARY))
    second = attrs.evolve(first, scope="other")

    assert (CANARY, "other") == (second.client_secret.reveal(), second.scope)


def test_credentials_are_values() -> None:
    """They compare and hash by what they say, wherever tokens are kept."""
    stored = ClientCredentials("id", CANARY, store=MemoryTokenStore())

    assert {ClientCredentials("id", CANARY)} == {stored}


async def test_a_static_token_is_sent_as_bearer() -> None:
    """There is no other once it is rejected."""
    auth = StaticToken(CANARY)

    assert (f"Bearer {CANARY}", False) == (
        await auth.authorization(CALL),
        await auth.rejected(f"Bearer {CANARY}", CALL),
    )


@pytest.mark.parametrize(
    "token",
    [
        *("", " ", f"Bearer {CANARY}", f"{CANARY}\r\nX: y", f"{CANARY}\n"),
        *(f"{CANARY}\x7f", "å", None, 7, b"abc"),
    ],
)
def test_a_token_that_is_none_is_refused(token: object) -> None:
    """What could not stand in a header, or would inject one."""
    with pytest.raises(ConfigurationError, match="token must be") as caught:
        make_token(token)

    assert CANARY not in str(caught.value)


def test_a_function_is_asked_each_time() -> None:
    """It works in the blocking client too."""
    auth = CallableAuth(iter(["Basic a=", "Basic b="]).__next__)

    assert ("Basic a=", "Basic b=", True) == (
        drive(auth.authorization(CALL)),
        drive(auth.authorization(CALL)),
        drive(auth.rejected("Basic a=", CALL)),
    )


async def test_an_async_function_is_awaited() -> None:
    """What it returns in the end is the value."""

    async def ask() -> str:
        return f"Bearer {CANARY}"

    assert f"Bearer {CANARY}" == await CallableAuth(ask).authorization(CALL)


@pytest.mark.parametrize(
    "value", ["", " x", "x ", "a\nb", "a\n", "é", None, 7, b"Bearer abc"]
)
async def test_a_useless_value_names_the_function(value: object) -> None:
    """The error says which function returned it, and not what."""

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
    """Credentials get tokens, an `Auth` is used, a function is asked."""

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
        (CANARY, "type str"),
        (StaticToken, "class StaticToken"),
        (dict, "class dict"),
    ],
)
def test_anything_else_is_no_auth(auth: object, kind: str) -> None:
    """The error names the argument and what was given for it."""
    with pytest.raises(ConfigurationError, match="auth=") as caught:
        bound(auth)

    assert kind in str(caught.value)
    assert CANARY not in str(caught.value)
