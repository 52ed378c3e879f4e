"""A token endpoint that hangs holds no call for longer than it may."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from sesamy_async import (
    DeadlineExceededError,
    Outcome,
    UnreadableResponseError,
)
from sesamy_async._call import AnyioRuntime, Call, Response
from sesamy_async.auth import ClientCredentials, TokenAuth
from sesamy_async.auth import _renewal as token_auth
from support.exchanges import a_call
from support.runtime import FakeRuntime


class Endpoint:
    """Answers once with a token that is due at once, then hangs."""

    def __init__(self, answers: int) -> None:
        self.answers = answers

    async def __call__(self, call: Call) -> Response:
        """Answer, or hang."""
        del call
        self.answers -= 1
        if self.answers < 0:
            await anyio.sleep(30)
        content = b'{"access_token": "t1", "expires_in": 3600}'
        return Response(status_code=200, content=content)


def make(answers: int) -> TokenAuth:
    """Return an auth in real time."""
    return TokenAuth(
        ClientCredentials("id", "s"),
        "https://token.test/",
        AnyioRuntime(),
        Endpoint(answers),
    )


async def test_an_early_renewal_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A renewal ahead of time is given up, and the living token is used."""
    monkeypatch.setattr(token_auth, "_EARLY_PATIENCE", 0.01)
    auth = make(answers=1)
    await auth.authorization(a_call())
    now = auth._runtime.now()
    monkeypatch.setattr(AnyioRuntime, "now", lambda _: now + 3500)
    with anyio.fail_after(20):
        value = await auth.authorization(a_call())

    assert "Bearer t1" == value


async def test_a_token_call_that_hangs() -> None:
    """A call whose token does not come in time was not sent."""
    auth = make(answers=0)
    call = a_call(deadline=auth._runtime.now() + 0.02)
    with anyio.fail_after(20), pytest.raises(DeadlineExceededError) as caught:
        await auth.authorization(call)

    assert Outcome.NOT_SENT is caught.value.outcome


async def test_a_token_answer_that_is_cut_by_the_deadline() -> None:
    """It is the deadline that is told of, not the address."""

    class Dripping(Endpoint):
        async def __call__(self, call: Call) -> Response:
            await anyio.lowlevel.checkpoint()
            runtime.time = call.deadline
            raise UnreadableResponseError("Cut.")

    runtime = FakeRuntime()
    auth = TokenAuth(
        ClientCredentials("id", "s"),
        "https://token.test/",
        runtime,
        Dripping(0),
    )
    with pytest.raises(DeadlineExceededError):
        await auth.authorization(a_call(deadline=runtime.now() + 5))
