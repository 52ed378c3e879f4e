"""A store in a Redis, for any number of hosts."""

from __future__ import annotations

import json
import re
import time
import warnings
from collections.abc import Callable, Sequence
from secrets import token_bytes
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from sesamy_async.errors import ConfigurationError

from . import _redis_scripts as scripts
from ._pool import has_input, left
from ._protocol import ENDED, OrderKey, OrderRecord
from ._records import Search, dump_record
from ._servers import (
    BATCH,
    PAGE,
    Change,
    Seen,
    ServerStore,
    Wanted,
)
from ._store import StoreWarning, unusable


try:
    from redis import ConnectionPool, RedisError, exceptions
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    from ._redis_trouble import NAME, REPLICA, explained
except ImportError:
    raise ConfigurationError(
        "idempotency: a store in a Redis needs a package that is not "
        "installed: pip install 'sesamy-async[redis]'."
    ) from None


# What is in braces puts all keys into one slot of a cluster, so that scripts
# that change several of them could work there.
_PREFIX = "{sesamy-orders}:"
_SALT = f"{_PREFIX}salt"
_INDEX = f"{_PREFIX}index"
_ENDED = f"{_PREFIX}ended"
_ORDER = f"{_PREFIX}order:"
_OWNER = f"{_PREFIX}owner:"
_VERSION = re.compile(rb"^redis_version:([0-9A-Za-z.-]{1,40})", re.MULTILINE)
# An id is looked for in names alone, which are short.
_NAMES = 10_000

# What we read, and how often we try, is not for a URL to say.
_OURS: dict[str, Any] = {
    "decode_responses": False,
    "health_check_interval": 0,
    "protocol": 2,
    "retry": Retry(NoBackoff(), 0),
}
_LASTING = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory-policy": "noeviction",
}


class _Link:
    """A connection, which shows nothing of itself.

    What is used of redis-py, which has no types for it, is in here.
    """

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

    def ask(self, until: float, *commands: Sequence[Any]) -> list[Any]:
        """Send commands together; return what is answered."""
        answers = self.try_(until, *commands)
        for each in answers:
            if isinstance(each, RedisError):
                raise each
        return answers

    def try_(self, until: float, *commands: Sequence[Any]) -> list[Any]:
        """Send commands together; return answers and refusals."""
        connection = self._connection
        connection._sock.settimeout(left(until))  # noqa: SLF001
        connection.send_packed_command(connection.pack_commands(commands))
        answers: list[Any] = []
        for _ in commands:
            connection._sock.settimeout(left(until))  # noqa: SLF001
            try:
                answers.append(connection.read_response())
            except exceptions.ResponseError as error:
                answers.append(error)
        return answers

    def __repr__(self) -> str:
        return "<a connection to Redis>"


class RedisStore(ServerStore[_Link]):
    """Keeps orders in a Redis, for any number of hosts.

    An order that is forgotten can be made twice.  So the Redis must be set
    to keep what it has acknowledged: ``appendonly yes``, ``appendfsync
    always``, ``no-appendfsync-on-rewrite no``, and ``maxmemory-policy
    noeviction``.  One that is not is refused; one that does not say is
    warned of.  No setting lets it survive the loss of its server for
    certain: a replica may lack the last writes.  So it does not work with
    clusters.

    Args:
        url: ``redis://user:password@host:6379/0``, ``rediss://`` for TLS, or
            ``unix://``, with the options of redis-py.
        careless: Take any Redis, however it is set; for tests.  A URL can
            say so too: ``?careless=1``.

    Raises:
        ConfigurationError: The URL is none.
    """

    def __init__(self, url: str, *, careless: bool = False) -> None:
        connector = _connector(url, careless=careless)
        del url
        if connector is None:
            raise ConfigurationError(
                "idempotency (SESAMY_IDEMPOTENCY): the value is not the URL "
                "of a Redis. It can be redis://user:password@host:6379/0, or "
                "rediss:// for TLS; write special characters in the password "
                "as %40 for @, %2F for /, and so on."
            )
        super().__init__(NAME, connector, explained)

    def _about(self, link: _Link, until: float) -> tuple[str, bool]:
        [info] = link.try_(until, ("INFO", "server"))
        found = None
        if isinstance(info, bytes):  # A user may be forbidden to ask.
            found = _VERSION.search(info)
        version = found[1].decode() if found else "of an unknown version"
        return f"Redis {version}", True

    def _salt(self, link: _Link, until: float) -> bytes:
        _, salt = link.ask(
            until, ("SET", _SALT, token_bytes(32), "NX"), ("GET", _SALT)
        )
        return bytes(salt)

    def _see(
        self, link: _Link, wanted: Sequence[Wanted], until: float
    ) -> list[Seen]:
        names = [
            name
            for key, contract_id in wanted
            for name in (_ORDER + _name(key), _owner(key, contract_id))
        ]
        values, clock = link.ask(until, ("MGET", *names), ("TIME",))
        return [
            Seen(
                _text(data),
                None if owner is None else json.loads(owner),
                _seconds(clock),
            )
            for data, owner in zip(values[::2], values[1::2], strict=True)
        ]

    def _change(
        self,
        link: _Link,
        changes: Sequence[Change],
        *,
        durable: bool,
        until: float,
    ) -> list[bool]:
        del durable  # All of them are.
        keys = [_INDEX, _ENDED]
        values: list[str] = []
        for each in changes:
            name = _name(each.key)
            keys += [_ORDER + name, _owner(each.key, each.contract_id)]
            owns = each.contract_id is not None
            values += [
                name,
                each.old or "",
                dump_record(each.new) if each.new else "",
                _ended(each.new),
                json.dumps(each.key.external_order_id) if owns else "",
            ]
        done = _run(link, until, scripts.CHANGE, keys, values)
        return [bool(each) for each in done]

    def _page(
        self,
        link: _Link,
        after: OrderKey | None,
        search: Search,
        until: float,
    ) -> tuple[list[OrderRecord], OrderKey | None]:
        start = f"({_name(after)}" if after else "-"
        size = PAGE if search.external_order_id is None else _NAMES
        # All have one score, so they are in the order of their names.
        [names] = link.ask(
            until, ("ZRANGEBYLEX", _INDEX, start, "+", "LIMIT", 0, size)
        )
        keys = [OrderKey(*json.loads(each)) for each in names]
        wanted = [
            key
            for key in keys
            if search.external_order_id in {None, key.external_order_id}
        ]
        found = self._records(link, wanted, until) if wanted else []
        return [
            record
            for record in found
            if record.at >= search.since and record.state in search.states
        ], keys[-1] if len(keys) == size else None

    def _purge(self, link: _Link, older_than: float, until: float) -> int:
        [clock] = link.ask(until, ("TIME",))
        before = _seconds(clock) - older_than
        found_by = (_ENDED, "-inf", f"({before!r}", "LIMIT", 0, BATCH)
        [names] = link.ask(until, ("ZRANGEBYSCORE", *found_by))
        old = [OrderKey(*json.loads(each)) for each in names]
        if not old:
            return 0
        keys, values = [_INDEX, _ENDED], list[str]()
        seen = self._see(link, [(key, None) for key in old], until)
        for key, found in zip(old, seen, strict=True):
            record = found.load(key)
            if record and (record.state not in ENDED or record.at >= before):
                continue  # It was claimed, for example, since it was found.
            contract_id = record.contract_id if record else None
            keys += [_ORDER + _name(key), _owner(key, contract_id)]
            owns = json.dumps(key.external_order_id)
            values += [_name(key), found.text or "", owns]
        return int(_run(link, until, scripts.REMOVE, keys, values))


def _connector(url: str, *, careless: bool) -> Callable[[float], _Link] | None:
    """Return how to connect to what a URL names; None if it is none."""
    try:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query))
        careless = query.pop("careless", f"{careless:d}") == "1"
        given = {k: v for k, v in query.items() if k not in _OURS}
        pools: Any = ConnectionPool
        pool = pools.from_url(
            urlunsplit(parts._replace(query=urlencode(given))), **_OURS
        )
        pool.make_connection()
    except (ValueError, TypeError, RedisError):
        # What they say shows parts of the URL.
        return None

    warned = careless

    def connect(seconds: float) -> _Link:
        nonlocal warned
        until = time.monotonic() + seconds
        link = _Link(pool.make_connection(), seconds)
        try:
            unknown = [] if careless else _check(link, until)
            if unknown and not warned:
                warned = True
                _warn(unknown)
        except BaseException:
            link.close()
            raise
        return link

    return connect


def _check(link: _Link, until: float) -> list[str]:
    """See that it keeps what it has acknowledged; return what is not known.

    Each connection is checked, as another server may have taken over.
    """
    role, *answers = link.try_(
        until, ("ROLE",), *(("CONFIG", "GET", each) for each in _LASTING)
    )
    if isinstance(role, list) and role[0] != b"master":
        raise unusable(NAME, REPLICA)
    unknown: list[str] = []
    other: list[str] = []
    for (name, wanted), answer in zip(_LASTING.items(), answers, strict=True):
        if isinstance(answer, exceptions.ResponseError) or not answer:
            unknown.append(f"{name} {wanted}")
        elif answer[1].decode() != wanted:
            other.append(f"{name} {wanted}")
    if other:
        raise unusable(
            NAME,
            "it may lose what it has acknowledged, and then orders are sent "
            f"twice. Set this in its redis.conf: {', '.join(other)}. For "
            "tests, careless=True (in a URL ?careless=1) takes any",
        )
    return unknown


def _warn(unknown: Sequence[str]) -> None:
    warnings.warn(
        "The store of orders (Redis) does not say whether it keeps what it "
        "has acknowledged: this user may not ask for CONFIG GET. Make sure "
        f"that it is set to: {', '.join(unknown)}.",
        StoreWarning,
        stacklevel=2,
    )


def _run(
    link: _Link,
    until: float,
    script: str,
    keys: Sequence[str],
    values: Sequence[str],
) -> Any:
    [result] = link.ask(until, ("EVAL", script, len(keys), *keys, *values))
    return result


def _name(key: OrderKey) -> str:
    return json.dumps([key.where, key.vendor_id, key.external_order_id])


def _owner(key: OrderKey, contract_id: str | None) -> str:
    # That of None is never there.
    return _OWNER + json.dumps([key.where, key.vendor_id, contract_id])


def _ended(record: OrderRecord | None) -> str:
    return repr(record.at) if record and record.state in ENDED else ""


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode()


def _seconds(answer: Sequence[bytes]) -> float:
    seconds, micros = answer
    return int(seconds) + int(micros) / 1e6
