"""The states of an order, and the values that a journal keeps."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import attrs

from sesamy_async._creation import may_stray
from sesamy_async._models import NewContract
from sesamy_async.errors import ConfigurationError, SesamyError


class State(StrEnum):
    """How far an order has come."""

    PENDING = "PENDING"
    """It may be sent: nothing was done, or at most a stray was left."""

    INTENT = "INTENT"
    """Its create is about to be sent, or was sent and has no response."""

    CREATED = "CREATED"
    """Its contract exists, and the id is known; it is not confirmed."""

    CONFIRMED = "CONFIRMED"
    """Its contract gives access."""

    ALREADY = "ALREADY"
    """It was confirmed elsewhere, as the store of orders says."""

    REJECTED = "REJECTED"
    """It can't be sent as it is, or Sesamy refused it."""

    UNKNOWN = "UNKNOWN"
    """It may or may not have a contract, or access: a person has to look."""


class Confirm(StrEnum):
    """When a contract is confirmed, and so what a crash can leave."""

    SEPARATELY = "separately"
    """Create unconfirmed, record the id, then confirm: two calls.

    An order whose create was interrupted is created again; at worst that
    leaves an unconfirmed contract (a stray), which gives no access.
    """

    AT_ONCE = "at-once"
    """Confirm in the create call: one call.

    An order whose create was interrupted is not sent again: a person has
    to look.
    """

    NO = "no"
    """Create unconfirmed, and stop there: one call."""

    @property
    def calls(self) -> int:
        """How many calls an order takes."""
        return 2 if self is Confirm.SEPARATELY else 1

    @property
    def goal(self) -> State:
        """The state in which an order is done."""
        return State.CREATED if self is Confirm.NO else State.CONFIRMED

    @property
    def repeatable(self) -> bool:
        """Whether a create may be repeated: it leaves a stray at worst."""
        return self is not Confirm.AT_ONCE


class Kind(StrEnum):
    """The reports; each row is in exactly one of them.

    The value is a part of the file's name: ``orders.rejected.csv``.
    """

    CONFIRMED = "confirmed"
    """The buyer has access."""

    ALREADY = "already"
    """The buyer had access before, by another import or program."""

    CREATED = "created"
    """The contract exists, and that was the goal (``Confirm.NO``)."""

    REJECTED = "rejected"
    """It can't be sent as it is, or Sesamy refused it."""

    UNKNOWN = "unknown"
    """A person has to look."""

    UNPROCESSED = "unprocessed"
    """It is not finished; the same command continues."""


_SETTLED = {
    State.CONFIRMED: Kind.CONFIRMED,
    State.ALREADY: Kind.ALREADY,
    State.REJECTED: Kind.REJECTED,
    State.UNKNOWN: Kind.UNKNOWN,
}


def kind_of(state: State, confirm: Confirm) -> Kind:
    """Return the report of an order in this state."""
    if state is confirm.goal is State.CREATED:
        return Kind.CREATED
    return _SETTLED.get(state, Kind.UNPROCESSED)


@attrs.frozen(kw_only=True)
class Planned:
    """A checked row, for a new journal.

    Attributes:
        row: Its number.
        order_id: Its externalOrderId; None if it can't be read, or if
            another row has it.
        reason: Why it is rejected; None if it can be sent.
        vendor_id: Its own publisher; None for that of the terms.
    """

    row: int
    order_id: str | None
    reason: str | None = None
    vendor_id: str | None = None


@attrs.frozen(kw_only=True)
class Entry:
    """A row as it stands in the journal.

    Attributes:
        row: Its number.
        order_id: Its externalOrderId; None if the row has none.
        state: How far it has come.
        contract_id: The contract that is, or will be, confirmed.
        reason: Why it is where it is; nothing personal.  INTENT has one
            if its create must not be repeated.
        strays: How many unconfirmed contracts it may have left.
        at: When its state last changed, in Unix seconds.
        vendor_id: Its own publisher; None for that of the terms.
    """

    row: int
    order_id: str | None
    state: State
    contract_id: str | None = None
    reason: str | None = None
    strays: int = 0
    at: float = 0.0
    vendor_id: str | None = None


@attrs.frozen(kw_only=True)
class Change:
    """What becomes of a row.

    Attributes:
        row: Its number.
        state: How far it has come now.
        contract_id: None leaves what is there.
        reason: Replaces what is there, even if it is None.
        strays: How many more strays it may have left.
    """

    row: int
    state: State
    contract_id: str | None = None
    reason: str | None = None
    strays: int = 0


SANDBOX = "sandbox "
"""How `Terms.base_url` begins if the import has a sandbox of its own."""


@attrs.frozen(kw_only=True)
class Terms:
    """What must not change between two runs of one import.

    Attributes:
        source: The name of the file, for messages.
        fingerprint: Of the file and of how it is read.
        promo_code: For rows that name none; None if all do.
        vendor_id: For rows that name none.
        base_url: Where the orders go.
        confirm: When contracts are confirmed.
        strays: Whether an interrupted create may be sent again; None if
            that is decided for each order: not if it may have an invoice.
    """

    source: str
    fingerprint: str
    promo_code: str | None
    vendor_id: str
    base_url: str
    confirm: Confirm = Confirm.SEPARATELY
    strays: bool | None = None

    @property
    def repeatable(self) -> bool:
        """Whether an interrupted create of most orders is sent again."""
        return self.strays is not False and self.confirm.repeatable

    def repeats(self, order: NewContract) -> bool:
        """Whether an interrupted create of an order is sent again."""
        return self.repeatable and may_stray(order, self.strays)


class InputFileError(ConfigurationError):
    """The file can't be imported as it is; nothing was sent.

    Attributes:
        problems: All problems, or the first ones, such as
            ``"row 17, userData.email: must look like name@example.com"``.
    """

    def __init__(self, message: str, *, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems: tuple[str, ...] = tuple(problems)


class JournalError(SesamyError):
    """The journal can't be used; the message says what to do.

    Orders without a record in the journal were not sent.

    Attributes:
        unsent: Whether nothing can have been sent before.
    """

    def __init__(self, message: str, *, unsent: bool = False) -> None:
        super().__init__(message)
        self.unsent = unsent

    def _advice(self) -> str:
        if self.unsent:
            return "Nothing was sent."
        return "Orders without a record in the journal were not sent."


class JournalMismatchError(JournalError):
    """The journal is of another file, other settings or another version.

    Attributes:
        problems: What differs, if it is of another file or other settings.
    """

    problems: tuple[str, ...] = ()


class JournalBusyError(JournalError):
    """Another process uses the journal."""
