"""Orders to bytes, and answers to contracts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import attrs

from ._call import Call, Response, contradicted, dumps, unreadable
from ._checks import is_segment
from ._models import (
    Contract,
    NewContract,
    is_object,
    order_data,
    read_answer,
    refusal,
)
from ._outcome import Outcome
from ._pipeline import RecentIds, describe
from .errors import ConfigurationError


# How an answer may say that it was not done: no source says how Sesamy's
# does where its status is a success.
_ERROR_NAMES = ("error", "errors", "errorMessage", "error_message", "fault")
_SUCCESS_NAMES = ("success", "ok")
_NO = (False, "false", "False")
_STATUS_NAMES = ("status", "statusCode", "code")
_FAILURES = {"error", "fail", "failed", "failure"}
_ERROR_STATUSES = range(400, 600)
_ID_NAMES = ("id", "contractId", "_id")
_REPLACED = "\ufffd"
_MOST_BITS = 256  # The largest integer that is believed to be an id.


def encode_order(order: NewContract) -> bytes:
    """Return the body that tells Sesamy of an order.

    Args:
        order: The order.

    Returns:
        Compact JSON in UTF-8, without what is not given.

    Raises:
        InvalidRequestError: It is no `NewContract`, or one whose mappings
            were changed since it was checked.
    """
    kind = type(order).__name__
    if isinstance(cast("object", order), NewContract):
        try:
            return dumps(order_data(order))
        except (RecursionError, ValueError) as error:
            problem = f"changed after it was checked: {error}"
    else:
        problem = (
            f"expected NewContract, got {kind}; "
            "NewContract.from_dict reads JSON data"
        )
    # Whatever was given, the error's traceback must not hold on to it.
    del order
    raise refusal("The order", (problem,))


def contract_of(data: Any) -> Contract | None:
    """Find the contract in an answer; whatever the answer is.

    The id may be called ``id``, ``contractId`` or ``_id``, and the contract
    may be wrapped in ``{"data": ...}``: which of these Sesamy answers is
    unknown.

    Args:
        data: The answer as parsed JSON.

    Returns:
        The contract, or None where there is no id.
    """
    if not is_object(data):
        return None
    for found in (data, data.get("data")):
        if is_object(found):
            contract_id = _id_in(found)
            if contract_id is not None:
                known = {**found, "id": contract_id, "raw": data}
                return read_answer(Contract, known)
    return None


def ids_in(data: Any) -> list[str]:
    """Return every id that an answer names; whatever the answer is.

    Args:
        data: The answer as parsed JSON.
    """
    outer = [data] if is_object(data) else []
    places = [*outer, *(each.get("data") for each in outer)]
    return [
        each for place in places if is_object(place) for each in _ids(place)
    ]


def denies(data: Any) -> bool:
    """Whether an answer says that it was not done, whatever its status.

    Args:
        data: The answer as parsed JSON.
    """
    if not is_object(data):
        return False
    inner = data.get("data")
    return _denies(data) or (is_object(inner) and _denies(inner))


def _denies(found: dict[str, Any]) -> bool:
    return (
        isinstance(found.get("error"), dict)
        or any(found.get(name) for name in _ERROR_NAMES)
        or any(found.get(name) in _NO for name in _SUCCESS_NAMES)
        or any(_is_failure(found.get(name)) for name in _STATUS_NAMES)
    )


def _is_failure(status: object) -> bool:
    """Whether it is a word for failure, or a status of HTTP that is."""
    if isinstance(status, str):
        return status.lower() in _FAILURES
    return isinstance(status, int) and status in _ERROR_STATUSES


def _id_in(found: dict[str, Any]) -> str | None:
    return next(_ids(found), None)


def _ids(found: dict[str, Any]) -> Iterator[str]:
    return filter(None, (_id_from(found.get(name)) for name in _ID_NAMES))


def _id_from(value: Any) -> str | None:
    if isinstance(value, str):
        # Bytes that are no text were replaced: the id is not known.
        return value if value.strip() and _REPLACED not in value else None
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return str(value) if value.bit_length() <= _MOST_BITS else None


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
        raise contradicted(call, response)
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
        raise contradicted(call, response)
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


def prefer_confirmed(confirmed: Contract, created: Contract) -> Contract:
    """Prefer what confirm answered, if it answered with the contract."""
    answered = contract_of(confirmed.raw)
    same = answered is not None and answered.id == confirmed.id
    return confirmed if same else created
