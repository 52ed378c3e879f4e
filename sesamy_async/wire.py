"""Orders to bytes, and answers to contracts: what the client calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from .core.codec import dumps
from .models.check import Refused
from .models.contract import Contract
from .models.convert import CONVERTER
from .models.order import NewContract
from .models.texts import is_object


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
            return dumps(CONVERTER.unstructure(order, NewContract))
        except (RecursionError, ValueError) as error:
            problem = f"changed after it was checked: {error}"
    else:
        problem = (
            f"expected NewContract, got {kind}; "
            "NewContract.from_dict reads JSON data"
        )
    # Whatever was given, the error's traceback must not hold on to it.
    del order
    raise Refused("The order", (problem,)).error()


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
                return CONVERTER.structure(known, Contract)
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
