"""A store in a Redis, for any number of hosts."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from functools import partial
from secrets import token_bytes

import attrs

from sesamy_async.redis._link import (
    REPLICA,
    RedisLink,
    address_of,
    explained,
    no_address,
)

from ._protocol import ENDED, OrderKey, OrderRecord
from ._records import Search, dump_record, load_record
from ._shared import (
    BATCH,
    PAGE,
    RecordChange,
    Seen,
    ServerStore,
    Wanted,
    parts,
)
from ._store import StoreWarning, unusable


_NAME = "(Redis)"
# What is in braces puts all keys into one slot of a cluster, so that scripts
# that change several of them could work there.
_PREFIX = "{sesamy-orders}:"
_SALT = f"{_PREFIX}salt"
_INDEX = f"{_PREFIX}index"
_ENDED = f"{_PREFIX}ended"
_ORDER = f"{_PREFIX}order:"
_OWNER = f"{_PREFIX}owner:"
# An id is looked for in names alone, which are short.
_NAMES = 10_000

_LASTING = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory-policy": "noeviction",
}


# Done by the server in one step.
_CHANGE = """
local done = {}
for at = 1, #KEYS / 2 - 1 do
    local order, owner = KEYS[2 * at + 1], KEYS[2 * at + 2]
    local name, old, new = unpack(ARGV, 5 * at - 4, 5 * at - 2)
    local ended, owns = ARGV[5 * at - 1], ARGV[5 * at]
    local same = (redis.call('GET', order) or '') == old
    if same and (owns == '' or redis.call('EXISTS', owner) == 0) then
        if new == '' then
            redis.call('DEL', order)
            redis.call('ZREM', KEYS[1], name)
        else
            redis.call('SET', order, new)
            redis.call('ZADD', KEYS[1], 0, name)
        end
        if ended == '' then
            redis.call('ZREM', KEYS[2], name)
        else
            redis.call('ZADD', KEYS[2], ended, name)
        end
        if owns ~= '' then
            redis.call('SET', owner, owns)
        end
        done[at] = 1
    else
        done[at] = 0
    end
end
return done
"""
# What is still as it was when its time was seen to be over.
_REMOVE = """
local count = 0
for at = 1, #KEYS / 2 - 1 do
    local order, owner = KEYS[2 * at + 1], KEYS[2 * at + 2]
    local name, old, owns = unpack(ARGV, 3 * at - 2, 3 * at)
    if (redis.call('GET', order) or '') == old then
        redis.call('DEL', order)
        redis.call('ZREM', KEYS[1], name)
        redis.call('ZREM', KEYS[2], name)
        if redis.call('GET', owner) == owns then
            redis.call('DEL', owner)
        end
        count = count + 1
    end
end
return count
"""


class RedisStore(ServerStore[RedisLink]):
    """Keeps orders in a Redis, for any number of hosts.

    An order that is forgotten can be created twice.  So the Redis must keep
    what it has acknowledged: ``appendonly yes``, ``appendfsync always``,
    ``no-appendfsync-on-rewrite no`` and ``maxmemory-policy noeviction``.
    With other settings it is refused (`StoreUnavailable`); if it does not
    tell its settings, a `StoreWarning` says so.  No setting guarantees that
    it survives the loss of its server, as a replica may lack the last
    writes; therefore clusters are not supported.

    Args:
        url: ``redis://user:password@host:6379/0``, ``rediss://`` for TLS, or
            ``unix://``, with the options of redis-py.
        careless: Accept a Redis with any settings; for tests.  In a URL:
            ``?careless=1``.

    Raises:
        ConfigurationError: The URL is invalid, or redis is not installed.
    """

    def __init__(self, url: str, *, careless: bool = False) -> None:
        address = address_of(url)
        del url
        if address is None:
            raise no_address("idempotency (SESAMY_IDEMPOTENCY)")
        any_will_do = careless or address.careless
        check = None if any_will_do else _Keeping().check
        connect = partial(address.connect, check=check)
        super().__init__(_NAME, connect, explained)

    def _salt(self, link: RedisLink) -> bytes:
        _, salt = link.ask(
            ("SET", _SALT, token_bytes(32), "NX"), ("GET", _SALT)
        )
        return bytes(salt)

    def _see(
        self, link: RedisLink, wanted: Sequence[Wanted]
    ) -> tuple[list[Seen], float]:
        names = [
            name
            for key, contract_id in wanted
            for name in (_ORDER + _name(key), _owner(key, contract_id))
        ]
        values, clock = link.ask(("MGET", *names), ("TIME",))
        seen: list[Seen] = [
            (data and data.decode(), owner and json.loads(owner))
            for data, owner in zip(values[::2], values[1::2], strict=True)
        ]
        return seen, _seconds(clock)

    def _change(
        self,
        link: RedisLink,
        changes: Sequence[RecordChange],
        *,
        durable: bool,
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
        done = link.run(_CHANGE, keys, values)
        return [bool(each) for each in done]

    def _page(
        self, link: RedisLink, after: OrderKey | None, search: Search
    ) -> tuple[list[OrderRecord], OrderKey | None]:
        start = f"({_name(after)}" if after else "-"
        size = PAGE if search.external_order_id is None else _NAMES
        # All have one score, so they are in the order of their names.
        [names] = link.ask(
            ("ZRANGEBYLEX", _INDEX, start, "+", "LIMIT", 0, size)
        )
        keys = [OrderKey(*json.loads(each)) for each in names]
        wanted = [
            key
            for key in keys
            if search.external_order_id in {None, key.external_order_id}
        ]
        found = self._records(link, wanted) if wanted else []
        return [
            record
            for record in found
            if record.at >= search.since and record.state in search.states
        ], keys[-1] if len(keys) == size else None

    def _purge(self, link: RedisLink, older_than: float) -> int:
        [clock] = link.ask(("TIME",))
        before = _seconds(clock) - older_than
        found_by = (_ENDED, "-inf", f"({before!r}", "LIMIT", 0, BATCH)
        [names] = link.ask(("ZRANGEBYSCORE", *found_by))
        old = [OrderKey(*json.loads(each)) for each in names]
        if not old:
            return 0
        keys, values = [_INDEX, _ENDED], list[str]()
        seen, now = self._see(link, [(key, None) for key in old])
        for key, (text, _) in zip(old, seen, strict=True):
            record = load_record(key, text, now) if text else None
            if record and (record.state not in ENDED or record.at >= before):
                continue  # It was claimed, for example, since it was found.
            contract_id = record.contract_id if record else None
            keys += [_ORDER + _name(key), _owner(key, contract_id)]
            owns = json.dumps(key.external_order_id)
            values += [_name(key), text or "", owns]
        return int(link.run(_REMOVE, keys, values))


@attrs.define
class _Keeping:
    """Checks each connection, as another server may have taken over.

    One warning is enough.
    """

    _warned: bool = False

    def check(self, link: RedisLink) -> None:
        """Refuse one that is set otherwise, or warn if it does not say."""
        role, *answers = link.try_(
            ("ROLE",), *(("CONFIG", "GET", each) for each in _LASTING)
        )
        if isinstance(role, list) and role[0] != b"master":
            raise unusable(_NAME, REPLICA)
        unknown: list[str] = []
        other: list[str] = []
        for (name, wanted), answer in zip(
            _LASTING.items(), answers, strict=True
        ):
            if isinstance(answer, Exception) or not answer:
                unknown.append(f"{name} {wanted}")
            elif answer[1].decode() != wanted:
                other.append(f"{name} {wanted}")
        if other:
            raise unusable(
                _NAME,
                "it may lose what it has acknowledged; orders would then be "
                f"sent twice. Set in its redis.conf: {', '.join(other)}. "
                "For tests, careless=True (in a URL ?careless=1) accepts any",
            )
        if unknown and not self._warned:
            self._warned = True
            warnings.warn(
                "The store of orders (Redis) does not tell whether it keeps "
                "what it has acknowledged: this user may not use CONFIG GET. "
                f"Make sure that these are set: {', '.join(unknown)}.",
                StoreWarning,
                stacklevel=2,
            )


def _name(key: OrderKey) -> str:
    return json.dumps(parts(key))


def _owner(key: OrderKey, contract_id: str | None) -> str:
    # That of None is never there.
    return _OWNER + json.dumps([key.where, key.vendor_id, contract_id])


def _ended(record: OrderRecord | None) -> str:
    return repr(record.at) if record and record.state in ENDED else ""


def _seconds(answer: Sequence[bytes]) -> float:
    seconds, micros = answer
    return int(seconds) + int(micros) / 1e6
