"""A connection to a Redis, and what can be wrong with one.

Everything that is used of redis-py is here, as it has no types for it.  Texts
of the server and its driver hold hosts and users, so none of them is shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import attrs

from sesamy_async._links import LOST, Explained, has_input, left, unexplained
from sesamy_async.errors import ConfigurationError


try:
    from redis import ConnectionPool, RedisError, exceptions
    from redis.backoff import NoBackoff
    from redis.retry import Retry
except ImportError:
    raise ConfigurationError(
        "To keep orders, tokens or the pace in a Redis, install redis: "
        "pip install 'sesamy-async[redis]'."
    ) from None


REPLICA = (
    "it is a replica, which only follows another Redis. Name the one that it "
    "follows"
)
_LOGIN = "it refuses this user. Check the user and the password"
_CERTIFICATE = "its certificate is not trusted. Check ssl_ca_certs in the URL"
_CLUSTER = "it is a cluster. Name a Redis that is not a cluster"
_FULL = "it can't write now. Check its maxmemory, disk and replicas"

_LONGEST_NAME = 100

# What we read, and how often we try, is not for a URL to say.
_OURS: dict[str, Any] = {
    "decode_responses": False,
    "health_check_interval": 0,
    "protocol": 2,
    "retry": Retry(NoBackoff(), 0),
}


class RedisLink:
    """A connection, which shows nothing of itself."""

    until = 0.0

    def __init__(self, connection: Any, seconds: float) -> None:
        self._connection = connection
        connection.socket_connect_timeout = seconds
        connection.socket_timeout = seconds
        connection.connect()

    def alive(self) -> bool:
        """Whether nothing has happened to it since it was used."""
        return not has_input(self._connection._sock.fileno())  # noqa: SLF001

    def close(self) -> None:
        """Close it."""
        self._connection.disconnect()

    def ask(self, *commands: Sequence[Any]) -> list[Any]:
        """Send commands together; return what is answered."""
        answers = self.try_(*commands)
        for each in answers:
            if isinstance(each, RedisError):
                raise each
        return answers

    def try_(self, *commands: Sequence[Any]) -> list[Any]:
        """Send commands together; return answers and refusals."""
        connection = self._connection
        connection._sock.settimeout(left(self.until))  # noqa: SLF001
        connection.send_packed_command(connection.pack_commands(commands))
        answers: list[Any] = []
        for _ in commands:
            connection._sock.settimeout(left(self.until))  # noqa: SLF001
            try:
                answers.append(connection.read_response())
            except exceptions.ResponseError as error:
                answers.append(error)
        return answers

    def run(
        self, script: str, keys: Sequence[str], values: Sequence[Any]
    ) -> Any:
        """Run a script in Lua; return what it returns."""
        [result] = self.ask(("EVAL", script, len(keys), *keys, *values))
        return result

    def __repr__(self) -> str:
        return "<a connection to Redis>"


@attrs.frozen
class RedisAddress:
    """Where a Redis is; `careless=1` in its URL is for `RedisStore`."""

    _pool: Any = attrs.field(repr=False)
    careless: bool

    def connect(
        self,
        seconds: float,
        check: Callable[[RedisLink], None] | None = None,
    ) -> RedisLink:
        """Return a new connection, if it passes a check."""
        until = time.monotonic() + seconds
        link = RedisLink(self._pool.make_connection(), seconds)
        link.until = until
        if check is not None:
            try:
                check(link)
            except BaseException:
                link.close()
                raise
        return link


def address_of(url: str) -> RedisAddress | None:
    """Read a URL; return None if it is none.

    The caller raises the error once it has deleted its URL, because locals
    of frames are shown, too.
    """
    try:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query))
        careless = query.pop("careless", "") == "1"
        given = {k: v for k, v in query.items() if k not in _OURS}
        pools: Any = ConnectionPool
        pool = pools.from_url(
            urlunsplit(parts._replace(query=urlencode(given))), **_OURS
        )
        pool.make_connection()
    except (ValueError, TypeError, AttributeError, RedisError):
        # What they say shows parts of the URL.
        return None
    return RedisAddress(pool, careless)


def check_name(owner: str, name: object) -> None:
    """Raise a `ConfigurationError` if a name can't be part of a key."""
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
        raise ConfigurationError(
            f"{owner}: name must be a text of 1 to {_LONGEST_NAME} characters."
        )


def no_address(setting: str) -> ConfigurationError:
    return ConfigurationError(
        f"{setting}: the value is not the URL of a Redis. It can be "
        "redis://user:password@host:6379/0, or rediss:// for TLS; write "
        "special characters in the password as %40 for @, %2F for /, and so "
        "on."
    )


# Subclasses before their bases.
_BY_CLASS: dict[type[Exception], Explained] = {
    exceptions.AuthenticationError: (_LOGIN, False),
    exceptions.ReadOnlyError: (REPLICA, False),
    exceptions.MasterDownError: (REPLICA, False),
    exceptions.ClusterDownError: (_CLUSTER, False),
    exceptions.AskError: (_CLUSTER, False),
    exceptions.OutOfMemoryError: (_FULL, True),
    exceptions.TimeoutError: ("it did not respond in time. Try again", True),
    exceptions.ConnectionError: (LOST, True),
}
# Errors for which some version of redis-py has no class.
_BY_WORD = {
    "CLUSTERDOWN": (_CLUSTER, False),
    "MASTERDOWN": (REPLICA, False),
    "MOVED": (_CLUSTER, False),
    "MISCONF": (_FULL, True),
    "NOREPLICAS": (_FULL, True),
    "WRONGPASS": (_LOGIN, False),
    "DB": ("it does not have this database, which is a number", False),
}


def explained(error: Exception) -> Explained:
    """Say what happened, what to do, and whether it may pass."""
    if "certificate" in str(error):
        return _CERTIFICATE, False
    for kind, meaning in _BY_CLASS.items():
        if isinstance(error, kind):
            return meaning
    if not isinstance(error, RedisError):
        return f"{type(error).__name__} in this program", False
    other = (unexplained(error), False)
    return _BY_WORD.get(str(error).partition(" ")[0], other)
