"""Orders to bytes, and answers to contracts: what the client calls."""

from __future__ import annotations

from typing import Any, cast

from .core.codec import dumps
from .models.check import Refused
from .models.contract import Contract
from .models.convert import CONVERTER
from .models.order import NewContract
from .models.texts import is_object


_ID_NAMES = ("id", "contractId", "_id")
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


def _id_in(found: dict[str, Any]) -> str | None:
    ids = (_id_from(found.get(name)) for name in _ID_NAMES)
    return next(filter(None, ids), None)


def _id_from(value: Any) -> str | None:
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return str(value) if value.bit_length() <= _MOST_BITS else None
