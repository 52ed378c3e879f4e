"""How users authorize calls.

Type checkers read it; it is never run.  What must be an error has a
`type: ignore`, which they refuse where it is not needed.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal, assert_type

from sesamy_async import (
    AsyncSesamy,
    Auth,
    Call,
    ClientCredentials,
    FileTokenStore,
    MemoryTokenStore,
    Secret,
    Sesamy,
    StaticToken,
    TokenStore,
)
from sesamy_async.auth import SharedTokenStore, StoredToken
from sesamy_async.redis import RedisTokenStore


class OwnAuth:
    """An `Auth` of a user's."""

    async def authorization(self, call: Call) -> str:
        """Return a value for an operation."""
        return f"Bearer {call.operation}"

    async def rejected(self, authorization: str, call: Call) -> bool:
        """Say that there is another."""
        return bool(authorization and call.attempt)


class Store:
    """A `TokenStore` of a user's."""

    def load(self, key: str) -> StoredToken | None:
        """Return what was saved."""
        return StoredToken(key, 0.0, None)

    def save(self, key: str, token: StoredToken) -> None:
        """Keep it."""
        assert_type(token.expires_at, float)
        assert_type(key, str)

    def discard(self, key: str) -> None:
        """Forget it."""


class SharedStore(Store):
    """A `SharedTokenStore` of a user's."""

    def lead(self, key: str, lease: str, seconds: float) -> bool:
        """Let everybody lead."""
        return bool(key and lease and seconds)

    def release(self, key: str, lease: str, *, failed: bool) -> None:
        """Do nothing."""

    def reject(self, key: str, value: Secret) -> None:
        """Forget it."""


def ask(prefix: str = "Bearer") -> str:
    """Return an Authorization value."""
    return f"{prefix} x"


async def ask_later() -> str:
    """Return an Authorization value, awaited."""
    return "Bearer x"


encoding: Literal["json", "form", "basic"] = "form"
credentials = ClientCredentials(
    "id",
    "secret",
    scope="paymentsContractThirdPartyOnboarding",
    audience="https://api.sesamy.com",
    organization="acme",
    encoding=encoding,
    store=FileTokenStore(Path("tokens.json")),
)
ClientCredentials("id", "secret", encoding="xml")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
auths: list[
    Auth | ClientCredentials | Callable[[], str | Awaitable[str]] | None
] = [
    None,
    credentials,
    StaticToken("token"),
    OwnAuth(),
    ask,
    ask_later,
    functools.partial(ask, "Bearer"),
    lambda: "Bearer x",
]
stores: list[TokenStore] = [
    MemoryTokenStore(),
    FileTokenStore(),
    FileTokenStore("tokens.json"),
    Store(),
    SharedStore(),
    RedisTokenStore("redis://localhost", name="shop"),
]
shared: list[SharedTokenStore] = [
    SharedStore(),
    RedisTokenStore("redis://localhost"),
    Store(),  # type: ignore[list-item]  # pyright: ignore[reportAssignmentType]
]
for auth in auths:
    AsyncSesamy("acme", auth=auth, rate_limit=None)
    Sesamy("acme", auth=auth, rate_limit=None)
