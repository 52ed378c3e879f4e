"""Authorization that the caller brings along."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable

import attrs

from sesamy_async.core.call import Call
from sesamy_async.core.secret import Secret
from sesamy_async.errors import ConfigurationError

from .printable import is_header_value, is_token, wants_header_value


@attrs.frozen(init=False)
class StaticToken:
    """A token that was got elsewhere and can't be renewed here.

    Attributes:
        token: A `Secret`, however it was given; without ``Bearer``.

    .. versionadded:: 0.1.0
    """

    token: Secret

    def __init__(self, token: str | Secret) -> None:
        # Wrapped here, for a traceback may show the locals of this frame;
        # checked when all is set, for it may show the repr of self too.
        token = Secret(token)
        self.__attrs_init__(token)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

    def __attrs_post_init__(self) -> None:
        if not is_token(self.token.reveal()):
            raise ConfigurationError(
                "token must be the token alone, without 'Bearer': a text of "
                "visible ASCII characters, without spaces and line breaks."
            )

    async def authorization(self, call: Call) -> str:
        """Return ``"Bearer <token>"``."""
        del call
        return f"Bearer {self.token.reveal()}"

    async def rejected(self, authorization: str, call: Call) -> bool:
        """Return False: there is no other token."""
        del authorization, call
        return False


@attrs.frozen
class CallableAuth:
    """Asks a function of the caller's before every attempt.

    Attributes:
        ask: Returns the whole Authorization value, such as
            ``"Bearer ..."``, or an awaitable of it.  It should remember
            what it got.

    .. versionadded:: 0.1.0
    """

    # A functools.partial shows its arguments.
    ask: Callable[[], str | Awaitable[str]] = attrs.field(repr=False)

    async def authorization(self, call: Call) -> str:
        """Return what the function returns.

        Raises:
            ConfigurationError: It is nothing that can stand in a header.
            Exception: Whatever the function raises.
        """
        del call
        answer = Secret(await _wait_for(self.ask()))
        if not is_header_value(answer.reveal()):
            name = getattr(self.ask, "__qualname__", type(self.ask).__name__)
            raise ConfigurationError(wants_header_value(name, answer.reveal()))
        return answer.reveal()

    async def rejected(self, authorization: str, call: Call) -> bool:
        """Return True: asking again may give a new value."""
        del authorization, call
        return True


async def _wait_for(answer: str | Awaitable[str]) -> str:
    return await answer if inspect.isawaitable(answer) else answer
