"""What the stores that several processes share have in common.

An order is read, decided on here, and written only if it is still what was
read; otherwise all of it is done again.  So a program that stops in between
holds no claim on the database that others wait for.  The first writer wins,
so one of them always makes progress.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Generic, TypeAlias, TypeVar

import attrs

from sesamy_async._call import renewed_after_fork
from sesamy_async._links import Explained, LinkPool, LinkT

from ._protocol import OrderKey, OrderRecord, StoreAnswer
from ._records import RecordStore, Search, Write, load_record
from ._store import unusable


BATCH = 500
PAGE = 1_000

_T = TypeVar("_T")

Wanted: TypeAlias = tuple[OrderKey, str | None]
"""An order, and a contract whose owner is to be found."""


Seen: TypeAlias = tuple[str | None, str | None]
"""An order as it is stored, and the order that has the contract, if any."""


@attrs.frozen
class RecordChange:
    """What to write, if the order is still the old one.

    Attributes:
        key: The order.
        old: As it was stored; None if it was not there.
        new: As it is to be; None if it is to be removed.
        contract_id: The contract that becomes its own, if no other order
            has it by now.
    """

    key: OrderKey
    old: str | None
    new: OrderRecord | None
    contract_id: str | None


class SharedStore(RecordStore, Generic[LinkT]):
    """A store that is asked over connections.

    Args:
        which: What errors call it.
    """

    def __init__(self, which: object) -> None:
        self._fail = partial(unusable, which)

    @abstractmethod
    def _do(self, until: float, do: Callable[[LinkT], _T]) -> _T:
        """Do something with a connection, whose `until` is set."""

    @abstractmethod
    def _see(
        self, link: LinkT, wanted: Sequence[Wanted]
    ) -> tuple[list[Seen], float]:
        """Return what is known of orders, and the time of the database."""

    @abstractmethod
    def _change(
        self, link: LinkT, changes: Sequence[RecordChange], *, durable: bool
    ) -> list[bool]:
        """Write what still is as it was; return what was written."""

    @abstractmethod
    def _purge(self, link: LinkT, older_than: float) -> int:
        """Remove at most a batch of old orders; return how many."""

    @abstractmethod
    def _salt(self, link: LinkT) -> bytes:
        """Return the salt, which the first one who asks makes."""

    @abstractmethod
    def _page(
        self, link: LinkT, after: OrderKey | None, search: Search
    ) -> tuple[list[OrderRecord], OrderKey | None]:
        """Return some orders, and where to go on; None at the end."""

    def _ask(self, within: float, do: Callable[[LinkT], _T]) -> _T:
        return self._do(time.monotonic() + within, do)

    def salt(self, *, within: float) -> bytes:
        return self._ask(within, self._salt)

    def write(
        self, writes: Sequence[Write], *, within: float
    ) -> list[StoreAnswer]:
        def do(link: LinkT) -> list[StoreAnswer]:
            answers: dict[int, StoreAnswer] = {}
            while len(answers) < len(writes):
                answers |= self._round(link, writes, answers)
            return [answers[at] for at in range(len(writes))]

        return self._ask(within, do)

    def _round(
        self, link: LinkT, writes: Sequence[Write], answers: Collection[int]
    ) -> dict[int, StoreAnswer]:
        """Take those steps that nobody else comes in between."""
        turn = _apart(writes, answers)
        seen, now = self._see(
            link, [(each.key, each.contract_id) for each in turn.values()]
        )
        taken: dict[int, StoreAnswer] = {}
        changes: dict[int, RecordChange] = {}
        durable = False
        for (at, write), (text, owner) in zip(turn.items(), seen, strict=True):
            record = None
            if text is not None:
                record = load_record(write.key, text, now)
            step = write.decide(record, owner, now)
            known = step.record and attrs.evolve(step.record, read_at=now)
            taken[at] = StoreAnswer(step.done, known)
            if known == record:
                continue
            owns = step.owns and owner != write.key.external_order_id
            changes[at] = RecordChange(
                key=write.key,
                old=text,
                new=known,
                contract_id=write.contract_id if owns else None,
            )
            durable = durable or step.durable
        if changes:
            written = self._change(link, [*changes.values()], durable=durable)
            for at, done in zip(changes, written, strict=True):
                if not done:
                    del taken[at]
        return taken

    def read(
        self, keys: Sequence[OrderKey], *, within: float
    ) -> list[OrderRecord]:
        if not keys:
            return []
        return self._ask(within, lambda link: self._records(link, keys))

    def _records(
        self, link: LinkT, keys: Sequence[OrderKey]
    ) -> list[OrderRecord]:
        seen, now = self._see(link, [(each, None) for each in keys])
        return [
            load_record(key, text, now)
            for key, (text, _) in zip(keys, seen, strict=True)
            if text is not None
        ]

    def holder(
        self, where: str, vendor_id: str, contract_id: str, *, within: float
    ) -> OrderRecord | None:
        def do(link: LinkT) -> OrderRecord | None:
            nobody = OrderKey(where, vendor_id, "")
            [[_, owner]], _ = self._see(link, [(nobody, contract_id)])
            if owner is None:
                return None
            key = attrs.evolve(nobody, external_order_id=owner)
            return next(iter(self._records(link, [key])), None)

        return self._ask(within, do)

    def page(
        self, after: OrderKey | None, search: Search, *, within: float
    ) -> tuple[list[OrderRecord], OrderKey | None]:
        return self._ask(within, lambda link: self._page(link, after, search))

    def purge(self, older_than: float, *, within: float) -> int:
        until = time.monotonic() + within
        count = 0
        # In batches, so that others can write in between.
        while removed := self._do(
            until, lambda link: self._purge(link, older_than)
        ):
            count += removed
            if time.monotonic() >= until:
                raise self._fail(
                    f"the time was too short: {count} orders are removed, "
                    "and more may be old. Purge it again",
                    retryable=True,
                )
        return count


class ServerStore(SharedStore[LinkT]):
    """A store on a server."""

    def __init__(
        self,
        which: str,
        connect: Callable[[float], LinkT],
        explain: Callable[[Exception], Explained],
    ) -> None:
        super().__init__(which)
        self._pool = LinkPool(self._fail, connect, explain)
        renewed_after_fork(self)

    def after_fork(self) -> None:
        """Leave the connections to the parent, and open others."""
        self._pool.after_fork()

    def close(self) -> None:
        self._pool.close()

    def _do(self, until: float, do: Callable[[LinkT], _T]) -> _T:
        return self._pool.ask(until, do)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def parts(key: OrderKey) -> tuple[str, str, str]:
    """Return what makes a key, as databases store it."""
    return key.where, key.vendor_id, key.external_order_id


def _apart(
    writes: Sequence[Write], answers: Collection[int]
) -> dict[int, Write]:
    """Return those that can be taken at once: no order or contract twice."""
    names: set[object] = set()
    apart: dict[int, Write] = {}
    for at, each in enumerate(writes):
        if at in answers:
            continue
        own: set[object] = {each.key}
        if each.contract_id is not None:
            own.add((each.key.where, each.key.vendor_id, each.contract_id))
        if names.isdisjoint(own):
            apart[at] = each
        names |= own
    return apart
