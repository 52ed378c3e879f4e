"""Where tokens live between calls, and between runs."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import attrs

from sesamy_async.core.secret import Secret


class TokenStoreWarning(UserWarning):
    """A token store can't be used; calls go on without it.

    .. versionadded:: 0.1.0
    """


@attrs.frozen
class StoredToken:
    """A token as a store keeps it.

    Attributes:
        value: The token alone; a `Secret`, however it was given.
        expires_at: Unix seconds.
        scope: What it permits, if the token endpoint said so.

    .. versionadded:: 0.1.0
    """

    value: Secret = attrs.field(converter=Secret)
    expires_at: float
    scope: str | None = None


@runtime_checkable
class TokenStore(Protocol):
    """Keeps tokens; may be shared by clients, threads and processes.

    A store is a convenience: where it fails, a token is got anew.  Its
    methods must be quick, for they run between two awaits.

    .. versionadded:: 0.1.0
    """

    def load(self, key: str) -> StoredToken | None:
        """Return what was saved, be it expired or not, or None."""
        ...

    def save(self, key: str, token: StoredToken) -> None:
        """Keep the token, in place of an earlier one."""
        ...

    def discard(self, key: str) -> None:
        """Forget the token, if there is one."""
        ...


class MemoryTokenStore:
    """Keeps tokens in this process.

    Give the same one to several clients and they share their tokens.

    .. versionadded:: 0.1.0
    """

    def __init__(self) -> None:
        self._tokens: dict[str, StoredToken] = {}

    def load(self, key: str) -> StoredToken | None:
        """Return what was saved, be it expired or not, or None."""
        return self._tokens.get(key)

    def save(self, key: str, token: StoredToken) -> None:
        """Keep the token, in place of an earlier one."""
        self._tokens[key] = token

    def discard(self, key: str) -> None:
        """Forget the token, if there is one."""
        self._tokens.pop(key, None)
