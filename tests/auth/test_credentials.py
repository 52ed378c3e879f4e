"""The client credentials and the request they make."""

from __future__ import annotations

import copy
import json
import pickle
from base64 import b64decode
from typing import Any
from urllib.parse import parse_qs

import attrs
import pytest

from sesamy_async._call import Secret
from sesamy_async._settings import HEADERS
from sesamy_async.auth import (
    ClientCredentials,
    MemoryTokenStore,
    token_request,
)
from sesamy_async.errors import ConfigurationError


URL = "https://token.sesamy.com/oauth/token"
CANARY = "canary-5ecret"
SCOPE = "payments:contract:third-party-onboarding"
# Typed loosely, for these tests give what the types forbid.
make: Any = ClientCredentials


def test_json_is_the_default() -> None:
    """The body is the guide's (S), in its order of keys."""
    request = token_request(ClientCredentials("id", CANARY), URL)

    assert (
        request.method,
        request.url,
        request.headers,
        request.authorization,
        list(json.loads(request.content).items()),
    ) == (
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
    )


@pytest.mark.parametrize("encoding", ["json", "form", "basic"])
def test_audience_and_organization_follow(encoding: str) -> None:
    """What is given for them is sent, after the scope."""
    credentials = make(
        "id",
        CANARY,
        scope="s",
        audience="a",
        organization="o",
        encoding=encoding,
    )

    content = token_request(credentials, URL).content.decode()
    sent = json.loads(content) if encoding == "json" else parse_qs(content)

    assert list(sent)[-3:] == ["scope", "audience", "organization"]


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
    """With HTTP Basic the credentials are in the header only (A)."""
    request = token_request(
        ClientCredentials("id", "a%20+", encoding="basic"), URL
    )
    assert request.authorization is not None
    scheme, _, value = request.authorization.reveal().partition(" ")

    assert (scheme, b64decode(value), parse_qs(request.content.decode())) == (
        "Basic",
        b"id:a%20+",
        {"grant_type": ["client_credentials"], "scope": [SCOPE]},
    )


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
    """Sesamy's server takes no ':' and no non-ASCII by Basic (A)."""
    with pytest.raises(ConfigurationError, match='encoding="json"') as caught:
        ClientCredentials(client_id, secret, encoding="basic")

    assert name in str(caught.value)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"client_id": ""}, ["client_id", "SESAMY_CLIENT_ID", "empty"]),
        ({"client_id": 7}, ["client_id", "type int"]),
        ({"client_id": None}, ["client_id", "NoneType"]),
        ({"client_secret": " \n"}, ["SESAMY_CLIENT_SECRET", "empty"]),
        ({"client_secret": b"x"}, ["client_secret", "type bytes"]),
        ({"client_secret": None}, ["client_secret", "NoneType"]),
        ({"client_secret": "\udc80"}, ["client_secret", "UTF-8"]),
        ({"scope": ""}, ["scope", "SESAMY_SCOPE", "empty"]),
        ({"scope": None}, ["SESAMY_SCOPE"]),
        ({"audience": ""}, ["audience", "SESAMY_AUDIENCE"]),
        ({"organization": 1}, ["organization", "SESAMY_ORGANIZATION"]),
        (
            {"encoding": "xml"},
            ["encoding", "SESAMY_TOKEN_ENCODING", "json, form, basic"],
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

    assert [word for word in words if word not in str(caught.value)] == []


def test_the_secret_does_not_show_itself() -> None:
    """Neither repr, asdict nor a copy tells it."""
    credentials = ClientCredentials("id", CANARY, encoding="basic")
    shown = [
        repr(credentials),
        str(credentials),
        repr(attrs.asdict(credentials)),
        repr(copy.deepcopy(credentials)),
        repr(token_request(credentials, URL)),
    ]

    assert [text for text in shown if CANARY in text] == []


def test_the_secret_is_not_pickled() -> None:
    """Credentials are built in the process that uses them."""
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(ClientCredentials("id", CANARY))


def test_evolve_keeps_the_secret() -> None:
    """A copy with another scope has the same secret."""
    first = ClientCredentials("id", Secret(CANARY))
    second = attrs.evolve(first, scope="other")

    assert (second.client_secret.reveal(), second.scope) == (CANARY, "other")


def test_credentials_are_values() -> None:
    """They compare and hash by what they say, wherever tokens are kept."""
    stored = ClientCredentials("id", CANARY, store=MemoryTokenStore())

    assert {ClientCredentials("id", CANARY)} == {stored}
