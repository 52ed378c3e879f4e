"""The API's operations on contracts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import attrs

from ._call import BeforeSend, Call, Secret, dumps, guarded
from ._checks import NotPickled, segment
from ._creation import Goal, may_stray
from ._models import Contract, NewContract, Onboarded
from ._onboarding import (
    OPERATION,
    Onboarding,
    create_contract,
    creation_of,
    send,
)
from ._payloads import (
    Read,
    encode_order,
    read_confirmable,
    read_confirmed,
    read_created,
)
from ._pipeline import Caller, rebuild
from .errors import InvalidRequestError


_LARGEST = 2**18  # Bytes of a response; a contract has about a thousand.


def _create_call(
    caller: Caller,
    promo_code: str,
    order: NewContract,
    vendor_id: str | None,
    *,
    confirm: bool = False,
    repeatable: bool = False,
    read: Read = read_created,
    **facts: Any,
) -> Call:
    """Return the call that creates the contract of an order."""
    if repeatable and confirm:
        raise InvalidRequestError(
            "repeatable requires confirm=False: a create that also confirms "
            "must not be repeated."
        )
    for name, value in (("confirm", confirm), ("repeatable", repeatable)):
        if type(value) is not bool:
            raise InvalidRequestError(f"{name} must be True or False.")
    content = encode_order(order, strict=caller.settings.strict)
    vendor_id, promo_code, path = _path(caller, vendor_id, promo_code)
    if (recent := caller.shared.recent) is not None:
        read = recent.own(read, vendor_id)
    # S: "send the confirm query param to 1"; its example has "false".
    query = "confirm=1" if confirm else "confirm=false"
    return caller.call(
        "contracts.create",
        "POST",
        f"{path}?{query}",
        content,
        repeatable=repeatable,
        external_order_id=order.external_order_id,
        vendor_id=vendor_id,
        promo_code=promo_code,
        order=Secret(content.decode()),
        max_response_size=_LARGEST,
        read=read,
        **facts,
    )


def _confirm_call(
    caller: Caller,
    promo_code: str,
    contract_id: str,
    *,
    payment: bytes,
    vendor_id: str | None,
    **facts: Any,
) -> Call:
    """Return the call that confirms a contract."""
    vendor_id, promo_code, path = _path(caller, vendor_id, promo_code)
    return caller.call(
        "contracts.confirm",
        "POST",
        f"{path}/confirm/{segment('contract_id', contract_id)}",
        payment,
        repeatable=True,
        # Responses are compared with the value of an Enum member.
        contract_id=str.__str__(contract_id),
        vendor_id=vendor_id,
        promo_code=promo_code,
        max_response_size=_LARGEST,
        completes=True,
        read=read_confirmed,
        **facts,
    )


def _payment_body(data: object) -> bytes:
    if data is None:
        return b"{}"
    mistake = InvalidRequestError(
        "provider_payment_data must be a mapping of str to str."
    )
    if not isinstance(data, Mapping):
        raise mistake
    given = dict(cast("Mapping[object, object]", data))
    if not all(
        isinstance(each, str) for pair in given.items() for each in pair
    ):
        raise mistake
    try:
        return dumps({"providerPaymentData": given})
    except ValueError:
        raise mistake from None


def _path(
    caller: Caller, vendor_id: str | None, promo_code: str
) -> tuple[str, str, str]:
    """Return the vendor, the promo code, and the path of its contracts."""
    if vendor_id is None:
        vendor_id = caller.settings.vendor_id
    vendor = segment("vendor_id", vendor_id)
    promo = segment("promo_code", promo_code)
    path = f"/payments/vendor/{vendor}/promos/code/{promo}"
    return str.__str__(vendor_id), str.__str__(promo_code), path


class AsyncContracts(NotPickled):
    """Create and confirm contracts; reached as ``client.contracts``.

    The defaults of `vendor_id`, `timeout` and `deadline` are the client's.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    @guarded
    async def create(
        self,
        promo_code: str,
        order: NewContract,
        *,
        confirm: bool = False,
        vendor_id: str | None = None,
        repeatable: bool = False,
        allow_strays: bool | None = None,
        before_send: BeforeSend | None = None,
        timeout: float | None = None,
        deadline: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Contract:
        """Create the contract of an order.

        The SDK retries only if Sesamy certainly did not process the order:
        as far as is known, externalOrderId is no idempotency key, so a
        second create may give the buyer two contracts.  Prefer `onboard`,
        which can retry both of its calls.

        With a store of orders, a contract that the store knows is returned
        without a call; then only its id is known.

        Args:
            promo_code: Picks the base contract: one product, one price.
            order: What was sold, to whom.
            confirm: Whether to confirm it, too; otherwise call `confirm`
                later.
            vendor_id: The publisher.
            repeatable: Whether to retry even if the outcome is unknown, as
                `onboard` does; only without `confirm`, since each retry may
                leave a stray.
            allow_strays: With a store and without `confirm`: whether a
                later call may create a contract if this one is cut off.
                The default is that of `onboard`.
            before_send: Awaited with the `Call` just before each attempt,
                after all waits, to record that it is about to be sent.  If
                it raises, nothing is sent.  ``call.record.lost`` counts the
                earlier attempts whose outcome is unknown.
            timeout: Seconds for a network operation; ``math.inf``: no limit.
            deadline: Seconds for the whole call; ``math.inf``: no limit.
            headers: Sent besides the client's.

        Returns:
            The contract.

        Raises:
            InvalidRequestError: An argument is invalid; `NOT_SENT`.
            OrderMismatchError: The store has the order with other data;
                `NOT_SENT`.
            StoreUnavailable: The store can't be used; `NOT_SENT`, or
                `UNKNOWN` after the create.
            AuthenticationError: There is no token; the order was not sent.
            ConnectionFailedError: There is no connection; `NOT_SENT`.
            OutcomeUnknownError: Sent, but there is no response; `UNKNOWN`.
            DeadlineExceededError: `NOT_SENT` or `UNKNOWN`.
            UnreadableResponseError: Created, but the response can't be
                read; `APPLIED`.  `UNKNOWN` if the response may be the page
                of a gateway, or has the contract of another order.
            APIError: Sesamy responded with an error; `REFUSED`, or
                `UNKNOWN` for a 5xx, a 408 and some others.
        """
        caller = rebuild(
            self._caller, timeout=timeout, deadline=deadline, headers=headers
        )
        call = _create_call(
            caller,
            promo_code,
            order,
            vendor_id,
            confirm=confirm,
            repeatable=repeatable,
            before_send=before_send,
        )
        if repeatable and allow_strays is False:
            raise InvalidRequestError(
                "repeatable=True can't be combined with allow_strays=False."
            )
        strays = may_stray(order, allow_strays) or repeatable
        goal = Goal.AT_ONCE if confirm else Goal.CREATE
        careful = confirm or not strays
        creation = creation_of(caller, call, goal, careful=careful)
        return (await create_contract(caller, call, creation)).contract

    @guarded
    async def confirm(
        self,
        promo_code: str,
        contract_id: str,
        *,
        provider_payment_data: Mapping[str, str] | None = None,
        vendor_id: str | None = None,
        order: NewContract | None = None,
        timeout: float | None = None,
        deadline: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Contract:
        """Confirm a contract: it gives the buyer access.

        A second confirm changes nothing, so the SDK retries even if the
        outcome is unknown.

        Args:
            promo_code: That of the create.
            contract_id: That of the created contract.
            provider_payment_data: The payment provider's data about the
                payment, str to str.
            vendor_id: The publisher.
            order: The order, if you have it: then an error can contain
                Sesamy's message, unless that repeats data of the order.
            timeout: Seconds for a network operation; ``math.inf``: no limit.
            deadline: Seconds for the whole call; ``math.inf``: no limit.
            headers: Sent besides the client's.

        Returns:
            The contract; only its id if Sesamy's response has no more.

        Raises:
            InvalidRequestError: An argument is invalid; `NOT_SENT`.
            SesamyError: As for `create`.
        """
        payment = _payment_body(provider_payment_data)
        known = None if order is None else Secret(encode_order(order).decode())
        caller = rebuild(
            self._caller, timeout=timeout, deadline=deadline, headers=headers
        )
        call = _confirm_call(
            caller,
            promo_code,
            contract_id,
            payment=payment,
            vendor_id=vendor_id,
            order=known,
        )
        contract = await send(caller, call)
        if caller.shared.once is not None and call.vendor_id is not None:
            await caller.shared.once.confirmed(contract.id, call.vendor_id)
        return contract

    @guarded
    async def onboard(
        self,
        promo_code: str,
        order: NewContract,
        *,
        provider_payment_data: Mapping[str, str] | None = None,
        vendor_id: str | None = None,
        allow_strays: bool | None = None,
        on_created: Callable[[Contract], Awaitable[None] | None] | None = None,
        timeout: float | None = None,
        deadline: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Onboarded:
        """Create a contract, then confirm it: exactly one is confirmed.

        Only a confirmed contract gives access.  So if the response to a
        create is lost, the SDK creates again: at worst an unconfirmed stray
        is left.  Both calls share one deadline.

        With a store of orders (``idempotency=`` of the client) you can call
        it any number of times for an order, from any process: the result is
        the same confirmed contract.

        Args:
            promo_code: Picks the base contract: one product, one price.
            order: What was sold, to whom.
            provider_payment_data: The payment provider's data about the
                payment, str to str.
            vendor_id: The publisher.
            allow_strays: Whether to create again if the response to a
                create is lost.  Default: True, unless Sesamy may send an
                invoice for each contract (payment method INVOICE or payment
                provider BILLOGRAM).
            on_created: Called (and awaited if it is async) with the
                contract before it is confirmed, perhaps repeatedly, for
                programs that store its id themselves.
            timeout: Seconds for a network operation; ``math.inf``: no limit.
            deadline: Seconds for the whole call; ``math.inf``: no limit.
            headers: Sent besides the client's.

        Returns:
            The confirmed contract, and how many strays may be left over.

        Raises:
            InvalidRequestError: An argument is invalid; `NOT_SENT`.
            OrderMismatchError: The store has the order with other data;
                `NOT_SENT`.
            StoreUnavailable: The store can't be used; `NOT_SENT`, or
                `UNKNOWN` after the create.
            SesamyError: As for `create`.  Its `step` says where it
                stopped.  With a store, `retryable` says whether to onboard
                again.  Without one: at ``"create"``, nothing is confirmed
                and the order can be onboarded again; at ``"confirm"``, the
                contract is `contract_id`: continue with `confirm`.
        """
        careful = not may_stray(order, allow_strays)
        caller = rebuild(
            self._caller, timeout=timeout, deadline=deadline, headers=headers
        )
        create = _create_call(
            caller,
            promo_code,
            order,
            vendor_id,
            repeatable=not careful,
            read=read_confirmable,
            parent=OPERATION,
        )
        # Before the create: a mistake in it must not stop in between.
        payment = _payment_body(provider_payment_data)
        if on_created is not None and not callable(on_created):
            raise InvalidRequestError("on_created must be a function.")

        def confirm(create: Call, contract_id: str) -> Call:
            call = _confirm_call(
                caller,
                promo_code,
                contract_id,
                payment=payment,
                vendor_id=vendor_id,
                deadline=create.deadline,
                kept=create.kept,
                external_order_id=create.external_order_id,
                order=create.order,
                parent=OPERATION,
            )
            # A middleware may have added headers to the whole.
            request = attrs.evolve(
                call.request, headers=create.request.headers
            )
            return attrs.evolve(call, request=request, timeout=create.timeout)

        onboarding = Onboarding(
            caller=caller,
            create=create,
            confirm=confirm,
            careful=careful,
            on_created=on_created,
        )
        return await onboarding.run()
