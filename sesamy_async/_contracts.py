"""The API's operations on contracts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import attrs

from ._call import BeforeSend, Call, Secret, dumps, guarded
from ._checks import NotPickled, segment
from ._models import Contract, NewContract, Onboarded
from ._onboarding import OPERATION, Onboarding, send, tell, telling_of
from ._pipeline import Caller, rebuild
from ._telling import Goal, may_stray
from ._wire import (
    Read,
    encode_order,
    read_confirmable,
    read_confirmed,
    read_created,
)
from .errors import InvalidRequestError


_LARGEST = 2**18  # Bytes of an answer; a contract has about a thousand.


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
    """Return the call that makes a contract of an order."""
    if repeatable and confirm:
        raise InvalidRequestError(
            "repeatable requires confirm=False: a create that confirms must "
            "not be repeated."
        )
    if type(confirm) is not bool:
        raise InvalidRequestError("confirm must be True or False.")
    if type(repeatable) is not bool:
        raise InvalidRequestError("repeatable must be True or False.")
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
        # Answers are compared with the value of an Enum member.
        contract_id=str.__str__(contract_id),
        vendor_id=vendor_id,
        promo_code=promo_code,
        max_response_size=_LARGEST,
        completes=True,
        read=read_confirmed,
        **facts,
    )


def _payment_body(data: object) -> bytes:
    """Return the body of a confirm."""
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
    """Return the publisher, the offer, and the path of its contracts."""
    if vendor_id is None:
        vendor_id = caller.settings.vendor_id
    vendor = segment("vendor_id", vendor_id)
    promo = segment("promo_code", promo_code)
    path = f"/payments/vendor/{vendor}/promos/code/{promo}"
    return str.__str__(vendor_id), str.__str__(promo_code), path


class AsyncContracts(NotPickled):
    """Create and confirm contracts; reached as ``client.contracts``."""

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
        """Make a contract of an order, and return it.

        The SDK only sends it again if Sesamy surely did not process it: no
        source says that externalOrderId is a key, so a second create may
        give one customer two contracts.  Prefer `onboard`, which can repeat
        its steps.

        With a store of orders, a contract that the store knows is returned
        without a call; then only its id is known.

        Args:
            promo_code: Picks the base contract: one product, one price.
            order: What was sold, to whom.
            confirm: Whether to give access at once; otherwise call
                `confirm` later.
            vendor_id: The publisher, if not the client's.
            repeatable: Whether it may be sent again even if it may have
                been done, as `onboard` does; only without `confirm`, since
                each repetition may leave an unconfirmed stray.
            allow_strays: With a store and without `confirm`: whether a
                later call may create a contract if this one is cut off.
                The default is that of `onboard`.
            before_send: Awaited with the `Call` just before each attempt,
                after all waits, to record that it is about to be sent.  If
                it raises, nothing is sent.  ``call.record.lost`` counts the
                earlier attempts that may have been done.
            timeout: Seconds for one network operation, if not the client's;
                ``math.inf`` for no limit.
            deadline: Seconds for the whole call, if not the client's;
                ``math.inf`` for no limit.
            headers: Sent besides the client's.

        Raises:
            InvalidRequestError: An argument can't be sent; nothing was.
            OrderMismatchError: The store knows the order with other data;
                `NOT_SENT`.
            StoreUnavailable: The store can't be reached; `NOT_SENT`, or
                `UNKNOWN` if that was after the create.
            AuthenticationError: No token; the order was not sent.
            ConnectionFailedError: No connection; `NOT_SENT`.
            OutcomeUnknownError: Sent, but not answered; `UNKNOWN`.
            DeadlineExceededError: `NOT_SENT` or `UNKNOWN`.
            UnreadableResponseError: Made, but the answer can't be read;
                `APPLIED`.  If the answer may be a gateway's page, or is the
                contract of another order, `UNKNOWN`.
            APIError: Sesamy answered with an error; `REFUSED`, or for a
                5xx, 408 and some others `UNKNOWN`.
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
        telling = telling_of(caller, call, goal, careful=careful)
        return (await tell(caller, call, telling)).contract

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
        """Give the user access to what the contract entitles to.

        It sets a state, so it can be repeated, and the SDK sends it again
        after transient failures.

        Args:
            promo_code: The one the contract was made under.
            contract_id: The id from the answer to `create`.
            provider_payment_data: What the payment provider says about
                the payment, str to str; optional.
            vendor_id: The publisher, if not the client's.
            order: The order of the contract, if known: an error text then
                repeats Sesamy's words, without what is in the order.  It is
                not sent.
            timeout: Seconds for one network operation, if not the client's;
                ``math.inf`` for no limit.
            deadline: Seconds for the whole call, if not the client's;
                ``math.inf`` for no limit.
            headers: Sent besides the client's.

        Returns:
            The contract; only its id where Sesamy's answer lacks it.

        Raises:
            InvalidRequestError: An argument can't be sent; nothing was.
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
            await caller.shared.once.confirmed(call.vendor_id, contract.id)
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

        A contract gives access only once it is confirmed.  So a create
        whose answer was lost is sent again: at worst an unconfirmed stray
        is left.  Both steps share one deadline.

        With a store of orders (``idempotency=`` of the client) it can be
        called any number of times for an order, from any process: it ends
        in the same confirmed contract.

        Args:
            promo_code: Picks the base contract: one product, one price.
            order: What was sold, to whom.
            provider_payment_data: What the payment provider says about
                the payment, str to str; optional.
            vendor_id: The publisher, if not the client's.
            allow_strays: Whether a create whose answer was lost is sent
                again.  By default it is, unless Sesamy may make an invoice
                of each contract: for the payment method INVOICE or the
                payment provider BILLOGRAM.
            on_created: Called, and awaited if it is async, with the contract
                before it is confirmed, perhaps repeatedly: for those who
                keep its id themselves.
            timeout: Seconds for one network operation, if not the client's;
                ``math.inf`` for no limit.
            deadline: Seconds for the whole call, if not the client's;
                ``math.inf`` for no limit.
            headers: Sent besides the client's.

        Returns:
            The confirmed contract, and how many strays may be left.

        Raises:
            InvalidRequestError: An argument can't be sent; nothing was.
            OrderMismatchError: The store knows the order with other data;
                `NOT_SENT`.
            StoreUnavailable: The store can't be reached; `NOT_SENT`, or
                `UNKNOWN` if that was after the create.
            SesamyError: As for `create`.  Its `step` says where it
                stopped.  With a store, `retryable` says whether to onboard
                it again.  Without one: at ``"create"``, nothing is
                confirmed and the order can be onboarded again; at
                ``"confirm"``, the contract is `contract_id`: go on with
                `confirm`.
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
            # A middleware may have added to those of the whole.
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
