"""Read the answers to create and confirm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from .core.call import Call
from .core.explain import belied, unreadable
from .core.outcome import Outcome
from .core.recent_ids import RecentIds
from .core.response import Response
from .errors import ConfigurationError
from .models import Contract
from .models.texts import is_object
from .paths import is_segment
from .pipeline import describe
from .wire import contract_of, denies, ids_in


Read = Callable[[Call, Response], Contract]
"""Reads an answer, or raises what is wrong with it."""


def contract_in(call: Call, response: Response) -> Contract:
    """Return what was read, unless a middleware put something else there."""
    if isinstance(response.parsed, Contract):
        return response.parsed
    error = ConfigurationError(
        "A middleware replaced the contract by "
        f"{type(response.parsed).__name__}.",
        outcome=Outcome.APPLIED,
    )
    describe(call, error)
    raise error


def read_created(call: Call, response: Response) -> Contract:
    """Read a create's answer: any object with an id is a contract."""
    # Of the answer itself, no traceback may show a local of ours.
    contract, denied = _created(_json(call, response))
    if contract is not None:
        return contract
    if denied:
        raise belied(call, response)
    raise unreadable(call, response, "its JSON holds no contract id")


def _created(data: Any) -> tuple[Contract | None, bool]:
    """Return the contract, and whether the answer denies that there is one."""
    return contract_of(data), denies(data)


def read_confirmable(call: Call, response: Response) -> Contract:
    """Read the answer to a create that is to be confirmed next.

    A contract that no confirm can name is of no more use than one without
    an id: it stays unconfirmed, hence a stray.
    """
    contract = read_created(call, response)
    if is_segment(contract.id):
        return contract
    raise unreadable(
        call,
        response,
        "its contract id can't stand in a URL, so it can't be confirmed",
    )


def read_confirmed(call: Call, response: Response) -> Contract:
    """Read a confirm's answer: a contract, another object, or nothing.

    No source says what it holds.  That it was confirmed, the status says,
    unless the body says otherwise: then nobody knows.
    """
    confirmed = call.contract_id or ""
    if not response.content.strip():
        return Contract(id=confirmed)
    # Of the answer itself, no traceback may show a local of ours.
    contract, denied, why = _confirmed(_json(call, response), confirmed)
    if contract is not None:
        return contract
    if denied:
        raise belied(call, response)
    raise unreadable(call, response, why, Outcome.UNKNOWN)


def _confirmed(data: Any, confirmed: str) -> tuple[Contract | None, bool, str]:
    """Return the contract; or whether it is denied, and what is wrong."""
    if not is_object(data):
        return None, False, "its JSON is no object"
    if denies(data):
        return None, True, ""
    named = ids_in(data)
    if named and confirmed not in named:
        return None, False, "it speaks of another contract"
    contract = contract_of(data)
    if contract is not None and contract.id == confirmed:
        return contract, False, ""
    return Contract(id=confirmed, raw=data), False, ""


@attrs.frozen(eq=False, repr=False)
class OwnContract:
    """Reads a create's answer, and refuses the contract of another order.

    A gateway that keeps answers, or a server that answers twice, can give
    one order the contract of another.

    Attributes:
        read: Reads the answer.
        recent: Which order got which id.
        vendor: The publisher; each may have ids of its own.
    """

    read: Read
    recent: RecentIds
    vendor: str

    def __call__(self, call: Call, response: Response) -> Contract:
        """Read it.

        Raises:
            SesamyError: It can't be read, or is the contract of another
                order, so that nobody knows what became of this one.
        """
        contract = self.read(call, response)
        # Plain, where it is a member of an Enum: such have other hashes.
        order = str.__str__(call.external_order_id or "")
        if self.recent.belongs(self.vendor, contract.id, order):
            return contract
        del contract  # No traceback may show it as a local of ours.
        raise unreadable(
            call,
            response,
            "its contract was given to another order before (if orders may "
            "share one, make the client with shared_contracts=True)",
            Outcome.UNKNOWN,
        )


def _json(call: Call, response: Response) -> Any:
    try:
        return response.json()
    except ValueError:
        pass
    raise unreadable(call, response, "its body is no JSON")


def fuller(confirmed: Contract, created: Contract) -> Contract:
    """Prefer what confirm answered, if it answered with the contract."""
    answered = contract_of(confirmed.raw)
    same = answered is not None and answered.id == confirmed.id
    return confirmed if same else created
