"""The base of all stores, records as text, and a store in memory."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from secrets import token_bytes
from threading import Lock
from typing import Any

import attrs

from sesamy_async._call import renewed_after_fork, wall_clock

from ._protocol import (
    ENDED,
    Decide,
    Holder,
    OrderKey,
    OrderRecord,
    OrderState,
    StoreAnswer,
    adopt,
    claim,
    confirm,
    doubt,
    first,
    forget,
    refuse,
    release,
    renew,
)
from ._store import IdempotencyStore, StoreUnavailable


@attrs.frozen
class Write:
    """A step of an order, which a back end makes atomic.

    Attributes:
        key: The order.
        decide: The step, a pure function.
        contract_id: The contract of the step, if no other order may have
            it.
    """

    key: OrderKey
    decide: Decide
    contract_id: str | None = None


@attrs.frozen
class Search:
    """Which orders are wanted.

    Attributes:
        since: Orders that changed since then, in Unix seconds.
        states: Orders in these states.
        external_order_id: Orders with this id, of any vendor; None for all.
    """

    since: float
    states: Collection[OrderState]
    external_order_id: str | None


_AT_ONCE = 500


class RecordStore(IdempotencyStore):
    """A store over anything that changes a record in one atomic step.

    A back end reads, decides with ``Write.decide``, and writes, so that
    no other writer can come between.  The rules are in the steps.
    """

    @abstractmethod
    def write(
        self, writes: Sequence[Write], *, within: float
    ) -> list[StoreAnswer]:
        """Take steps; each of them is atomic.

        A ``Step.durable`` must be on disk (on a majority of servers, if
        there are several) before this returns.
        """

    @abstractmethod
    def read(
        self, keys: Sequence[OrderKey], *, within: float
    ) -> list[OrderRecord]:
        """Return the known ones of at most 500 orders."""

    @abstractmethod
    def page(
        self, after: OrderKey | None, search: Search, *, within: float
    ) -> tuple[list[OrderRecord], OrderKey | None]:
        """Return some orders, and where to continue; None at the end."""

    def claim(
        self, key: OrderKey, holder: Holder, *, within: float
    ) -> StoreAnswer:
        return self._one(key, claim(key, holder), within)

    def renew(
        self, key: OrderKey, holder: Holder, *, strays: int, within: float
    ) -> StoreAnswer:
        return self._one(key, renew(holder, strays=strays), within)

    def first(
        self,
        key: OrderKey,
        holder: Holder,
        contract_id: str,
        *,
        confirmed: bool,
        shared: bool,
        within: float,
    ) -> StoreAnswer:
        step = first(holder, contract_id, confirmed=confirmed)
        own = None if shared else contract_id
        return self._one(key, step, within, own)

    def mark(
        self,
        key: OrderKey,
        state: OrderState,
        *,
        token: str,
        contract_id: str | None = None,
        within: float,
    ) -> StoreAnswer:
        steps = {
            OrderState.REFUSED: refuse(token),
            OrderState.UNKNOWN: doubt(token),
            OrderState.CONFIRMED: confirm(contract_id or ""),
        }
        return self._one(key, steps[state], within)

    def release(
        self, key: OrderKey, *, token: str, strays: int, within: float
    ) -> StoreAnswer:
        return self._one(key, release(token, strays=strays), within)

    def forget(self, seen: OrderRecord, *, within: float) -> StoreAnswer:
        return self._one(seen.key, forget(seen), within)

    def look(
        self, keys: Collection[OrderKey], *, within: float
    ) -> Mapping[OrderKey, OrderRecord]:
        wanted = [*keys]
        return {
            each.key: each
            for at in range(0, len(wanted), _AT_ONCE)
            for each in self.read(wanted[at : at + _AT_ONCE], within=within)
        }

    def entries(
        self,
        *,
        since: float = 0.0,
        states: Collection[OrderState] = tuple(OrderState),
        external_order_id: str | None = None,
        within: float,
    ) -> Iterator[OrderRecord]:
        search = Search(since, states, external_order_id)
        after: OrderKey | None = None
        while True:
            found, after = self.page(after, search, within=within)
            yield from found
            if after is None:
                return

    def adopt(
        self,
        known: Sequence[OrderRecord],
        *,
        shared: bool = False,
        within: float,
    ) -> Sequence[StoreAnswer]:
        writes = [
            Write(
                each.key,
                adopt(each),
                None if shared else each.contract_id,
            )
            for each in known
        ]
        return [
            answer
            for at in range(0, len(writes), _AT_ONCE)
            for answer in self.write(writes[at : at + _AT_ONCE], within=within)
        ]

    def _one(
        self,
        key: OrderKey,
        decide: Decide,
        within: float,
        contract_id: str | None = None,
    ) -> StoreAnswer:
        write = Write(key, decide, contract_id)
        [answer] = self.write([write], within=within)
        return answer


_FIELDS = tuple(
    each.name
    for each in attrs.fields(OrderRecord)
    if each.name not in {"key", "extra", "read_at"}
)


def dump_record(record: OrderRecord) -> str:
    """Return a record without its key as JSON, for a back end."""
    known = {name: getattr(record, name) for name in _FIELDS}
    given = {name: known[name] for name in known if known[name] is not None}
    return json.dumps({**record.extra, **given}, separators=(",", ":"))


def load_record(key: OrderKey, text: str | bytes, now: float) -> OrderRecord:
    """Return the record that was dumped, as it is read now.

    Raises:
        StoreUnavailable: It is of a later version, or damaged.
    """
    try:
        data: dict[str, Any] = json.loads(text)
        known = {name: data.pop(name) for name in _FIELDS if name in data}
        state = OrderState(known.pop("state"))
        return OrderRecord(
            key=key, state=state, **known, extra=data, read_at=now
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    raise StoreUnavailable(
        "The store of orders contains an order that this version of "
        "sesamy-async can't read. If a later version wrote it, use that "
        "version; otherwise the store is damaged."
    )


class MemoryStore(RecordStore):
    """Keeps orders in memory; for tests, and for a single process.

    Args:
        clock: Returns Unix seconds; by default, the time of the clients.
    """

    def __init__(self, *, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or wall_clock()
        self._salt = token_bytes()
        self._records: dict[OrderKey, OrderRecord] = {}
        self._owners: dict[tuple[str, str, str | None], OrderKey] = {}
        self._lock = Lock()
        renewed_after_fork(self)

    def after_fork(self) -> None:
        """Begin anew in a child: another thread may have held the lock."""
        self._lock = Lock()

    def salt(self, *, within: float) -> bytes:
        del within
        return self._salt

    def write(
        self, writes: Sequence[Write], *, within: float
    ) -> list[StoreAnswer]:
        del within
        with self._lock:
            return [self._take(each, self._clock()) for each in writes]

    def _take(self, write: Write, now: float) -> StoreAnswer:
        key = write.key
        name = (key.where, key.vendor_id, write.contract_id)
        owner = self._owners.get(name)
        step = write.decide(
            self._read(key, now),
            None if owner is None else owner.external_order_id,
            now,
        )
        if step.record is None:
            self._records.pop(key, None)
        else:
            self._records[key] = step.record
        if step.owns and write.contract_id is not None:
            self._owners[name] = key
        return StoreAnswer(step.done, self._read(key, now))

    def _read(self, key: OrderKey, now: float) -> OrderRecord | None:
        record = self._records.get(key)
        return None if record is None else attrs.evolve(record, read_at=now)

    def read(
        self, keys: Sequence[OrderKey], *, within: float
    ) -> list[OrderRecord]:
        del within
        with self._lock:
            now = self._clock()
            found = [self._read(each, now) for each in keys]
        return [each for each in found if each is not None]

    def holder(
        self, where: str, vendor_id: str, contract_id: str, *, within: float
    ) -> OrderRecord | None:
        owner = self._owners.get((where, vendor_id, contract_id))
        if owner is None:
            return None
        return next(iter(self.read([owner], within=within)), None)

    def page(
        self, after: OrderKey | None, search: Search, *, within: float
    ) -> tuple[list[OrderRecord], OrderKey | None]:
        del after
        found = [
            each
            for each in self.read([*self._records], within=within)
            if each.at >= search.since
            and each.state in search.states
            and search.external_order_id in {None, each.key.external_order_id}
        ]
        return found, None

    def purge(self, older_than: float, *, within: float) -> int:
        del within
        with self._lock:
            before = self._clock() - older_than
            old = [
                key
                for key, each in self._records.items()
                if each.state in ENDED and each.at < before
            ]
            for key in old:
                del self._records[key]
            self._owners = {
                name: key
                for name, key in self._owners.items()
                if key in self._records
            }
        return len(old)

    def close(self) -> None:
        """Do nothing: the orders are kept as long as the store exists."""

    def __repr__(self) -> str:
        return "MemoryStore()"
