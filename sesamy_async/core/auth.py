"""What authorizes a call."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from .call import Call


@runtime_checkable
class Auth(Protocol):
    """Where the Authorization value of each request comes from.

    .. versionadded:: 0.1.0
    """

    async def authorization(self, call: Call) -> str:
        """Return the whole value, such as ``"Bearer ..."``.

        Called before every attempt, so it should remember what it got.
        """
        ...

    async def rejected(self, authorization: str, call: Call) -> bool:
        """Take note that Sesamy answered 401 to this value.

        Returns:
            Whether a new value can be had: then the call is sent once
            more.
        """
        ...
