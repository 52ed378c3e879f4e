"""Tokens: read from a response, and stored."""

from __future__ import annotations

import json
import math
import re
import warnings
from base64 import urlsafe_b64decode
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from os import urandom
from typing import Any, TypeVar

import attrs

from sesamy_async._call import Response, Runtime, Secret
from sesamy_async._headers import is_token
from sesamy_async._models import is_array, is_object

from ._credentials import ClientCredentials
from ._stores import (
    MemoryTokenStore,
    SharedTokenStore,
    StoredToken,
    TokenStore,
    TokenStoreWarning,
)


_T = TypeVar("_T")

# Seconds.  RFC 6749 makes `expires_in` optional; D shows an hour, A a day.
# A token that expires sooner costs one 401.
ASSUMED_LIFE = 3600.0
LONGEST_LIFE = 30 * 86_400.0
_MARGIN = 300.0
_MARGIN_SHARE = 0.2
_JITTER = 0.25
_LARGEST_TOKEN = 16_384
_PARTS_OF_A_JWT = 3
# A short scope-token (RFC 6749, section 3.3) that is no e-mail address.
_SCOPE = re.compile(r"[!#-?A-\[\]-~]{1,128}")


@attrs.frozen
class Token:
    """An access token.

    Attributes:
        value: The token without ``Bearer``.
        token_type: Always ``"Bearer"``.
        expires_at: When it expires, in seconds on the runtime's clock.
        refresh_at: When to renew it, some time before.
        scope: Its scopes, if the token endpoint named them.
    """

    value: Secret
    token_type: str
    expires_at: float
    refresh_at: float
    scope: str | None = None

    @property
    def authorization(self) -> str:
        """The whole Authorization value."""
        return f"{self.token_type} {self.value.reveal()}"


def _token(
    value: Secret, now: float, life: float, chance: float, scope: str | None
) -> Token:
    # Jitter: processes that started together must not renew together.
    margin = min(_MARGIN, _MARGIN_SHARE * life) * (1 + _JITTER * chance)
    return Token(
        value=value,
        token_type="Bearer",  # noqa: S106 - a kind of token, not a token
        expires_at=now + life,
        refresh_at=now + life - margin,
        scope=scope,
    )


def token_from_answer(
    response: Response, now: float, chance: float
) -> Token | str:
    """Read a successful response of the token endpoint (RFC 6749).

    Args:
        response: The response.
        now: When the request was sent, in seconds on the runtime's clock.
        chance: A random number, 0 <= chance < 1.

    Returns:
        The token, or the reason why there is none.
    """
    try:
        data = response.json()
    except ValueError:
        return "its body is not JSON"
    if not is_object(data):
        return "its body is not a JSON object"
    value, kind = data.get("access_token"), data.get("token_type")
    if value is None:
        return "it has no access_token"
    if not is_token(value):
        return "its access_token can't be sent in a header"
    # Not str(kind), which fails on deeply nested JSON.
    if kind is not None and (
        not isinstance(kind, str) or kind.lower() != "bearer"
    ):
        return "its token_type is not Bearer"
    scope = data.get("scope")
    return _token(
        Secret(value),
        now,
        lifetime(data.get("expires_in")),
        chance,
        scope if isinstance(scope, str) else None,
    )


def lifetime(expires_in: object) -> float:
    """Return the life of a token in seconds, from 0 to 30 days.

    A number may be in a string; anything else counts as missing.
    """
    if isinstance(expires_in, str):
        with suppress(ValueError):
            expires_in = float(expires_in)
    if isinstance(expires_in, bool) or not isinstance(expires_in, int | float):
        return ASSUMED_LIFE
    # In this order, a NaN stays a NaN.
    life = float(min(max(expires_in, 0), LONGEST_LIFE))
    return ASSUMED_LIFE if math.isnan(life) else life


def scopes_of(text: object) -> tuple[str, ...]:
    """Return the scopes in a text that can be shown, each once."""
    words = text[:_LARGEST_TOKEN].split() if isinstance(text, str) else []
    return tuple(dict.fromkeys(filter(_SCOPE.fullmatch, words)))


def claimed_scopes(value: Secret) -> tuple[str, ...] | None:
    """Return the scopes that a JWT claims, unverified; None if none."""
    claims = _claims(value.reveal())
    names = {"scope", "permissions"} & {*claims}
    if not names:
        return None
    texts = [
        text
        for each in (claims[name] for name in sorted(names, reverse=True))
        for text in (each if is_array(each) else [each])
        if isinstance(text, str)
    ]
    return scopes_of(" ".join(texts))


def _claims(token: str) -> dict[str, Any]:
    """Return the payload of a JWT (RFC 7519); empty for other tokens."""
    parts = token.split(".", _PARTS_OF_A_JWT)
    if len(token) > _LARGEST_TOKEN or len(parts) != _PARTS_OF_A_JWT:
        return {}
    try:
        claims = json.loads(urlsafe_b64decode(f"{parts[1]}=="))
    except (ValueError, RecursionError):
        return {}
    return claims if is_object(claims) else {}


def token_from_store(
    stored: StoredToken | None, runtime: Runtime
) -> Token | None:
    """Return the token that was stored, or None if it can't be sent."""
    if stored is None:
        return None
    life = min(stored.expires_at - runtime.wall(), LONGEST_LIFE)
    # Not `life <= 0`, which is false for a NaN.
    if not life > 0 or not is_token(stored.value.reveal()):
        return None
    return _token(
        stored.value, runtime.now(), life, runtime.random(), stored.scope
    )


_LONGEST_ASK = 5.0


@attrs.frozen(eq=False, repr=False)
class TokenSlot:
    """The place of one token in a store.  If the store fails, it warns."""

    store: TokenStore
    key: str
    runtime: Runtime

    async def load(self) -> Token | None:
        return await self.attempt(
            lambda: token_from_store(self.store.load(self.key), self.runtime)
        )

    async def save(self, token: Token) -> bool:
        """Save the token, unless it has ended; return whether it is saved."""
        life = token.expires_at - self.runtime.now()
        if life <= 0:
            return False
        stored = StoredToken(
            token.value, self.runtime.wall() + life, token.scope
        )

        def save() -> bool:
            self.store.save(self.key, stored)
            return True

        return await self.attempt(save) or False

    async def discard(self, value: Secret) -> None:
        """Discard the token, unless another one has replaced it."""
        store, key = self.store, self.key

        def discard() -> None:
            if isinstance(store, SharedTokenStore):
                store.reject(key, value)
                return
            stored = store.load(key)
            if stored is not None and stored.value == value:
                store.discard(key)

        await self.attempt(discard)

    def lead(self) -> Lead | None:
        """Return what decides who requests a token, if the store does."""
        if isinstance(self.store, SharedTokenStore):
            return Lead(self, self.store)
        return None

    async def attempt(self, act: Callable[[], _T]) -> _T | None:
        """Call the store, which must not block the event loop."""
        try:
            if isinstance(self.store, MemoryTokenStore):
                return act()
            return await self.runtime.start(act).result(_LONGEST_ASK)
        except Warning:
            # The user turned warnings into errors.
            raise
        except TimeoutError:
            problem = f"no response within {_LONGEST_ASK:g} s"
        except Exception as error:  # noqa: BLE001 - calls need no store
            # Not its message, which may contain the token.
            problem = type(error).__name__
        warnings.warn(
            f"The token store {type(self.store).__name__} failed with "
            f"{problem}; the call continues without it.",
            TokenStoreWarning,
            stacklevel=3,
        )
        return None


_LONGEST_LEAD = 3.0  # Most token endpoints answer within a second.


@attrs.define(eq=False, repr=False)
class Lead:
    """Whether this process is the one that requests the token."""

    _slot: TokenSlot
    _store: SharedTokenStore
    _lease: str = attrs.field(factory=lambda: urandom(16).hex(), init=False)
    _held: bool = attrs.field(default=False, init=False)

    async def take(self) -> bool:
        """Return whether to request a token now."""
        store, key, lease = self._store, self._slot.key, self._lease
        # From now on: it may be taken though this is cancelled.
        self._held = True
        taken = await self._slot.attempt(
            lambda: store.lead(key, lease, _LONGEST_LEAD)
        )
        # If the store fails, each process requests its own token.
        self._held = taken is not False
        return self._held

    async def release(self, *, failed: bool) -> None:
        """Let another process lead, if this one does."""
        store, key, lease = self._store, self._slot.key, self._lease
        if self._held:
            self._held = False
            await self._slot.attempt(
                lambda: store.release(key, lease, failed=failed)
            )


def store_key(token_url: str, credentials: ClientCredentials) -> str:
    """Return the key of a token in a store.

    It is a digest of what the token depends on, except the secret: a digest
    of the secret would help to guess it.
    """
    parts = [
        token_url,
        credentials.client_id,
        credentials.scope,
        credentials.audience,
        credentials.organization,
    ]
    return sha256(json.dumps(parts).encode()).hexdigest()
