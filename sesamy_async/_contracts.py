"""The API's operations on contracts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from ._call import BeforeSend, Call, Kept, Secret, dumps
from ._checks import NotPickled, segment
from ._models import Contract, NewContract, Onboarded
from ._outcome import Outcome
from ._pipeline import Caller
from ._wire import (
    OwnContract,
    Read,
    contract_in,
    encode_order,
    prefer_confirmed,
    read_confirmable,
    read_confirmed,
    read_created,
)
from .errors import InvalidRequestError, SesamyError


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


class AsyncContracts(NotPickled):
    """Create and confirm contracts; reached as ``client.contracts``."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def create(
        self,
        promo_code: str,
        order: NewContract,
        *,
        confirm: bool = False,
        vendor_id: str | None = None,
        repeatable: bool = False,
        before_send: BeforeSend | None = None,
    ) -> Contract:
        """Make a contract of an order.

        Sent again by itself only where Sesamy surely did not process it:
        no source says that externalOrderId is a key, so a second create
        may give one customer two contracts.  Prefer `onboard`, which can
        repeat its steps.

        Args:
            promo_code: Picks the base contract: one product, one price (S).
            order: What was sold, to whom.
            confirm: Whether to give access at once; otherwise call
                `confirm` later (S).
            vendor_id: The publisher, if not the client's.
            repeatable: Whether it may be sent again though it may have
                been done, as `onboard` does; only without `confirm`, for
                each repetition may leave an unconfirmed stray.
            before_send: Awaited with the `Call` at the last moment before
                each attempt, after all waits for pace and token: a place
                to write down that it is about to be sent.  Where it
                raises, nothing is sent.  ``call.record.lost`` counts the
                earlier attempts that may have been done.

        Returns:
            The contract.

        Raises:
            InvalidRequestError: An argument can't be sent; nothing was.
            AuthenticationError: No token; the order was not sent.
            ConnectionFailedError: No connection; `NOT_SENT`.
            OutcomeUnknownError: Sent, but not answered; `UNKNOWN`.
            DeadlineExceededError: `NOT_SENT` or `UNKNOWN`.
            UnreadableResponseError: Made, but the answer can't be read;
                `APPLIED`.  Where the answer may be a gateway's page, or is
                the contract of another order, `UNKNOWN`.
            APIError: Sesamy answered with an error; `REFUSED`, or for a
                5xx, 408 and some others `UNKNOWN`.
        """
        mistake = no_order(order)
        if mistake is not None:
            del order  # No traceback may show it as a local of ours.
            raise mistake
        call = create_call(
            self._caller,
            promo_code,
            order,
            vendor_id,
            confirm=confirm,
            repeatable=repeatable,
            before_send=before_send,
        )
        return await self._contract(call)

    async def confirm(
        self,
        promo_code: str,
        contract_id: str,
        *,
        provider_payment_data: Mapping[str, str] | None = None,
        vendor_id: str | None = None,
        order: NewContract | None = None,
    ) -> Contract:
        """Give the user access to what the contract entitles to.

        It sets a state, so it can be repeated, and is sent again by itself
        after transient failures.

        Args:
            promo_code: The one the contract was made under.
            contract_id: The id from the answer to `create`.
            provider_payment_data: What the payment provider says of the
                payment, str to str; optional (S).
            vendor_id: The publisher, if not the client's.
            order: What the contract was made of, where it is at hand: then
                the text of an error repeats Sesamy's words, with what is in
                the order blotted out.  It is not sent.

        Returns:
            The contract; with nothing but its id where Sesamy's answer
            does not hold it.

        Raises:
            InvalidRequestError: An argument can't be sent; nothing was.
            SesamyError: As for `create`.
        """
        payment = payment_body(provider_payment_data)
        del provider_payment_data
        if isinstance(payment, InvalidRequestError):
            raise payment
        mistake = None if order is None else no_order(order)
        if mistake is not None:
            del order  # No traceback may show it as a local of ours.
            raise mistake
        call = confirm_call(
            self._caller,
            promo_code,
            contract_id,
            payment,
            vendor_id,
            order=None if order is None else hide_order(order),
        )
        return await self._contract(call)

    async def onboard(
        self,
        promo_code: str,
        order: NewContract,
        *,
        provider_payment_data: Mapping[str, str] | None = None,
        vendor_id: str | None = None,
    ) -> Onboarded:
        """Create a contract, then confirm it: exactly one is confirmed.

        A contract gives access only once it is confirmed (S).  So an
        unconfirmed create whose answer was lost is sent again: at worst an
        unconfirmed stray is left.  Both steps share one deadline.

        Args:
            promo_code: Picks the base contract: one product, one price (S).
            order: What was sold, to whom.
            provider_payment_data: What the payment provider says of the
                payment, str to str; optional (S).
            vendor_id: The publisher, if not the client's.

        Returns:
            The confirmed contract, and how many strays may be left.

        Raises:
            InvalidRequestError: An argument can't be sent; nothing was.
            SesamyError: As for `create`.  Where it stopped in between,
                `step` says where: after ``"create"`` nothing is confirmed
                and the order can be onboarded again; at ``"confirm"`` the
                contract is `contract_id`: go on with `confirm`.
        """
        mistake = no_order(order)
        if mistake is not None:
            del order, provider_payment_data
            raise mistake
        # Before the first step: a mistake here must not stop in between.
        payment = payment_body(provider_payment_data)
        del provider_payment_data
        if isinstance(payment, InvalidRequestError):
            raise payment
        with self._caller.keeping() as kept:
            return await self._onboard(
                promo_code, order, payment, vendor_id, kept
            )

    async def _onboard(
        self,
        promo_code: str,
        order: NewContract,
        payment: Secret,
        vendor_id: str | None,
        kept: Kept,
    ) -> Onboarded:
        deadline = self._caller.deadline()
        create = create_call(
            self._caller,
            promo_code,
            order,
            vendor_id,
            confirm=False,
            repeatable=True,
            by=deadline,
            kept=kept,
            read=read_confirmable,
        )
        try:
            contract = await self._contract(create)
        except SesamyError as error:
            _stopped(error, "create", None)
            raise
        try:
            confirm = confirm_call(
                self._caller,
                promo_code,
                contract.id,
                payment,
                vendor_id,
                by=deadline,
                kept=kept,
                external_order_id=order.external_order_id,
                order=create.order,
            )
            confirmed = await self._contract(confirm)
        except SesamyError as error:
            error.external_order_id = order.external_order_id
            error.attempts += create.record.attempts
            _stopped(error, "confirm", contract.id)
            raise
        except BaseException as error:
            error.add_note(
                f"Contract {contract.id!r} was made; go on with "
                "contracts.confirm, do not onboard the order again."
            )
            raise
        return Onboarded(
            contract=prefer_confirmed(confirmed, contract),
            strays=create.record.lost,
        )

    async def _contract(self, call: Call) -> Contract:
        return contract_in(call, await self._caller.perform(call))


def _stopped(error: SesamyError, step: str, contract_id: str | None) -> None:
    """Say where `onboard` stopped, and what that means for the order."""
    error.operation = "contracts.onboard"
    error.step = step
    error.contract_id = contract_id
    made = step == "confirm" and error.outcome is Outcome.NOT_SENT
    unread = step == "create" and error.outcome is Outcome.APPLIED
    if made or unread:
        error.outcome = Outcome.UNKNOWN
    if made:
        error.aside = f"The confirm was not sent. {error.aside}".rstrip()
