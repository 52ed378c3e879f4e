"""One token for all hosts that share a Redis."""

from __future__ import annotations

import json
import time
import warnings
from typing import Any

from sesamy_async._call import (
    BlockingRuntime,
    Secret,
    guarded,
    present,
    renewed_after_fork,
)
from sesamy_async._links import LinkPool
from sesamy_async._models import is_object
from sesamy_async.auth import StoredToken, TokenStoreWarning
from sesamy_async.errors import SesamyError

from ._link import address_of, check_name, explained, no_address


# What is in braces puts all keys into one slot of a cluster.
_PREFIX = "{sesamy-token}:"
_WITHIN = 3.0  # Seconds, of the 5 that a client waits for a store.
_PAUSE = 10.0
_LONGEST_LIFE = 30 * 86_400.0
# Long enough for all that wait to look: they do so each quarter of a second.
_FAILED_MS = 5_000

# The server's clock alone says how long a token still lives: those of the
# hosts may differ.
_LOAD = "return {redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1])}"
_LEAD = """
local lease = redis.call('GET', KEYS[1])
if lease == false then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    return 1
end
return (lease == ARGV[1] or lease == '') and 1 or 0
"""
_FAIL = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
    redis.call('SET', KEYS[1], '', 'PX', ARGV[2])
end
"""
_REMOVE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
    redis.call('DEL', KEYS[1])
end
"""


class RedisTokenStore:
    """Keeps tokens in a Redis, for any number of hosts.

    Of all processes that use the same Redis and name, one requests a token;
    the others wait for it and use it.  The same holds when a token must be
    renewed or was rejected.  While the Redis can't be used, each process
    requests its own token, and a `TokenStoreWarning` says so at most once in
    10 seconds.

    Tokens are not encrypted: anybody who can read a token in the Redis can
    do what this client may do, until the token expires.

    Args:
        url: ``redis://user:password@host:6379/0``, ``rediss://`` for TLS, or
            ``unix://``, with the options of redis-py.
        name: Of the group that shares tokens, 1 to 100 characters.  Tokens
            of different credentials are never mixed.

    Raises:
        ConfigurationError: An argument is invalid, or redis is not
            installed.
    """

    def __init__(self, url: str, *, name: str = "default") -> None:
        address = address_of(url)
        del url
        if address is None:
            raise no_address("url of RedisTokenStore")
        check_name("RedisTokenStore", name)
        self._name = name
        self._runtime = present(BlockingRuntime())
        self._pool = LinkPool(_away, address.connect, explained)
        self._away_until = float("-inf")
        renewed_after_fork(self)

    def __repr__(self) -> str:
        return f"RedisTokenStore(name={self._name!r})"

    def after_fork(self) -> None:
        """Leave the connections to the parent, and open others."""
        self._pool.after_fork()

    def close(self) -> None:
        """Close the connections; later calls open them again."""
        self._pool.close()

    @guarded
    def load(self, key: str) -> StoredToken | None:
        """Return the saved token, or None if there is none that is valid."""
        _, token = self._read(key)
        return token

    @guarded
    def save(self, key: str, token: StoredToken) -> None:
        """Save the token until it expires, in place of an earlier one."""
        life = min(token.expires_at - self._runtime.wall(), _LONGEST_LIFE)
        text = json.dumps(
            {"value": token.value.reveal(), "scope": token.scope}
        )
        milliseconds = max(1, int(life * 1000))
        self._ask("SET", self._key(key), text, "PX", milliseconds)

    @guarded
    def discard(self, key: str) -> None:
        """Remove the token, if there is one."""
        self._ask("DEL", self._key(key))

    @guarded
    def reject(self, key: str, value: Secret) -> None:
        """Remove the token, if it still is the one with this value."""
        text, token = self._read(key)
        if token is not None and token.value == value:
            self._run(_REMOVE, self._key(key), text)

    def lead(self, key: str, lease: str, seconds: float) -> bool:
        """Return whether the caller is to request the token now."""
        milliseconds = int(seconds * 1000)
        answer = self._run(_LEAD, self._lead(key), lease, milliseconds)
        # None while the Redis can't be used: then nobody waits for another.
        return answer is None or bool(answer)

    def release(self, key: str, lease: str, *, failed: bool) -> None:
        """End the lead of a caller, if it is still the one that leads."""
        if failed:
            self._run(_FAIL, self._lead(key), lease, _FAILED_MS)
        else:
            self._run(_REMOVE, self._lead(key), lease)

    def _key(self, key: str) -> str:
        return f"{_PREFIX}{self._name}:{key}"

    def _lead(self, key: str) -> str:
        return f"{self._key(key)}:lead"

    def _read(self, key: str) -> tuple[bytes, StoredToken | None]:
        text, life = self._run(_LOAD, self._key(key)) or (None, 0)
        if text is None:
            return b"", None
        return text, _token(text, self._runtime.wall() + life / 1000)

    def _run(self, script: str, key: str, *values: Any) -> Any:
        return self._ask("EVAL", script, 1, key, *values)

    def _ask(self, *command: Any) -> Any:
        """Return what the Redis answers; None while it can't be used."""
        if self._runtime.now() < self._away_until:
            return None
        until = time.monotonic() + _WITHIN
        try:
            [answer] = self._pool.ask(until, lambda link: link.ask(command))
        except SesamyError as error:
            problem = error.args[0]
        else:
            return answer
        now = self._runtime.now()
        # Another thread may have found out at the same time.
        known, self._away_until = self._away_until, now + _PAUSE
        if known <= now:
            warnings.warn(
                f"The Redis of a RedisTokenStore can't be used: {problem}. "
                "Meanwhile, each process requests its own token; the Redis "
                f"is tried again after {_PAUSE:g} s.",
                TokenStoreWarning,
                stacklevel=4,
            )
        return None


def _away(what: str, *, retryable: bool = False) -> SesamyError:
    del retryable  # It is asked again in any case.
    return SesamyError(what)


def _token(text: bytes, expires_at: float) -> StoredToken | None:
    """Read what is stored; None if it can't be read."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    fields = data if is_object(data) else {}
    value, scope = fields.get("value"), fields.get("scope")
    if not isinstance(value, str) or not isinstance(scope, str | None):
        return None
    return StoredToken(value, expires_at, scope)
