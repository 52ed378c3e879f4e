"""Onboard an order: create a contract, then confirm it, as one operation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from inspect import isawaitable
from typing import TypeAlias

import attrs

from ._call import Call, Record, Response
from ._creation import CreatedContract, Goal, OrderCreation, interrupted
from ._models import Contract, Onboarded
from ._outcome import Outcome
from ._payloads import prefer_confirmed, read_confirmable
from ._pipeline import Caller, describe, stopped
from .errors import ConfigurationError, SesamyError, UnreadableResponseError


OPERATION = "contracts.onboard"

OnCreated: TypeAlias = Callable[[Contract], Awaitable[None] | None]
"""A function of the caller's that is given a contract before its confirm."""


async def send(caller: Caller, call: Call) -> Contract:
    """Send a create or a confirm, and return the contract that was read."""
    contract = (await caller.perform(call)).parsed
    if isinstance(contract, Contract):
        return contract
    raise _replaced(call, contract)


def creation_of(
    caller: Caller, create: Call, goal: Goal, *, careful: bool
) -> OrderCreation | None:
    """Return how a contract is created over a store; None without one."""
    once = caller.shared.once
    if once is None:
        return None
    # A closed client does not answer from its store, either.
    caller.shared.exchange.life.check_open()
    return OrderCreation(once=once, create=create, goal=goal, careful=careful)


async def create_contract(
    caller: Caller, create: Call, creation: OrderCreation | None
) -> CreatedContract:
    """Create the contract of an order, over a store if there is one."""
    if creation is not None:
        return await creation.run(partial(send, caller))
    contract = await send(caller, create)
    return CreatedContract(
        contract, create.record.lost, create.record.attempts
    )


def _replaced(call: Call, value: object) -> SesamyError:
    what = "result" if call.operation == OPERATION else "contract"
    kind = type(value).__name__
    words = f"A middleware replaced the {what} with {kind}."
    error = ConfigurationError(words, outcome=Outcome.APPLIED)
    return describe(call, error)


@attrs.define(kw_only=True, eq=False, repr=False)
class Onboarding:
    """One onboarding: what the caller's middleware goes around."""

    caller: Caller
    create: Call  # The first step.
    confirm: Callable[[Call, str], Call]  # Of that, and the contract's id.
    careful: bool  # Whether the create must not be repeated.
    on_created: OnCreated | None  # Called between the steps.
    _strays: int = 0  # Of earlier tries.
    _ended: bool = True  # Whether it may begin, or begin again.

    async def run(self) -> Onboarded:
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
                "A middleware called proceed again, but the first time had "
                "not ended, or not in an error that is retryable: that could "
                "have confirmed a second contract."
            )
        self._ended = False
        record, made = whole.record, Record()
        record.step = "create"
        record.repeatable = self.create.repeatable
        request = attrs.evolve(
            self.create.request, headers=whole.request.headers
        )
        try:
            with self.caller.keeping() as kept:
                create = attrs.evolve(
                    self.create,
                    deadline=whole.deadline,
                    timeout=whole.timeout,
                    request=request,
                    kept=kept,
                    record=made,
                )
                onboarded = await self._steps(create, record)
        except BaseException as error:
            self._strays += made.lost + made.answered
            if isinstance(error, SesamyError):
                stopped(record, error)
                record.note(error.outcome)
                if error.resumable is not None:
                    record.resumable = error.resumable
                self._ended = error.retryable
            elif record.contract_id is not None:
                record.note(Outcome.UNKNOWN)  # Nobody knows of the confirm.
            raise
        record.answer()
        record.step = None
        # None if the contract is from a store.
        response = onboarded.contract.response or Response(
            status_code=HTTPStatus.OK
        )
        return attrs.evolve(response, parsed=onboarded)

    async def _steps(self, create: Call, record: Record) -> Onboarded:
        creation = creation_of(
            self.caller, create, Goal.ONBOARD, careful=self.careful
        )
        try:
            created = await create_contract(self.caller, create, creation)
        except SesamyError as error:
            record.attempts += error.attempts
            if creation is not None:  # It may be from the store.
                record.contract_id = error.contract_id
            raise
        except BaseException:
            known = (
                interrupted(create.record, onboards=True)
                if creation is None
                else creation.interruption()
            )
            record.attempts += known.attempts
            record.note(known.outcome)
            if known.resumable is not None:
                record.resumable = known.resumable
            record.contract_id = known.contract_id
            record.step = known.step or record.step
            raise
        record.attempts += created.attempts
        record.contract_id = created.contract.id
        record.repeatable = False
        contract = created.contract
        if not created.confirmed:
            record.step = "confirm"
            # A client that is closed meanwhile still sends the confirm.
            self.caller.shared.exchange.life.begun.add(create.kept)
            await _call_back(self.on_created, contract)
            confirm = self.confirm(create, contract.id)
            try:
                contract = await self._confirmed(confirm, creation, contract)
            finally:
                record.attempts += confirm.record.attempts
        return Onboarded(
            contract=contract,
            strays=created.strays + self._strays,
            repeated=created.repeated,
        )

    async def _confirmed(
        self, confirm: Call, creation: OrderCreation | None, created: Contract
    ) -> Contract:
        """Confirm a contract, and note it in the store."""
        try:
            confirmed = await send(self.caller, confirm)
        except SesamyError as error:
            if creation is None or not await creation.confirmed_after(error):
                raise
            if error.outcome is Outcome.REFUSED:
                return created
            await creation.confirmed(created.id)
            # What a middleware of the caller's raised is not lost.
            if not isinstance(error, UnreadableResponseError):
                raise
            return created
        if creation is not None:
            await creation.confirmed(created.id)
        return prefer_confirmed(confirmed, created)


def _read_whole(call: Call, response: Response) -> Onboarded:
    """Read a response that the caller's middleware made itself."""
    return Onboarded(contract=read_confirmable(call, response))


async def _call_back(on_created: OnCreated | None, contract: Contract) -> None:
    if on_created is None:
        return
    try:
        waiting = on_created(contract)
        if isawaitable(waiting):
            await waiting
    except Exception as error:
        words = f"{type(error).__name__} was raised by on_created."
        raise SesamyError(words) from error
