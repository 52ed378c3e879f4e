"""Authorization that the caller brings along."""

from __future__ import annotations

import copy
import functools
import pickle
from typing import Any

import attrs
import pytest

from sesamy_async._call import Auth, Call, Request, Response, drive
from sesamy_async.auth import (
    CallableAuth,
    ClientCredentials,
    StaticToken,
    TokenAuth,
    bind,
)
from sesamy_async.errors import ConfigurationError
from support.runtime import FakeRuntime


CANARY = "canary-t0ken"
CALL = Call(
    operation="contracts.create",
    request=Request(method="POST", url="https://api.sesamy.com/"),
    deadline=float("inf"),
    timeout=30.0,
)
make_token: Any = StaticToken
make_callable: Any = CallableAuth


async def exchange(call: Call) -> Response:
    """Stand where requests would be sent."""
    raise AssertionError(call)


def bound(auth: object) -> Auth:
    """Bind as a client does."""
    return bind(
        auth,
        token_url="https://token.sesamy.com/oauth/token",
        runtime=FakeRuntime(),
        exchange=exchange,
    )


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
        "",
        " ",
        f"Bearer {CANARY}",
        f"{CANARY}\r\nX: y",
        f"{CANARY}\n",
        f"{CANARY}\x7f",
        "å",
        None,
        7,
        b"abc",
    ],
)
def test_a_token_that_is_none_is_refused(token: object) -> None:
    """What could not stand in a header, or would inject one."""
    with pytest.raises(ConfigurationError, match="token must be") as caught:
        make_token(token)

    assert CANARY not in str(caught.value)


def test_a_static_token_does_not_show_itself() -> None:
    """Neither repr, asdict nor a copy tells it, and no pickle."""
    auth = StaticToken(CANARY)
    shown = [
        repr(auth),
        repr(attrs.asdict(auth)),
        repr(copy.deepcopy(auth)),
    ]

    assert [text for text in shown if CANARY in text] == []
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(auth)


def test_a_function_is_asked_each_time() -> None:
    """It works in the blocking client too."""
    auth = CallableAuth(iter(["Basic a=", "Basic b="]).__next__)

    assert (
        drive(auth.authorization(CALL)),
        drive(auth.authorization(CALL)),
        drive(auth.rejected("Basic a=", CALL)),
    ) == ("Basic a=", "Basic b=", True)


async def test_an_async_function_is_awaited() -> None:
    """What it returns in the end is the value."""

    async def ask() -> str:
        return f"Bearer {CANARY}"

    assert f"Bearer {CANARY}" == await CallableAuth(ask).authorization(CALL)


@pytest.mark.parametrize(
    "value",
    ["", " x", "x ", "a\nb", "a\n", "é", None, 7, b"Bearer abc"],
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


def test_credentials_are_bound_to_a_token_auth() -> None:
    """They are traded for tokens."""
    assert isinstance(bound(ClientCredentials("id", "s")), TokenAuth)


def test_an_auth_is_bound_to_itself() -> None:
    """Whoever has the protocol's methods is taken as he is."""
    auth = StaticToken(CANARY)

    assert auth is bound(auth)


def test_a_function_is_bound_to_a_callable_auth() -> None:
    """A plain function is enough."""

    def ask() -> str:
        return "Bearer abc"

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
