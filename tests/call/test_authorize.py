"""Each attempt carries its authorization, and a 401 may be tried anew."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from sesamy_async import (
    Call,
    ConfigurationError,
    Outcome,
    SesamyError,
    UnauthorizedError,
)
from sesamy_async._call import Authorize
from support.exchanges import Script, a_call, an_answer, an_api_error


@attrs.define
class FakeAuth:
    """Hands out numbered values."""

    renewable: bool = True
    asked: int = 0
    refused: list[str] = attrs.field(factory=list)

    async def authorization(self, call: Call) -> str:
        """Return the next value."""
        del call
        self.asked += 1
        return f"Bearer {self.asked}"

    async def rejected(self, authorization: str, call: Call) -> bool:
        """Take note."""
        del call
        self.refused.append(authorization)
        return self.renewable


@attrs.define
class WrongAuth(FakeAuth):
    """Hands out what it was told to."""

    value: Any = None

    async def authorization(self, call: Call) -> Any:
        """Return that."""
        del call
        return self.value


async def test_authorize() -> None:
    """Each attempt carries the value, hidden."""
    script = Script([an_answer()])
    await Authorize(FakeAuth())(a_call(), script)
    value = script.calls[0].request.authorization

    assert value
    assert "Bearer 1" == value.reveal()
    assert "Bearer" not in repr(script.calls[0])


@pytest.mark.parametrize("value", [None, "", "Bearer 1\r\nX-Evil: 2"])
async def test_authorize_with_what_is_no_value(value: Any) -> None:
    """What can't stand in a header is named, and nothing is sent."""
    script = Script([an_answer()])
    with pytest.raises(ConfigurationError, match=r"WrongAuth\.a") as caught:
        await Authorize(WrongAuth(value=value))(a_call(), script)

    assert (Outcome.NOT_SENT, []) == (caught.value.outcome, script.calls)
    assert "Evil" not in str(caught.value)


@pytest.mark.parametrize("renewable", [True, False])
async def test_rejected(renewable: bool) -> None:
    """A 401 can be retried if the auth has something new."""
    auth = FakeAuth(renewable)
    with pytest.raises(UnauthorizedError) as caught:
        await Authorize(auth)(a_call(), Script([an_api_error(401)]))

    assert renewable is caught.value.retryable
    assert ["Bearer 1"] == auth.refused


@pytest.mark.parametrize(
    "error",
    [
        an_api_error(401, b'{"error": {"code": "insufficient_permissions"}}'),
        an_api_error(401, b'{"error": "insufficient_scope"}'),
        an_api_error(
            401, WWW_Authenticate='Bearer error="insufficient_scope"'
        ),
    ],
)
async def test_insufficient_scope(error: SesamyError) -> None:
    """A new token with the same scope would be refused just the same."""
    auth = FakeAuth()
    with pytest.raises(UnauthorizedError) as caught:
        await Authorize(auth)(a_call(), Script([error]))

    assert (False, []) == (caught.value.retryable, auth.refused)
