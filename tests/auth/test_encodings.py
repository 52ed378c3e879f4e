"""Credentials that are refused in one encoding are sent in the other."""

from __future__ import annotations

import json
import logging
from typing import Any

import anyio
import attrs
import pytest

from sesamy_async._call import Call, Response
from sesamy_async._settings import HEADERS
from sesamy_async.auth import ClientCredentials, TokenAuth
from sesamy_async.errors import (
    APIError,
    ConnectionFailedError,
    DeadlineExceededError,
    SesamyError,
)
from support.exchanges import a_call
from support.runtime import FakeRuntime
from support.secret_credentials import CANARY


pytestmark = pytest.mark.usefixtures("bound_in_time")

URL = "https://token.test/oauth/token"
NOT_FOUND = (403, {"message": "Client not found"})
WRONG = (403, {"message": "Invalid client credentials"})
REQUIRED = (400, b"client_id is required")
NO_SCOPE = (
    403,
    {"error": "access_denied", "error_description": "Scope not granted"},
)
UNSUPPORTED = (415, b"Unsupported Media Type")
DOWN = (503, b"")
LOST = ConnectionFailedError("Reset.")
LATE = DeadlineExceededError("Late.")
GOOD = None
# Typed loosely, for the encodings vary.
make: Any = ClientCredentials


def api_error(status: int, body: object) -> APIError:
    """Return the error of such an answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return APIError("x", status_code=status, body=content)


@attrs.define
class Server:
    """A token endpoint that answers each encoding in its own way."""

    json: Any = GOOD
    form: Any = GOOD
    basic: Any = GOOD
    asked: list[str] = attrs.field(factory=list)
    calls: list[Call] = attrs.field(factory=list)
    runtime: FakeRuntime = attrs.field(factory=FakeRuntime)

    async def __call__(self, call: Call) -> Response:
        """Give a token, or fail."""
        await anyio.lowlevel.checkpoint()
        kind = call.request.headers["Content-Type"]
        encoding = "json" if kind == "application/json" else "form"
        if call.request.authorization is not None:
            encoding = "basic"
        self.asked.append(encoding)
        self.calls.append(call)
        self.runtime.time += 1
        answer = getattr(self, encoding)
        if isinstance(answer, SesamyError):
            raise answer
        if answer is not None:
            raise api_error(*answer)
        content = b'{"access_token": "t", "expires_in": 60}'
        return Response(status_code=200, content=content)

    def auth(self, encoding: str | None = None) -> TokenAuth:
        """Return an auth that asks it."""
        # HTTP Basic carries no such secret.
        secret = "s" if encoding == "basic" else CANARY
        credentials = make("id", secret, encoding=encoding)
        return TokenAuth(credentials, URL, self.runtime, self)


async def error_of(asked: Server, encoding: str | None = None) -> SesamyError:
    """Return the error in which asking ends."""
    with pytest.raises(SesamyError) as caught:
        await asked.auth(encoding).authorization(a_call())
    return caught.value


@pytest.mark.parametrize(
    "refused",
    [
        *(NOT_FOUND, WRONG, REQUIRED, NO_SCOPE, UNSUPPORTED),
        *((401, b""), (404, b""), (403, b"<html>"), (499, b"")),
    ],
)
async def test_what_is_refused_as_json_is_sent_as_a_form(
    refused: tuple[int, object],
) -> None:
    """Any refusal may come from the encoding."""
    asked = Server(json=refused)
    value = await asked.auth().authorization(a_call())

    assert ("Bearer t", ["json", "form"]) == (value, asked.asked)


@pytest.mark.parametrize(
    "passing",
    [(408, b""), (425, b""), (429, b""), DOWN, (302, b""), LOST, LATE],
)
async def test_what_is_no_refusal_is_not_sent_again(passing: Any) -> None:
    """Another encoding would not help."""
    asked = Server(json=passing)
    error = await error_of(asked)

    assert ["json"] == asked.asked
    assert "Tried" not in str(error)


@pytest.mark.parametrize("encoding", ["json", "form", "basic"])
async def test_a_chosen_encoding_is_the_only_one(encoding: str) -> None:
    """Its refusal is raised, and names the encoding."""
    asked = Server(json=NOT_FOUND, form=NOT_FOUND, basic=NOT_FOUND)
    error = await error_of(asked, encoding)

    assert [encoding] == asked.asked
    assert f"Tried as {encoding}: 403 (Client not found)." in str(error)


async def test_what_worked_is_remembered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The next token is requested so, until that is refused in turn."""
    caplog.set_level(logging.INFO, "sesamy_async")
    asked = Server(json=NOT_FOUND)
    auth = asked.auth()
    for _ in range(3):
        await auth.authorization(a_call())
        asked.runtime.time += 100

    assert ["json", "form", "form", "form"] == asked.asked
    assert [
        (
            'token: refused as json, issued as form; encoding="form" '
            "(SESAMY_TOKEN_ENCODING) saves a request"
        )
    ] == caplog.messages

    asked.asked.clear()
    asked.json, asked.form = GOOD, UNSUPPORTED

    assert "Bearer t" == await auth.authorization(a_call())
    assert ["form", "json"] == asked.asked


async def test_both_requests_are_alike() -> None:
    """They have one address, one deadline, and the client's headers."""
    asked = Server(json=NOT_FOUND)
    call = a_call(deadline=asked.runtime.now() + 5)
    await asked.auth().authorization(call)

    assert [(URL, call.deadline)] * 2 == [
        (each.request.url, each.deadline) for each in asked.calls
    ]
    for each in asked.calls:
        assert each.request.headers.items() >= HEADERS.items()


FIRST, LAST = True, False


@pytest.mark.parametrize(
    ("json_answer", "form_answer", "first", "tried"),
    [
        (
            *(NOT_FOUND, WRONG, FIRST),
            "403 (Client not found); as form: 403 (Invalid client creden",
        ),
        (
            WRONG,
            (302, b""),
            FIRST,
            "403 (Invalid client credentials); as form: 302",
        ),
        # Who mentions the scope has read the request.
        (
            *(NOT_FOUND, NO_SCOPE, LAST),
            "403 (Client not found); as form: 403 (access_denied: Scope",
        ),
        (NO_SCOPE, WRONG, FIRST, "403 (access_denied: Scope not granted); as"),
        (NO_SCOPE, DOWN, FIRST, "403 (access_denied: Scope not granted); as"),
        # What may pass may be a token the next time.
        (WRONG, DOWN, LAST, "403 (Invalid client credentials); as form: 503"),
        (UNSUPPORTED, (429, b""), LAST, "415 (Unsupported Media Type); as"),
        (
            *(NOT_FOUND, LOST, LAST),
            "403 (Client not found); as form, without a response.",
        ),
        (NO_SCOPE, LATE, LAST, "as form, without a response."),
    ],
)
async def test_both_answers_are_named(
    json_answer: Any, form_answer: Any, first: bool, tried: str
) -> None:
    """The error is the first refusal, unless the other one says more."""
    error = await error_of(Server(json=json_answer, form=form_answer))
    alone = await error_of(
        Server(json=json_answer, form=form_answer),
        "json" if first else "form",
    )

    assert (type(alone), alone.outcome, alone.retryable) == (
        type(error),
        error.outcome,
        error.retryable,
    )
    assert str(alone.args[0]).split(" Tried")[0] in str(error)
    assert "Tried as json: " in str(error)
    assert tried in str(error)
