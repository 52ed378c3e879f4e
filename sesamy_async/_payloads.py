"""Orders to bytes, and responses to contracts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any, TypeAlias, cast

from ._call import (
    Call,
    Response,
    contradicted,
    dumps,
    guarded,
    renewed_after_fork,
    unreadable,
)
from ._checks import is_segment
from ._models import (
    CONVERTER,
    Contract,
    NewContract,
    is_object,
    refusal,
    strict_problems,
)
from ._outcome import Outcome
from .errors import InvalidRequestError


# How a response with a success status may say that it was not done: no
# source says how Sesamy's does.  Names in small letters, without hyphens
# and underscores.
_ERROR_NAMES = {
    *("error", "errors", "errormessage", "errordescription", "errorcode"),
    *("exception", "fault", "failed", "failure", "haserror", "iserror"),
}
_SUCCESS_NAMES = {"confirmed", "issuccess", "ok", "succeeded", "success"}
_NO = {"0", "false", "no"}
_STATUS_NAMES = {"code", "result", "state", "status", "statuscode"}
_FAILURES = {
    *("declined", "denied", "error", "fail", "failed", "failure"),
    *("refused", "rejected"),
}
_ERROR_STATUSES = range(400, 600)
# How the id is called, and how the contract is wrapped, is unknown, too.
_ID_NAMES = ("id", "contractId", "_id")
_WRAPPERS = ("data", "contract", "result")
_REPLACED = "\ufffd"
_MOST_BITS = 256  # The largest integer that is believed to be an id.


@guarded
def encode_order(order: NewContract, *, strict: bool = False) -> bytes:
    """Return compact JSON in UTF-8, without what is not given."""
    if not isinstance(cast("object", order), NewContract):
        raise InvalidRequestError(
            f"order must be a NewContract, got {type(order).__name__}; "
            "NewContract.from_dict(data) reads Sesamy's JSON, and "
            'from_dict(model.model_dump(), by="name") a Pydantic model.'
        )
    if strict and (problems := strict_problems(order)):
        order_id = order.external_order_id
        raise refusal(type(order).__name__, problems, order_id)
    try:
        return dumps(CONVERTER.unstructure(order, NewContract))
    except (RecursionError, ValueError) as error:
        problem = f"changed after it was checked: {error}"
        raise refusal("The order", (problem,)) from None


def contract_of(
    data: Any, response: Response | None = None
) -> Contract | None:
    """Find the contract in the JSON of a response; None without an id."""
    for found in _objects(data):
        contract_id = next(_ids(found), None)
        if contract_id is not None:
            own = {"id": contract_id, "raw": data, "response": response}
            return CONVERTER.structure({**found, **own}, Contract)
    return None


def _objects(data: Any) -> list[dict[str, Any]]:
    """Return the object that a response is, and those that it wraps."""
    if not is_object(data):
        return []
    inner = [data.get(name) for name in _WRAPPERS]
    wrapped = [each for each in inner if is_object(each)]
    contracts = [each.get("contract") for each in wrapped]
    return [data, *wrapped, *filter(is_object, contracts)]


def _ids(found: dict[str, Any]) -> Iterator[str]:
    return filter(None, (_id_from(found.get(name)) for name in _ID_NAMES))


def _id_from(value: Any) -> str | None:
    if isinstance(value, str):
        # Bytes that are no UTF-8 were replaced: the id is not known.
        return value if value.strip() and _REPLACED not in value else None
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return str(value) if value.bit_length() <= _MOST_BITS else None


def _denies(data: Any) -> bool:
    """Whether a response says that it was not done, whatever its status."""
    return data == {"data": None} or any(
        _is_denial(re.sub("[-_]", "", name).lower(), value)
        for found in _objects(data)
        for name, value in found.items()
    )


def _is_denial(name: str, value: Any) -> bool:
    if name in _ERROR_NAMES:
        return bool(value) or isinstance(value, dict)
    if name in _SUCCESS_NAMES:
        return isinstance(value, bool | int | str) and (
            str(value).lower() in _NO
        )
    failed = (
        value.lower() in _FAILURES
        if isinstance(value, str)
        else (isinstance(value, int) and value in _ERROR_STATUSES)
    )
    return name in _STATUS_NAMES and failed


Read: TypeAlias = Callable[[Call, Response], Contract]
"""Reads a response, or raises what is wrong with it."""


def read_created(call: Call, response: Response) -> Contract:
    """Read a create's response: any object with an id is a contract."""
    data = _json(call, response)
    contract = contract_of(data, response)
    if contract is not None:
        return contract
    if _denies(data):
        raise contradicted(call, response)
    raise unreadable(call, response, "its JSON has no contract id")


def read_confirmable(call: Call, response: Response) -> Contract:
    """Read the response to a create that is to be confirmed next.

    A contract that no confirm can name is as useless as one without an id:
    it stays unconfirmed, hence a stray.
    """
    contract = read_created(call, response)
    if is_segment(contract.id):
        return contract
    why = "its contract id can't be part of a URL, so it can't be confirmed"
    raise unreadable(call, response, why)


def read_confirmed(call: Call, response: Response) -> Contract:
    """Read a confirm's response: a contract, another object, or nothing.

    No source says what it holds.  The status says that it was confirmed,
    unless the body says otherwise: then nobody knows.
    """
    confirmed = call.contract_id or ""
    if not response.content.strip():
        return Contract(id=confirmed, response=response)
    data = _json(call, response)
    if not is_object(data):
        why = "its JSON is not an object"
        raise unreadable(call, response, why, Outcome.UNKNOWN)
    if _denies(data):
        raise contradicted(call, response)
    named = [each for found in _objects(data) for each in _ids(found)]
    if named and confirmed not in named:
        why = "it is about another contract"
        raise unreadable(call, response, why, Outcome.UNKNOWN)
    contract = contract_of(data, response)
    if contract is not None and contract.id == confirmed:
        return contract
    return Contract(id=confirmed, raw=data, response=response)


def _json(call: Call, response: Response) -> Any:
    try:
        return response.json()
    except ValueError:
        raise unreadable(call, response, "its body is not JSON") from None


def prefer_confirmed(confirmed: Contract, created: Contract) -> Contract:
    """Prefer the contract of the confirm's response, if it has one."""
    answered = contract_of(confirmed.raw)
    same = answered is not None and answered.id == confirmed.id
    return confirmed if same else created


class RecentIds:
    """Remembers which order each of the latest contract ids belongs to.

    It keeps hashes (64 bits, of a secret seed) instead of the ids, which
    may have megabytes.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._orders: dict[int, int] = {}
        self._lock = Lock()
        renewed_after_fork(self)

    def after_fork(self) -> None:
        """Begin anew in a child: another thread may have held the lock."""
        self._lock = Lock()

    def belongs(self, vendor: str, contract_id: str, order: str) -> bool:
        """Whether a contract is this order's; a new one becomes its own."""
        key, owner = hash((vendor, contract_id)), hash(order)
        with self._lock:
            known = self._orders.pop(key, owner)
            self._orders[key] = known  # As the latest one.
            if len(self._orders) > self._most:
                del self._orders[next(iter(self._orders))]
        return known == owner

    def own(self, read: Read, vendor: str) -> Read:
        """Return what reads a create's response and wants an own contract.

        A gateway that caches, or a server that responds twice, can
        give one order the contract of another.
        """

        def read_own(call: Call, response: Response) -> Contract:
            contract = read(call, response)
            # Of an Enum member, its value.
            order = str.__str__(call.external_order_id or "")
            if self.belongs(vendor, contract.id, order):
                return contract
            why = (
                "its contract was given to another order before (if orders "
                "may share a contract, create the client with "
                "shared_contracts=True)"
            )
            raise unreadable(call, response, why, Outcome.UNKNOWN)

        return read_own
