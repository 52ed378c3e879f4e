"""An order that is sold by direct calls, and what must be true of it."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from sesamy_async import Call, Contract, Onboarded, Outcome, SesamyError
from sesamy_async.sandbox import Ledger


@attrs.frozen(kw_only=True)
class Ending:
    """How a call ended.

    Attributes:
        value: What it returned; None where it did not.
        error: What it raised; None too where it was cancelled.
        call: The last one that was made, if any was.
    """

    value: Contract | Onboarded | None = None
    error: SesamyError | None = None
    call: Call | None = None

    @property
    def outcome(self) -> Outcome | None:
        """What became of it, as it was told; None for a success."""
        if self.error is not None:
            return self.error.outcome
        if self.value is not None:
            return None
        return Outcome.NOT_SENT if self.call is None else self._noted

    @property
    def _noted(self) -> Outcome:
        """What the note at a cancellation says."""
        assert self.call is not None
        return self.call.record.outcome

    @property
    def lost(self) -> int:
        """How many requests of it may have been done."""
        if self.call is None:
            return 0
        record = self.call.record
        return record.lost + record.answered


@attrs.define
class Order:
    """What may be in the ledger for an order, by what was told of it.

    Attributes:
        id: Its externalOrderId.
        least: Contracts that it has at least.
        most: Contracts that it has at most.
        confirmed: Whether one is confirmed; None where nobody knows.
        contract_id: The only one that may be confirmed, where it is known.
        open: Whether it may be sent (again).
    """

    id: str
    least: int = 0
    most: int = 0
    confirmed: bool | None = False
    contract_id: str | None = None
    open: bool = True

    def created(self, ending: Ending, *, confirm: bool) -> None:
        """Take in how a create ended."""
        match ending.outcome:
            case None:
                assert isinstance(ending.value, Contract)
                self.contract_id = ending.value.id
                self.least = self.most = 1
                self.confirmed, self.open = confirm, False
            case Outcome.NOT_SENT | Outcome.REFUSED:
                pass
            case outcome:
                applied = outcome is Outcome.APPLIED
                self.least, self.most = int(applied), 1
                self.confirmed = (applied or None) if confirm else False
                self.open = False

    def onboarded(self, ending: Ending) -> None:
        """Take in how an onboarding ended."""
        if isinstance(ending.value, Onboarded):
            self._made(ending.value.contract.id, ending.value.strays)
            self.confirmed = True
            return
        call = ending.call
        if call is None or call.operation != "contracts.confirm":
            # Nothing is confirmed, and it can be onboarded again.
            self.most += ending.lost
            return
        assert call.contract_id is not None
        self._made(call.contract_id, self._most_strays)
        self.confirming(ending)

    def confirming(self, ending: Ending) -> None:
        """Take in how a confirm ended."""
        if ending.outcome in {None, Outcome.APPLIED}:
            self.confirmed = True
        elif ending.outcome is Outcome.UNKNOWN and not self.confirmed:
            self.confirmed = None

    def _made(self, contract_id: str, strays: int) -> None:
        self.contract_id = contract_id
        self.least += 1
        self.most += 1 + strays
        self.open = False

    # The creates of one onboarding: no more than the client's attempts.
    _most_strays = 3

    def broken(self, ledger: Ledger) -> Iterator[str]:
        """Yield how the ledger contradicts what was told."""
        ids = [each.id for each in ledger.contracts(self.id)]
        confirmed = [each.id for each in ledger.confirmed(self.id)]
        if not self.least <= len(ids) <= self.most:
            yield f"{self}: {len(ids)} contracts"
        if self.contract_id is not None and self.contract_id not in ids:
            yield f"{self}: its contract is not among {ids}"
        if len(confirmed) > 1:
            yield f"{self}: {len(confirmed)} confirmed contracts"
        if self.confirmed not in {None, bool(confirmed)}:
            yield f"{self}: {len(confirmed)} confirmed"
        if self.contract_id is not None and confirmed not in (
            [],
            [self.contract_id],
        ):
            yield f"{self}: {confirmed} confirmed"
