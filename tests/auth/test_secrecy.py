"""No secret and no token is in anything that may be logged."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from sesamy_async._call import Call, Response, drive
from sesamy_async.auth import (
    CallableAuth,
    ClientCredentials,
    FileTokenStore,
    MemoryTokenStore,
    StaticToken,
    StoredToken,
    TokenAuth,
    TokenStoreWarning,
)
from sesamy_async.errors import (
    APIError,
    ConnectionFailedError,
    DeadlineExceededError,
    InvalidRequestError,
    OutcomeUnknownError,
    SesamyError,
    UnreadableResponseError,
)
from support.exchanges import a_call
from support.leaks import told_by
from support.runtime import FakeRuntime


CANARY = "canary"
SECRET = f"{CANARY}-5ecret"
TOKEN = f"{CANARY}-t0ken"
URL = "https://token.sesamy.com/oauth/token"
CALL = a_call()
loose: Any = ClientCredentials
loose_token: Any = StaticToken


def shown(error: BaseException) -> str:
    """Return all that a log or an error tracker could show."""
    pickled = pickle.dumps(error) if isinstance(error, SesamyError) else b""
    return f"{told_by(error)} {pickled!r}"


def ends(act: Callable[[], object]) -> str:
    """Return what is shown of the error that `act` raises."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - any
        act()
    return shown(caught.value)


@pytest.mark.parametrize(
    "act",
    [
        lambda: loose("", SECRET),
        lambda: loose("id", SECRET, scope=""),
        lambda: loose("id", SECRET, audience=7),
        lambda: loose("id", SECRET, encoding="xml"),
        lambda: loose("id", SECRET, store=object()),
        lambda: loose("id", SECRET.encode()),
        lambda: loose("id", [SECRET]),
        lambda: loose("id", f"{SECRET}\udc80"),
        lambda: loose("id", f"{SECRET}:", encoding="basic"),
        lambda: loose("id", f"{SECRET}å", encoding="basic"),
        lambda: loose("i:d", SECRET, encoding="basic"),
        lambda: pickle.dumps(ClientCredentials("id", SECRET)),
        lambda: loose_token(f"{TOKEN}\n"),
        lambda: loose_token(TOKEN.encode()),
        lambda: drive(
            CallableAuth(lambda: f"Bearer {TOKEN}\n").authorization(CALL)
        ),
    ],
)
def test_wrong_settings_show_nothing(act: Callable[[], object]) -> None:
    """Not even in the locals of the traceback."""
    assert CANARY not in ends(act)


def auth_that(end: object, store: Any = None) -> TokenAuth:
    """Return an auth whose token calls all end in one way."""

    async def exchange(call: Call) -> Response:
        del call
        await anyio.lowlevel.checkpoint()
        if isinstance(end, BaseException):
            raise end
        if not isinstance(end, bytes):
            await anyio.sleep_forever()
        return Response(status_code=200, content=cast("bytes", end))

    credentials = ClientCredentials("id", SECRET, store=store)
    return TokenAuth(credentials, URL, FakeRuntime(), exchange)


ECHO = f"{SECRET} is wrong".encode()
ANSWER = b'{"access_token": "%b"}' % TOKEN.encode()
JSON_ECHO = b'{"error": "%b", "error_description": "no %b"}' % (ECHO, ECHO)


@pytest.mark.parametrize(
    "end",
    [
        APIError(SECRET, status_code=401, message=SECRET, body=JSON_ECHO),
        APIError(SECRET, status_code=400, body=ECHO),
        APIError(SECRET, status_code=500, body=b"<html>" + ECHO),
        ConnectionFailedError(f"no {SECRET}"),
        OutcomeUnknownError(f"no {SECRET}"),
        DeadlineExceededError(f"no {SECRET}"),
        UnreadableResponseError(f"no {SECRET}", status_code=200),
        InvalidRequestError(f"no {SECRET}"),
        RuntimeError("a bug"),
        b'{"access_token": "%b' % TOKEN.encode(),
        b'["%b"]' % TOKEN.encode(),
        TOKEN.encode(),
        b'{"access_token": "%b\\n"}' % TOKEN.encode(),
        b'{"access_token": ["%b"]}' % TOKEN.encode(),
        b'{"access_token": "%b", "token_type": "mac"}' % TOKEN.encode(),
    ],
)
@pytest.mark.parametrize("size", [1, 5])
async def test_token_calls_that_fail_show_nothing(
    end: object, size: int
) -> None:
    """Neither in the call that made it, nor in those that waited."""
    auth = auth_that(end)
    errors: list[Exception] = []

    async def one() -> None:
        try:
            await auth.authorization(CALL)
        except Exception as error:  # noqa: BLE001 - looked at below
            errors.append(error)

    async with anyio.create_task_group() as tasks:
        for _ in range(size):
            tasks.start_soon(one)

    assert (size, []) == (
        len(errors),
        [text for text in map(shown, errors) if CANARY in text],
    )


async def test_a_cancelled_token_call_shows_nothing() -> None:
    """The traceback of the cancellation may be logged too."""
    with anyio.move_on_after(0.02):
        try:
            await auth_that(None).authorization(CALL)
        except BaseException as error:
            text = shown(error)
            raise

    assert CANARY not in text


class BrokenStore(MemoryTokenStore):
    """A store whose errors hold the token."""

    def save(self, key: str, token: StoredToken) -> None:
        """Save it, and fail."""
        super().save(key, token)
        raise ValueError(key, token.value.reveal())

    def discard(self, key: str) -> None:
        """Fail."""
        raise ValueError(key, TOKEN)


async def test_a_store_that_fails_shows_nothing() -> None:
    """Not even if its warnings are errors: they are not chained to its own."""
    auth = auth_that(ANSWER, BrokenStore())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TokenStoreWarning) as saving:
            await auth.authorization(CALL)
        with pytest.raises(TokenStoreWarning) as discarding:
            await auth.rejected(f"Bearer {TOKEN}", CALL)

    assert CANARY not in shown(saving.value) + shown(discarding.value)


@pytest.mark.parametrize("act", ["save", "load", "discard"])
def test_a_file_that_fails_shows_nothing(tmp_path: Path, act: str) -> None:
    """Not even if its warnings are errors."""
    store = FileTokenStore(tmp_path / "tokens.json")
    store.save("a", StoredToken(TOKEN, 9e9))
    arguments = (StoredToken(TOKEN, 9e9),) if act == "save" else ()
    with pytest.MonkeyPatch.context() as patch:
        if act == "load":
            store.path.chmod(0o644)
        else:
            patch.setattr(Path, "replace", fail)
        text = ends(lambda: getattr(store, act)("a", *arguments))

    assert "TokenStoreWarning" in text
    assert CANARY not in text


def fail(path: Path, target: Path) -> None:
    """Fail as a full disk does."""
    raise OSError(28, f"No space left for {path.name} and {target.name}")


async def test_an_auth_does_not_show_itself() -> None:
    """Neither its credentials nor its token."""
    auth = auth_that(ANSWER)
    await auth.authorization(CALL)
    text = f"{auth!r} {vars(auth)!r} {auth._token!r}"

    assert "TokenAuth" in text
    assert CANARY not in text
    with pytest.raises(TypeError):
        pickle.dumps(auth)
