"""A token: how it is read from an answer, and how it is stored."""

from __future__ import annotations

import json
import math
import re
import warnings
from base64 import urlsafe_b64decode
from collections.abc import Callable
from hashlib import sha256
from typing import Any, TypeVar

import attrs

from sesamy_async._call import Response, Runtime, Secret
from sesamy_async._headers import is_token
from sesamy_async._models import is_array, is_object

from ._credentials import ClientCredentials
from ._stores import StoredToken, TokenStore, TokenStoreWarning


_T = TypeVar("_T")

# RFC 6749 makes `expires_in` optional.  The developer documentation shows
# an hour, authhero a day; a token that ends sooner costs one 401.
ASSUMED_LIFE = 3600.0
"""Seconds that a token lives if the answer does not say."""

LONGEST_LIFE = 30 * 86_400.0
"""Seconds; no token is believed to live longer."""

_MARGIN = 300.0
_MARGIN_SHARE = 0.2
_JITTER = 0.25
_LARGEST_TOKEN = 16_384
_PARTS_OF_A_JWT = 3
# A scope-token (RFC 6749, section 3.3) that is not long, and no address.
_SCOPE = re.compile(r"[!#-?A-\[\]-~]{1,128}")


@attrs.frozen
class Token:
    """An access token.

    Attributes:
        value: The token alone, without ``Bearer``.
        token_type: Always ``"Bearer"``.
        expires_at: On the runtime's clock.
        refresh_at: When to get the next one ahead of time.
        scope: What it permits, if the answer said so.
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
    # Chance keeps processes that started together from asking together.
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
    """Read a token from a success of the token endpoint (RFC 6749).

    Args:
        response: The answer.
        now: When the request was sent, on the runtime's clock.
        chance: A random number, 0 <= chance < 1.

    Returns:
        The token, or why there is none.
    """
    try:
        data = response.json()
    except ValueError:
        return "its body is no JSON"
    if not is_object(data):
        return "its body is no JSON object"
    value, kind = data.get("access_token"), data.get("token_type")
    if value is None:
        return "it holds no access_token"
    if not is_token(value):
        return "its access_token can't stand in a header"
    # Not by str(kind): of what is nested deeply, that has no end.
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
    """Return the seconds that a token lives, from 0 to 30 days.

    Anything but a number, which may be in a string, is taken as missing.
    """
    if isinstance(expires_in, str):
        try:
            expires_in = float(expires_in)
        except ValueError:
            return ASSUMED_LIFE
    if isinstance(expires_in, bool) or not isinstance(expires_in, int | float):
        return ASSUMED_LIFE
    if isinstance(expires_in, float) and math.isnan(expires_in):
        return ASSUMED_LIFE
    return float(max(0, min(expires_in, LONGEST_LIFE)))


def scopes_of(text: object) -> tuple[str, ...]:
    """Return the scopes in a text, each once; anything else is left out."""
    words = text[:_LARGEST_TOKEN].split() if isinstance(text, str) else []
    return tuple(dict.fromkeys(filter(_SCOPE.fullmatch, words)))


def claimed_scopes(value: Secret) -> tuple[str, ...] | None:
    """Return the scopes that a token says it has, or None if it says none.

    Its claims ``scope`` and ``permissions`` are read without verifying
    anything: only to show them to a person.
    """
    claims = _claims(value.reveal())
    said = [
        claims[name] for name in ("scope", "permissions") if name in claims
    ]
    if not said:
        return None
    texts = [
        text
        for each in said
        for text in (each if is_array(each) else [each])
        if isinstance(text, str)
    ]
    return scopes_of(" ".join(texts))


def _claims(token: str) -> dict[str, Any]:
    """Read the payload of a JWT (RFC 7519); of anything else, nothing."""
    parts = token.split(".", _PARTS_OF_A_JWT)
    if len(token) > _LARGEST_TOKEN or len(parts) != _PARTS_OF_A_JWT:
        return {}
    try:
        claims = json.loads(urlsafe_b64decode(f"{parts[1]}=="))
    except (ValueError, RecursionError):
        return {}
    return claims if is_object(claims) else {}


def token_from_store(stored: StoredToken, runtime: Runtime) -> Token | None:
    """Return a token that was stored, or None if it can't be used."""
    life = min(stored.expires_at - runtime.wall(), LONGEST_LIFE)
    # Written so that a NaN is refused too.
    if not life > 0 or not is_token(stored.value.reveal()):
        return None
    return _token(
        stored.value, runtime.now(), life, runtime.random(), stored.scope
    )


@attrs.frozen(eq=False, repr=False)
class TokenSlot:
    """The place of one token in a store; a store that fails only warns."""

    store: TokenStore
    key: str
    runtime: Runtime

    def load(self) -> Token | None:
        """Return the token, if there is one that can be sent now."""

        def load() -> Token | None:
            stored = self.store.load(self.key)
            if stored is None:
                return None
            return token_from_store(stored, self.runtime)

        return self._attempt(load)

    def save(self, token: Token) -> None:
        """Keep the token, unless it is for one call only."""
        life = token.expires_at - self.runtime.now()
        if life > 0:
            stored = StoredToken(
                token.value, self.runtime.wall() + life, token.scope
            )
            self._attempt(lambda: self.store.save(self.key, stored))

    def discard(self, value: Secret) -> None:
        """Forget the token, unless another has taken its place."""

        def discard() -> None:
            stored = self.store.load(self.key)
            if stored is not None and stored.value == value:
                self.store.discard(self.key)

        self._attempt(discard)

    def _attempt(self, act: Callable[[], _T]) -> _T | None:
        try:
            return act()
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


def store_key(token_url: str, credentials: ClientCredentials) -> str:
    """Return the name of these credentials' token in a store.

    It depends on all that the token depends on, except the secret: a
    digest of the secret would help somebody to guess it.
    """
    parts = [
        token_url,
        credentials.client_id,
        credentials.scope,
        credentials.audience,
        credentials.organization,
    ]
    return sha256(json.dumps(parts).encode()).hexdigest()
