"""Onboard an order: create a contract, then confirm it, as one operation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from inspect import isawaitable
from typing import TypeAlias

import attrs

from ._call import Call, Record, Response
from ._models import Contract, Onboarded
from ._outcome import Outcome
from ._pipeline import Caller, describe, stopped
from ._telling import Telling, Told
from ._wire import prefer_confirmed, read_confirmable
from .errors import (
    ConfigurationError,
    SesamyError,
    UnreadableResponseError,
)


OPERATION = "contracts.onboard"

_OK = Response(status_code=HTTPStatus.OK)

OnCreated: TypeAlias = Callable[[Contract], Awaitable[None] | None]
"""A function of the caller's that is given a contract before its confirm."""


async def send(caller: Caller, call: Call) -> Contract:
    """Send a create or a confirm, and return the contract that was read."""
    contract = (await caller.perform(call)).parsed
    if isinstance(contract, Contract):
        return contract
    raise _replaced(call, contract)


async def tell(caller: Caller, create: Call, telling: Telling | None) -> Told:
    """Create the contract of an order, over a store if there is one."""

    async def perform(call: Call) -> Contract:
        return await send(caller, call)

    if telling is not None:
        return await telling.tell(perform)
    contract = await perform(create)
    record = create.record
    return Told(contract, record.lost, record.attempts)


def _replaced(call: Call, value: object) -> SesamyError:
    what = "result" if call.operation == OPERATION else "contract"
    kind = type(value).__name__
    words = f"A middleware replaced the {what} with {kind}."
    error = ConfigurationError(words, outcome=Outcome.APPLIED)
    return describe(call, error)


@attrs.define(kw_only=True, eq=False, repr=False)
class Onboarding:
    """One onboarding: what the middleware of the caller's goes around.

    Attributes:
        caller: Sends its calls.
        create: The call of the first step.
        confirm: Makes the call of the second step, of the first one and the
            contract's id.
        begin: Prepares to report the order to a store, if there is one.
        on_created: A function of the caller's, called between the steps.
    """

    caller: Caller
    create: Call
    confirm: Callable[[Call, str], Call]
    begin: Callable[[Call], Awaitable[Telling | None]]
    on_created: OnCreated | None
    _strays: int = 0  # Of earlier tries.
    _ended: bool = True  # Whether it may begin, or begin again.

    async def run(self) -> Onboarded:
        """Onboard the order.

        Raises:
            SesamyError: With `step`, and the outcome of the whole.
        """
        whole = attrs.evolve(
            self.create,
            operation=OPERATION,
            parent=None,
            repeatable=False,  # But perhaps resumable: see `_try`.
            record=Record(
                resumable=None if self.caller.shared.once is None else True
            ),
            read=_read_whole,
        )
        response = await self.caller.operate(whole, self._try)
        if isinstance(response.parsed, Onboarded):
            return response.parsed
        raise _replaced(whole, response.parsed)

    async def _try(self, whole: Call) -> Response:
        """Do both steps; a middleware may have changed the call."""
        if not self._ended:
            raise ConfigurationError(
                "A middleware called proceed again, though the first time "
                "had not ended, or not in an error that is retryable: that "
                "could have confirmed a second contract."
            )
        self._ended = False
        record = whole.record
        record.step = "create"
        record.repeatable = self.create.repeatable
        try:
            with self.caller.keeping() as kept:
                create = attrs.evolve(
                    self.create,
                    deadline=whole.deadline,
                    timeout=whole.timeout,
                    request=attrs.evolve(
                        self.create.request, headers=whole.request.headers
                    ),
                    kept=kept,
                    record=Record(),
                )
                try:
                    onboarded = await self._steps(create, record)
                except BaseException:
                    made = create.record
                    self._strays += made.lost + made.answered
                    raise
        except SesamyError as error:
            stopped(record, error)
            record.note(error.outcome)
            if error.resumable is not None:
                record.resumable = error.resumable
            self._ended = error.retryable
            raise
        except BaseException:
            if record.contract_id is not None:  # Nobody knows of the confirm.
                record.note(Outcome.UNKNOWN)
            raise
        record.answer()
        record.step = None
        # None if the contract is from a store.
        response = onboarded.contract.response or _OK
        return attrs.evolve(response, parsed=onboarded)

    async def _steps(self, create: Call, record: Record) -> Onboarded:
        telling = await self.begin(create)
        try:
            told = await tell(self.caller, create, telling)
        except SesamyError as error:
            record.attempts += error.attempts
            if telling is not None:  # It may be from the store.
                record.contract_id = error.contract_id
            raise
        except BaseException:
            _note_interruption(record, create, telling)
            raise
        record.attempts += told.attempts
        record.contract_id = told.contract.id
        contract = told.contract
        record.repeatable = False
        if not told.confirmed:
            record.step = "confirm"
            # A client that is closed meanwhile still sends the confirm.
            self.caller.shared.exchange.life.begun.add(create.kept)
            await _call_back(self.on_created, contract)
            confirm = self.confirm(create, contract.id)
            try:
                contract = await self._confirmed(confirm, telling, contract)
            finally:
                record.attempts += confirm.record.attempts
        return Onboarded(
            contract=contract,
            strays=told.strays + self._strays,
            repeated=told.repeated,
        )

    async def _confirmed(
        self, confirm: Call, telling: Telling | None, created: Contract
    ) -> Contract:
        """Confirm a contract, and note it in the store."""
        try:
            confirmed = await send(self.caller, confirm)
        except SesamyError as error:
            if telling is None or not await telling.confirmed_after(error):
                raise
            if error.outcome is Outcome.REFUSED:
                return created
            await telling.confirmed(created.id)
            # What a middleware of the caller's raised is not lost.
            if not isinstance(error, UnreadableResponseError):
                raise
            return created
        if telling is not None:
            await telling.confirmed(created.id)
        return prefer_confirmed(confirmed, created)


def _read_whole(call: Call, response: Response) -> Onboarded:
    """Read an answer that a middleware of the caller's made itself."""
    return Onboarded(contract=read_confirmable(call, response))


def _note_interruption(
    record: Record, create: Call, telling: Telling | None
) -> None:
    """Note how far the first step came."""
    if telling is None:
        record.attempts += create.record.attempts
        outcome = create.record.outcome_of_foreign
        if outcome is Outcome.APPLIED:  # But not confirmed.
            outcome = Outcome.UNKNOWN
        record.note(outcome)
        return
    known = telling.interruption()
    record.attempts += known.attempts
    record.note(known.outcome)
    if known.resumable is not None:
        record.resumable = known.resumable
    record.contract_id = known.contract_id
    record.step = known.step or record.step


async def _call_back(on_created: OnCreated | None, contract: Contract) -> None:
    """Hand the contract to a function of the caller's."""
    if on_created is None:
        return
    try:
        waiting = on_created(contract)
        if isawaitable(waiting):
            await waiting
    except Exception as error:
        words = f"{type(error).__name__} was raised by on_created."
        raise SesamyError(words) from error
