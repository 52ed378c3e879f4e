"""A token: how it is read from an answer, and how it is stored."""

from __future__ import annotations

import json
import math
import re
import warnings
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from typing import Any, TypeVar, cast

import attrs

from sesamy_async._call import Response, Runtime, Secret
from sesamy_async._headers import is_token

from ._credentials import ClientCredentials
from ._stores import StoredToken, TokenStore, TokenStoreWarning


ASSUMED_LIFE = 3600.0
"""Seconds, where the answer names none (RFC 6749 makes it optional).

The shorter of the two that D and A show.  A token that ends sooner costs
one 401, after which a new one is got.
"""

LONGEST_LIFE = 30 * 86_400.0
"""Seconds; no token is believed to live longer."""

_LARGEST_TOKEN = 16_384
_PARTS_OF_A_JWT = 3
# A scope-token (RFC 6749, section 3.3) that is not long, and no address.
_SCOPE = re.compile(r"[!#-?A-\[\]-~]{1,128}")

_MARGIN = 300.0
_MARGIN_SHARE = 0.2
_JITTER = 0.25


@attrs.frozen
class Token:
    """An access token.

    Attributes:
        value: The token alone, without ``Bearer``.
        token_type: ``"Bearer"``; there is no other here.
        expires_at: On the runtime's clock; may be infinite.
        refresh_at: From when on a new one should be got ahead of time.
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

    def alive(self, now: float) -> bool:
        """Say whether it can still be sent."""
        return now < self.expires_at

    def due(self, now: float) -> bool:
        """Say whether a new one should be got ahead of time."""
        return now >= self.refresh_at


def token_from_answer(
    response: Response, now: float, chance: float
) -> Token | str:
    """Read a token from a success of the token endpoint (D, A; RFC 6749).

    Takes the answer rather than its JSON, and returns rather than raises,
    so that no traceback can show the token.

    Args:
        response: The answer.
        now: On the runtime's clock, when the request was sent: counting
            from then can only make the life too short.
        chance: A random number, 0 <= chance < 1; see `refresh_time`.

    Returns:
        The token, or the words for why there is none.  With a lifetime of
        zero or less it is dead already: good for the call at hand only.
    """
    try:
        data = response.json()
    except ValueError:
        return "its body is no JSON"
    if not isinstance(data, dict):
        return "its body is no JSON object"
    answer = cast("Mapping[str, Any]", data)
    value, kind = answer.get("access_token"), answer.get("token_type")
    if value is None:
        return "it holds no access_token"
    if not is_token(value):
        return "its access_token can't stand in a header"
    # Not by str(kind): of what is nested deeply, that has no end.
    if kind is not None and not _is_bearer(kind):
        return "its token_type is not Bearer"
    scope = answer.get("scope")
    life = lifetime(answer.get("expires_in"))
    return Token(
        value=Secret(value),
        token_type="Bearer",  # noqa: S106 - a kind of token, not a token
        expires_at=now + life,
        refresh_at=refresh_time(now, life, chance),
        scope=scope if isinstance(scope, str) else None,
    )


def scopes_of(text: object) -> tuple[str, ...]:
    """Return the scopes in a text, each once, without what is none."""
    words = text[:_LARGEST_TOKEN].split() if isinstance(text, str) else []
    return tuple(dict.fromkeys(filter(_SCOPE.fullmatch, words)))


def claimed_scopes(value: Secret) -> tuple[str, ...] | None:
    """Return the scopes that a token says it has, or None if it says none.

    Its claims ``scope`` and ``permissions`` are read without verifying
    anything: only to tell a person.  Never raises, so that no traceback
    can show the token.

    Args:
        value: The token; may be anything that can stand in a header.
    """
    claims = _claims(value.reveal())
    said = [
        claims[name] for name in ("scope", "permissions") if name in claims
    ]
    if not said:
        return None
    return scopes_of(" ".join(text for each in said for text in _texts(each)))


def _claims(token: str) -> Mapping[str, Any]:
    """Read the payload of a JWT (RFC 7519); of anything else, nothing."""
    parts = token.split(".", _PARTS_OF_A_JWT)
    if len(token) > _LARGEST_TOKEN or len(parts) != _PARTS_OF_A_JWT:
        return {}
    try:
        claims = json.loads(urlsafe_b64decode(f"{parts[1]}=="))
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", claims) if isinstance(claims, dict) else {}


def _texts(claim: object) -> Iterator[str]:
    listed = (
        cast("list[object]", claim) if isinstance(claim, list) else [claim]
    )
    yield from (each for each in listed if isinstance(each, str))


def _is_bearer(kind: object) -> bool:
    return isinstance(kind, str) and kind.lower() == "bearer"


def token_from_store(
    stored: StoredToken, now: float, wall: float, chance: float
) -> Token | None:
    """Return a token that was stored, or None if it can't be used.

    Args:
        stored: As it was loaded; may be anything that somebody wrote.
        now: On the runtime's clock.
        wall: Unix time.
        chance: A random number, 0 <= chance < 1.
    """
    life = min(stored.expires_at - wall, LONGEST_LIFE)
    # Written so that a NaN is refused too.
    if not life > 0 or not is_token(stored.value.reveal()):
        return None
    return Token(
        value=stored.value,
        token_type="Bearer",  # noqa: S106 - a kind of token, not a token
        expires_at=now + life,
        refresh_at=refresh_time(now, life, chance),
        scope=stored.scope,
    )


def lifetime(expires_in: object) -> float:
    """Return how many seconds a token lives, whatever the answer says.

    A number, also one in a string, is believed up to 30 days; zero and
    less is zero.  Anything else is taken as missing.
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


def refresh_time(now: float, life: float, chance: float) -> float:
    """Return when to get a new token ahead of time.

    The margin is the smaller of 300 s and 20 % of the life.  Chance makes
    it up to a quarter longer, so that many processes that started
    together do not ask together.
    """
    margin = min(_MARGIN, _MARGIN_SHARE * life)
    return now + life - margin * (1 + _JITTER * chance)


_T = TypeVar("_T")


@attrs.frozen(eq=False, repr=False)
class TokenSlot:
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


def store_key(token_url: str, credentials: ClientCredentials) -> str:
    """Return the name under which a store keeps these credentials' token.

    All that the token depends on is in it, but for the secret: a digest
    of that would let a reader of the file guess at it.

    Args:
        token_url: The absolute URL of the token endpoint.
        credentials: Whose token.

    Returns:
        A SHA-256 digest in hexadecimal.
    """
    parts = [
        token_url,
        credentials.client_id,
        credentials.scope,
        credentials.audience,
        credentials.organization,
    ]
    return sha256(json.dumps(parts).encode()).hexdigest()
