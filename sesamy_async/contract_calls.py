"""Make the calls that create and confirm contracts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from .caller import Caller
from .contract_answers import (
    OwnContract,
    Read,
    read_confirmed,
    read_created,
)
from .core.call import BeforeSend, Call
from .core.codec import dumps
from .core.place import Kept
from .core.secret import Secret
from .errors import InvalidRequestError
from .models import NewContract
from .paths import segment
from .wire import encode_order


_LARGEST = 2**18
"""Bytes that an answer may have; a contract has about a thousand."""


def create_call(
    caller: Caller,
    promo_code: str,
    order: NewContract,
    vendor_id: str | None,
    *,
    confirm: bool,
    repeatable: bool = False,
    by: float | None = None,
    kept: Kept | None = None,
    read: Read = read_created,
    before_send: BeforeSend | None = None,
) -> Call:
    """Return the call that makes a contract of an order.

    Args:
        caller: Makes calls with the settings of a client.
        promo_code: Picks the base contract.
        order: What was sold, to whom.
        vendor_id: The publisher; None for the client's.
        confirm: Whether to give access at once.
        repeatable: Whether it may be sent again when in doubt.
        by: When it must have ended; None for as the settings say.
        kept: What is kept for its confirm, if there will be one.
        read: Reads a success.
        before_send: Awaited before each attempt.

    Raises:
        InvalidRequestError: One of them can't be sent.
    """
    if repeatable and confirm:
        raise InvalidRequestError(
            "repeatable goes with confirm=False only: a create that "
            "confirms must not be repeated."
        )
    if type(confirm) is not bool:
        raise InvalidRequestError("confirm must be True or False.")
    if type(repeatable) is not bool:
        raise InvalidRequestError("repeatable must be True or False.")
    vendor_id = _vendor(caller, vendor_id)
    path = _path(vendor_id, promo_code)
    hidden = hide_order(order)
    if (recent := caller.shared.recent) is not None:
        read = OwnContract(read, recent, str.__str__(vendor_id))
    # S: "send the confirm query param to 1"; its example has "false".
    query = "confirm=1" if confirm else "confirm=false"
    return caller.call(
        "contracts.create",
        "POST",
        f"{path}?{query}",
        hidden.reveal().encode(),
        repeatable=repeatable,
        deadline=by,
        external_order_id=order.external_order_id,
        order=hidden,
        max_response_size=_LARGEST,
        kept=kept,
        read=read,
        before_send=before_send,
    )


def confirm_call(
    caller: Caller,
    promo_code: str,
    contract_id: str,
    payment: Secret,
    vendor_id: str | None,
    *,
    by: float | None = None,
    kept: Kept | None = None,
    external_order_id: str | None = None,
    order: Secret | None = None,
) -> Call:
    """Return the call that confirms a contract.

    Args:
        caller: Makes calls with the settings of a client.
        promo_code: The one the contract was made under.
        contract_id: The contract.
        payment: What `payment_body` returns.
        vendor_id: The publisher; None for the client's.
        by: When it must have ended; None for as the settings say.
        kept: What its create kept for it.
        external_order_id: The order it was made of, if known.
        order: The JSON of that order, if known.

    Raises:
        InvalidRequestError: One of them can't be sent.
    """
    path = _path(_vendor(caller, vendor_id), promo_code)
    return caller.call(
        "contracts.confirm",
        "POST",
        f"{path}/confirm/{segment('contract_id', contract_id)}",
        payment.reveal().encode(),
        repeatable=True,
        deadline=by,
        external_order_id=external_order_id,
        # Plain, where it is a member of an Enum: an answer is told by it.
        contract_id=str.__str__(contract_id),
        order=order,
        max_response_size=_LARGEST,
        completes=True,
        kept=kept,
        read=read_confirmed,
    )


def hide_order(order: NewContract) -> Secret:
    """Return the JSON of an order, hidden.

    Raises:
        InvalidRequestError: Its mappings were changed since it was checked.
    """
    return Secret(encode_order(order).decode())


def payment_body(data: object) -> Secret | InvalidRequestError:
    """Return the body of a confirm, hidden.

    Returns what is wrong, rather than raises it: no traceback may show the
    data, which may be personal, as a local of ours.
    """
    if data is None:
        return Secret("{}")
    mistake = InvalidRequestError(
        "provider_payment_data must be a mapping of str to str."
    )
    if not isinstance(data, Mapping):
        return mistake
    given = dict(cast("Mapping[object, object]", data))
    if not all(
        isinstance(each, str) for pair in given.items() for each in pair
    ):
        return mistake
    try:
        return Secret(dumps({"providerPaymentData": given}).decode())
    except ValueError:
        return mistake


def no_order(order: object) -> InvalidRequestError | None:
    """Return what is wrong with an order that is none; None if it is one."""
    if isinstance(order, NewContract):
        return None
    return InvalidRequestError(
        f"order must be a NewContract, got {type(order).__name__}; "
        "NewContract.from_dict reads the documented JSON."
    )


def _vendor(caller: Caller, vendor_id: str | None) -> str:
    return caller.settings.vendor_id if vendor_id is None else vendor_id


def _path(vendor_id: str, promo_code: str) -> str:
    vendor = segment("vendor_id", vendor_id)
    promo = segment("promo_code", promo_code)
    return f"/payments/vendor/{vendor}/promos/code/{promo}"
