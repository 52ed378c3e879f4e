"""The API's operations on contracts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from inspect import isawaitable
from typing import Any, TypeAlias, cast

from ._call import BeforeSend, Call, Secret, dumps, guarded
from ._checks import NotPickled, segment
from ._models import Contract, NewContract, Onboarded
from ._outcome import Outcome
from ._pipeline import Caller, describe
from ._telling import Goal, Telling, Told, may_stray
from ._wire import (
    Read,
    encode_order,
    prefer_confirmed,
    read_confirmable,
    read_confirmed,
    read_created,
)
from .errors import (
    BecameNote,
    ConfigurationError,
    InvalidRequestError,
    SesamyError,
    UnreadableResponseError,
)


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
            "repeatable goes with confirm=False only: a create that "
            "confirms must not be repeated."
        )
    if type(confirm) is not bool:
        raise InvalidRequestError("confirm must be True or False.")
    if type(repeatable) is not bool:
        raise InvalidRequestError("repeatable must be True or False.")
    content = encode_order(order)
    vendor_id, path = _path(caller, vendor_id, promo_code)
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
    _, path = _path(caller, vendor_id, promo_code)
    return caller.call(
        "contracts.confirm",
        "POST",
        f"{path}/confirm/{segment('contract_id', contract_id)}",
        payment,
        repeatable=True,
        # Answers are compared with the value of an Enum member.
        contract_id=str.__str__(contract_id),
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
) -> tuple[str, str]:
    """Return the publisher, and the path of its contracts."""
    if vendor_id is None:
        vendor_id = caller.settings.vendor_id
    vendor = segment("vendor_id", vendor_id)
    promo = segment("promo_code", promo_code)
    path = f"/payments/vendor/{vendor}/promos/code/{promo}"
    return str.__str__(vendor_id), path


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
        call = _create_call(
            self._caller,
            promo_code,
            order,
            vendor_id,
            confirm=confirm,
            repeatable=repeatable,
            before_send=before_send,
        )
        if repeatable and allow_strays is False:
            raise InvalidRequestError(
                "repeatable=True does not go with allow_strays=False."
            )
        strays = may_stray(order, allow_strays) or repeatable
        telling = await self._telling(
            call,
            Goal.AT_ONCE if confirm else Goal.CREATE,
            vendor_id,
            promo_code,
            careful=confirm or not strays,
        )
        return (await self._tell(call, telling)).contract

    @guarded
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

        It sets a state, so it can be repeated, and the SDK sends it again
        after transient failures.

        Args:
            promo_code: The one the contract was made under.
            contract_id: The id from the answer to `create`.
            provider_payment_data: What the payment provider says about
                the payment, str to str; optional.
            vendor_id: The publisher, if not the client's.
            order: The order of the contract, if known: an error text then
                repeats Sesamy's words with the order's blotted out.  It is
                not sent.

        Returns:
            The contract; only its id where Sesamy's answer lacks it.

        Raises:
            InvalidRequestError: An argument can't be sent; nothing was.
            SesamyError: As for `create`.
        """
        payment = _payment_body(provider_payment_data)
        known = None if order is None else Secret(encode_order(order).decode())
        call = _confirm_call(
            self._caller,
            promo_code,
            contract_id,
            payment=payment,
            vendor_id=vendor_id,
            order=known,
        )
        contract = await self._contract(call)
        once = self._caller.shared.once
        if once is not None:
            vendor, _ = _path(self._caller, vendor_id, promo_code)
            await once.confirmed(vendor, contract.id)
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
        with self._caller.keeping() as kept:
            create = _create_call(
                self._caller,
                promo_code,
                order,
                vendor_id,
                repeatable=not careful,
                read=read_confirmable,
                deadline=self._caller.deadline(),
                kept=kept,
            )
            # Before the create: a mistake in it must not stop in between.
            payment = _payment_body(provider_payment_data)
            if on_created is not None and not callable(on_created):
                raise InvalidRequestError("on_created must be a function.")
            confirm = partial(
                _confirm_call,
                self._caller,
                promo_code,
                payment=payment,
                vendor_id=vendor_id,
                deadline=create.deadline,
                kept=kept,
                external_order_id=create.external_order_id,
                order=create.order,
            )
            begin = self._telling(
                create, Goal.ONBOARD, vendor_id, promo_code, careful=careful
            )
            return await self._onboard(create, begin, confirm, on_created)

    async def _onboard(
        self,
        create: Call,
        begin: Awaitable[Telling | None],
        confirm: Callable[[str], Call],
        on_created: OnCreated | None,
    ) -> Onboarded:
        telling = None
        try:
            telling = await begin
            told = await self._tell(create, telling)
        except SesamyError as error:
            _stopped(error, "create", None)
            raise
        if told.confirmed:
            return Onboarded(
                contract=told.contract,
                strays=told.strays,
                repeated=told.repeated,
            )
        # A client that is closed meanwhile still sends the confirm.
        self._caller.shared.exchange.begun.add(create.kept)
        try:
            await _call_back(on_created, told.contract)
            confirmed = await self._confirmed(confirm, telling, told)
        except SesamyError as error:
            error.external_order_id = create.external_order_id
            error.attempts += told.attempts
            if telling is not None and error.resumable is None:
                error.resumable = True
            _stopped(error, "confirm", told.contract.id)
            raise
        except BaseException as error:
            error.add_note(_between(create, told.contract.id, telling))
            raise
        return Onboarded(
            contract=prefer_confirmed(confirmed, told.contract),
            strays=told.strays,
            repeated=told.repeated,
        )

    async def _confirmed(
        self,
        confirm: Callable[[str], Call],
        telling: Telling | None,
        told: Told,
    ) -> Contract:
        """Confirm a contract, and note it in the store."""
        contract = told.contract
        try:
            confirmed = await self._contract(confirm(contract.id))
        except SesamyError as error:
            if telling is None or not await telling.confirmed_after(error):
                raise
            if error.outcome is Outcome.REFUSED:
                return contract
            await telling.confirmed(contract.id)
            # What a middleware of the caller's raised is not lost.
            if not isinstance(error, UnreadableResponseError):
                raise
            return contract
        if telling is not None:
            await telling.confirmed(contract.id)
        return confirmed

    async def _telling(
        self,
        create: Call,
        goal: Goal,
        vendor_id: str | None,
        promo_code: str,
        *,
        careful: bool,
    ) -> Telling | None:
        """Return how the order is told over a store; None without one."""
        once = self._caller.shared.once
        if once is None:
            return None
        # A closed client does not answer from its store, either.
        self._caller.shared.exchange.check_open()
        vendor_id, _ = _path(self._caller, vendor_id, promo_code)
        return await Telling.begin(
            once,
            create,
            goal,
            vendor_id=vendor_id,
            promo_code=promo_code,
            careful=careful,
        )

    async def _tell(self, create: Call, telling: Telling | None) -> Told:
        if telling is not None:
            return await telling.tell(self._contract)
        contract = await self._contract(create)
        record = create.record
        return Told(contract, record.lost, record.attempts)

    async def _contract(self, call: Call) -> Contract:
        """Send a call, and return the contract that was read."""
        contract = (await self._caller.perform(call)).parsed
        if isinstance(contract, Contract):
            return contract
        kind = type(contract).__name__
        words = f"A middleware replaced the contract by {kind}."
        error = ConfigurationError(words, outcome=Outcome.APPLIED)
        raise describe(call, error)


OnCreated: TypeAlias = Callable[[Contract], Awaitable[None] | None]


async def _call_back(on_created: OnCreated | None, contract: Contract) -> None:
    """Hand the contract to a function of the caller's."""
    if on_created is None:
        return
    try:
        waiting = on_created(contract)
        if isawaitable(waiting):
            await waiting
    except Exception as error:
        words = f"{type(error).__name__} was raised by on_created."
        raise SesamyError(words) from error


def _between(
    create: Call, contract_id: str, telling: Telling | None
) -> BecameNote:
    """Return the note of an interruption after the create."""
    onward = (
        "go on with contracts.confirm, do not onboard the order again."
        if telling is None
        else "onboard the order again, which confirms it."
    )
    error = SesamyError("Interrupted.", outcome=Outcome.UNKNOWN)
    error.external_order_id = create.external_order_id
    error.contract_id = contract_id
    error.step = "confirm"
    text = f"Contract {contract_id!r} was made; {onward}"
    return BecameNote.of(error, text)


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
