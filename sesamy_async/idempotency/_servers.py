"""What stores on servers share.

An order is read, decided on here, and written only if it is still what was
read; else all of it is done again.  So a program that stops in between holds
no lock that others wait for.  Who writes first wins, so somebody always gets
on.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Generic, TypeAlias

import attrs

from sesamy_async._call import renewed_after_fork
from sesamy_async._links import Explained, LinkT, Pool

from ._protocol import OrderKey, OrderRecord, StoreAnswer
from ._records import RecordStore, Search, Write, load_record
from ._store import unusable


BATCH = 500
PAGE = 1_000

Wanted: TypeAlias = tuple[OrderKey, str | None]
"""An order, and a contract whose owner is to be found."""


@attrs.frozen
class Seen:
    """What a server knew of an order when it was asked.

    Attributes:
        text: The order, as it is stored; None if it is not there.
        owner: The order that has the contract, if one has.
        now: The time of the server.
    """

    text: str | None
    owner: str | None
    now: float

    def load(self, key: OrderKey) -> OrderRecord | None:
        """Return the order."""
        if self.text is None:
            return None
        return load_record(key, self.text, self.now)


@attrs.frozen
class Change:
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


class ServerStore(RecordStore, Generic[LinkT]):
    """A store on a server, which is asked over a few connections."""

    def __init__(
        self,
        name: str,
        connect: Callable[[float], LinkT],
        explain: Callable[[Exception], Explained],
    ) -> None:
        self._fail = partial(unusable, name)
        self._pool = Pool(self._fail, connect, explain)
        renewed_after_fork(self)

    def after_fork(self) -> None:
        """Leave the connections to the parent, and open others."""
        self._pool.after_fork()

    @abstractmethod
    def _see(
        self, link: LinkT, wanted: Sequence[Wanted], until: float
    ) -> list[Seen]:
        """Return what is known of orders."""

    @abstractmethod
    def _change(
        self,
        link: LinkT,
        changes: Sequence[Change],
        *,
        durable: bool,
        until: float,
    ) -> list[bool]:
        """Write what still is as it was; return what was written."""

    @abstractmethod
    def _purge(self, link: LinkT, older_than: float, until: float) -> int:
        """Remove at most a batch of old orders; return how many."""

    @abstractmethod
    def _salt(self, link: LinkT, until: float) -> bytes:
        """Return the salt, which the first one who asks makes."""

    @abstractmethod
    def _page(
        self,
        link: LinkT,
        after: OrderKey | None,
        search: Search,
        until: float,
    ) -> tuple[list[OrderRecord], OrderKey | None]:
        """Return some orders, and where to go on; None at the end."""

    @abstractmethod
    def _about(self, link: LinkT, until: float) -> tuple[str, bool]:
        """Return the version of the server, and whether orders can be read."""

    def about(self, *, within: float) -> tuple[str, bool]:
        """Return what the server is, and whether anything is in place there.

        Unlike all other methods, it makes nothing.
        """
        until = time.monotonic() + within
        return self._pool.ask(until, lambda link: self._about(link, until))

    def salt(self, *, within: float) -> bytes:
        """Return 32 random bytes, the same for all that share the store."""
        until = time.monotonic() + within
        return self._pool.ask(until, lambda link: self._salt(link, until))

    def write(
        self, writes: Sequence[Write], *, within: float
    ) -> list[StoreAnswer]:
        """Take steps; each of them is atomic."""
        until = time.monotonic() + within

        def do(link: LinkT) -> list[StoreAnswer]:
            answers: dict[int, StoreAnswer] = {}
            while len(answers) < len(writes):
                answers |= self._round(link, writes, answers, until)
            return [answers[at] for at in range(len(writes))]

        return self._pool.ask(until, do)

    def _round(
        self,
        link: LinkT,
        writes: Sequence[Write],
        answers: Collection[int],
        until: float,
    ) -> dict[int, StoreAnswer]:
        """Take those steps that nobody else comes in between."""
        turn = _apart(writes, answers)
        seen = self._see(
            link,
            [(each.key, each.contract_id) for each in turn.values()],
            until,
        )
        taken: dict[int, StoreAnswer] = {}
        changes: dict[int, Change] = {}
        durable = False
        for (at, write), found in zip(turn.items(), seen, strict=True):
            record = found.load(write.key)
            step = write.decide(record, found.owner, found.now)
            known = step.record and attrs.evolve(
                step.record, read_at=found.now
            )
            taken[at] = StoreAnswer(step.done, known)
            if known == record:
                continue
            owns = step.owns and found.owner != write.key.external_order_id
            changes[at] = Change(
                key=write.key,
                old=found.text,
                new=known,
                contract_id=write.contract_id if owns else None,
            )
            durable = durable or step.durable
        if changes:
            written = self._change(
                link, [*changes.values()], durable=durable, until=until
            )
            for at, done in zip(changes, written, strict=True):
                if not done:
                    del taken[at]
        return taken

    def read(
        self, keys: Sequence[OrderKey], *, within: float
    ) -> list[OrderRecord]:
        """Return those of at most 500 orders that are there."""
        if not keys:
            return []
        until = time.monotonic() + within
        return self._pool.ask(
            until, lambda link: self._records(link, keys, until)
        )

    def _records(
        self, link: LinkT, keys: Sequence[OrderKey], until: float
    ) -> list[OrderRecord]:
        seen = self._see(link, [(each, None) for each in keys], until)
        found = [each.load(key) for key, each in zip(keys, seen, strict=True)]
        return [each for each in found if each is not None]

    def holder(
        self, where: str, vendor_id: str, contract_id: str, *, within: float
    ) -> OrderRecord | None:
        """Return the order that has a contract, if one is known."""
        until = time.monotonic() + within
        nobody = OrderKey(where, vendor_id, "")
        [seen] = self._pool.ask(
            until, lambda link: self._see(link, [(nobody, contract_id)], until)
        )
        if seen.owner is None:
            return None
        key = attrs.evolve(nobody, external_order_id=seen.owner)
        found = self.read([key], within=until - time.monotonic())
        return found[0] if found else None

    def page(
        self, after: OrderKey | None, search: Search, *, within: float
    ) -> tuple[list[OrderRecord], OrderKey | None]:
        """Return some orders, and where to go on; None at the end."""
        until = time.monotonic() + within
        return self._pool.ask(
            until, lambda link: self._page(link, after, search, until)
        )

    def purge(self, older_than: float, *, within: float) -> int:
        """Remove CONFIRMED and REFUSED orders; return how many."""
        until = time.monotonic() + within
        count = 0
        # In batches, so that others can write in between.
        while removed := self._pool.ask(
            until, lambda link: self._purge(link, older_than, until)
        ):
            count += removed
            if time.monotonic() >= until:
                raise self._fail(
                    f"the time was too short: {count} orders are removed, "
                    "and more may be old. Purge it again",
                    retryable=True,
                )
        return count

    def close(self) -> None:
        """Close the connections; later methods open them again."""
        self._pool.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def _apart(
    writes: Sequence[Write], answers: Collection[int]
) -> dict[int, Write]:
    """Return those that can be taken at once: no order or contract twice."""
    names: set[object] = set()
    apart: dict[int, Write] = {}
    for at, each in enumerate(writes):
        if at in answers:
            continue
        own = {
            each.key,
            (each.key.where, each.key.vendor_id, each.contract_id),
        }
        if each.contract_id is None:
            own = {each.key}
        if names.isdisjoint(own):
            apart[at] = each
        names |= own
    return apart
