"""The protocol of stores of orders, and their errors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from sesamy_async.errors import SesamyError

from ._protocol import (
    Holder,
    OrderKey,
    OrderRecord,
    OrderState,
    StoreAnswer,
)


class StoreUnavailable(SesamyError):  # noqa: N818 - as the field says it
    """The store of orders can't be used now; its message has no password."""

    _transient = True


def unusable(
    which: object, what: str, *, retryable: bool = False
) -> StoreUnavailable:
    """Return the error of a store; most of them need a person.

    Args:
        which: A file, or a kind of server, such as ``"(Redis)"``.
        what: Why it can't be used, and what to do, without a full stop.
        retryable: Whether the cause may pass by itself.
    """
    return StoreUnavailable(
        f"The store of orders {which} can't be used: {what}.",
        retryable=None if retryable else False,
    )


class StoreWarning(UserWarning):
    """A store of orders may lose what it has acknowledged."""


@runtime_checkable
class IdempotencyStore(Protocol):
    """Remembers which orders were reported to Sesamy, for all that share it.

    The methods are synchronous: the async client calls them in threads.
    Each is atomic, and may be repeated.  `within` is the number of seconds
    after which a method fails with a `StoreUnavailable`; its change may
    have been made all the same.
    """

    @abstractmethod
    def salt(self, *, within: float) -> bytes:
        """Return 32 random bytes, the same for all that share the store."""
        ...

    def claim(
        self, key: OrderKey, holder: Holder, *, within: float
    ) -> StoreAnswer:
        """Look the order up, and claim it if it may be created now."""
        ...

    def renew(
        self, key: OrderKey, holder: Holder, *, strays: int, within: float
    ) -> StoreAnswer:
        """Renew a claim; `strays` more creates had no response."""
        ...

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
        """Write down a contract that was created.

        Args:
            key: The order.
            holder: Who created it.
            contract_id: Its id.
            confirmed: Whether it is already confirmed.
            shared: Whether orders may share a contract.
            within: Seconds.

        Returns:
            `done` says whether this contract counts; the record has the
            contract that does.
        """
        ...

    def mark(
        self,
        key: OrderKey,
        state: OrderState,
        *,
        token: str,
        contract_id: str | None = None,
        within: float,
    ) -> StoreAnswer:
        """Note how a claim ended.

        Args:
            key: The order.
            state: REFUSED (by Sesamy), UNKNOWN, or CONFIRMED.
            token: Of the claim; ignored for CONFIRMED.
            contract_id: For CONFIRMED, the contract that counts.
            within: Seconds.
        """
        ...

    def release(
        self, key: OrderKey, *, token: str, strays: int, within: float
    ) -> StoreAnswer:
        """Give a claim up; `strays` more creates had no response."""
        ...

    def look(
        self, keys: Collection[OrderKey], *, within: float
    ) -> Mapping[OrderKey, OrderRecord]:
        """Return the orders that the store knows."""
        ...

    @abstractmethod
    def holder(
        self, where: str, vendor_id: str, contract_id: str, *, within: float
    ) -> OrderRecord | None:
        """Return the order with this contract, or None."""
        ...

    def entries(
        self,
        *,
        since: float = 0.0,
        states: Collection[OrderState] = tuple(OrderState),
        external_order_id: str | None = None,
        within: float,
    ) -> Iterator[OrderRecord]:
        """Yield orders.

        Args:
            since: Only orders that changed since then, in Unix seconds.
            states: Only orders in these states.
            external_order_id: Only orders with this id, of any vendor.
            within: Seconds for each page of orders.
        """
        ...

    def adopt(
        self,
        known: Sequence[OrderRecord],
        *,
        shared: bool = False,
        within: float,
    ) -> Sequence[StoreAnswer]:
        """Take over what is known of orders from elsewhere.

        Only for orders that are unknown to the store, were refused, or are
        in doubt.  A doubt is settled by a record that is CONFIRMED; or by
        the record that `look` returned while no call was under way, changed
        to CREATED with the contract that was found after that.
        """
        ...

    def forget(self, seen: OrderRecord, *, within: float) -> StoreAnswer:
        """Remove an order if it has not changed since it was seen.

        Args:
            seen: What `look` returned while no call was under way, before
                somebody checked whether there is a contract.
            within: Seconds.
        """
        ...

    @abstractmethod
    def purge(self, older_than: float, *, within: float) -> int:
        """Remove CONFIRMED and REFUSED orders; return how many.

        Args:
            older_than: Only orders unchanged for so many seconds.
            within: Seconds.
        """
        ...

    @abstractmethod
    def close(self) -> None:
        """Close the connections; later methods open them again."""
        ...
