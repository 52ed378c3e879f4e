"""One token's place in a store, which may fail without harm."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import attrs

from sesamy_async.core.runtime import Runtime
from sesamy_async.core.secret import Secret

from .store import StoredToken, TokenStore, TokenStoreWarning
from .token import Token, token_from_store


_T = TypeVar("_T")


@attrs.frozen(eq=False, repr=False)
class Kept:
    """Turns the store's Unix times into the runtime's, and back.

    Attributes:
        store: The caller's, or one in memory.
        key: Under which the token is kept there.
        runtime: Both clocks.
    """

    store: TokenStore
    key: str
    runtime: Runtime

    def load(self) -> Token | None:
        """Return the token, if there is one that can be sent now."""
        return self._ask(self._load)

    def save(self, token: Token) -> None:
        """Keep the token, unless it is for one call only."""
        life = token.expires_at - self.runtime.now()
        if life > 0:
            stored = StoredToken(
                token.value, self.runtime.wall() + life, token.scope
            )
            self._ask(lambda key: self.store.save(key, stored))

    def discard(self, value: Secret) -> None:
        """Forget the token, unless another has taken its place."""
        self._ask(partial(self._discard, value))

    # All of these may fail in a store, which may answer with anything.

    def _load(self, key: str) -> Token | None:
        stored = self.store.load(key)
        if stored is None:
            return None
        runtime = self.runtime
        return token_from_store(
            stored, runtime.now(), runtime.wall(), runtime.random()
        )

    def _discard(self, value: Secret, key: str) -> None:
        stored = self.store.load(key)
        if stored is not None and stored.value == value:
            self.store.discard(key)

    def _ask(self, ask: Callable[[str], _T]) -> _T | None:
        try:
            return ask(self.key)
        except Warning:
            # Somebody turned warnings into errors, and means it.
            raise
        except Exception as error:  # noqa: BLE001 - a store is a convenience
            # Its words might hold the token.
            problem = type(error).__name__
        warnings.warn(
            f"The token store {type(self.store).__name__} failed with "
            f"{problem}; the call goes on without it.",
            TokenStoreWarning,
            stacklevel=3,
        )
        return None
