"""The errors: each says what became of the order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, cast

import attrs

from ._headers import SERVER_ERROR, Headers
from ._outcome import Outcome


class SesamyError(Exception):
    """The base of all errors that a call ends in.

    The message says what happened, to which order, and what to do next.
    It holds no secret and no personal data; neither does a pickle of it.

    Attributes:
        outcome: What became of the order.
        transient: Whether the cause may pass by itself.
        repeatable: Whether doing the call twice is the same as doing it
            once.
        operation: Such as ``"contracts.create"``, if it was in a call.
        attempts: How often the request was sent or tried to be sent; for
            an onboarding, in both steps.
        external_order_id: The order it is about, if any.
        request_id: Sesamy's name for the request, if it gave one.
        contract_id: The contract it is about, if its id is known.  If
            `step` is ``"confirm"``, the contract exists: go on with
            ``contracts.confirm``.
        step: ``"create"`` or ``"confirm"`` if ``contracts.onboard``
            stopped there.
        resumable: With a store of orders, whether the same call goes on
            from here (True), or somebody has to look first (False); None
            without one.
        aside: Why the SDK did not send the request again.
    """

    _private: ClassVar[frozenset[str]] = frozenset()
    _transient: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        outcome: Outcome = Outcome.NOT_SENT,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.transient: bool = (
            self._transient if retryable is None else retryable
        )
        self.repeatable: bool = bool(retryable)
        self.operation: str | None = None
        self.attempts: int = 0
        self.external_order_id: str | None = None
        self.request_id: str | None = None
        self.contract_id: str | None = None
        self.step: str | None = None
        self.resumable: bool | None = None
        self.aside: str = ""

    @property
    def retryable(self) -> bool:
        """Whether the same call may simply be made again."""
        nothing_done = self.outcome.nothing_done
        if self.resumable is not None and not nothing_done:
            return self.resumable
        if self.step == "confirm":
            # To onboard again would make, and confirm, another contract.
            return False
        return self.transient if nothing_done else self.repeatable

    def __str__(self) -> str:
        subject = self._subject()
        said = f"{subject}: {self.args[0]}" if subject else str(self.args[0])
        onward = self._onward() or self._advice()
        parts = (said, self.aside, f"Outcome: {self.outcome}.", onward)
        return " ".join(filter(None, parts))

    def _subject(self) -> str:
        thing = ""
        if self.external_order_id is not None:
            thing = f"order {self.external_order_id!r}"
        elif self.contract_id is not None:
            thing = f"contract {self.contract_id!r}"
        return " of ".join(filter(None, (self.operation, thing)))

    def _onward(self) -> str:
        """How to go on where `onboard` stopped between its steps."""
        if self.resumable is not None and not self.outcome.nothing_done:
            if self.resumable:
                return _GO_ON
            # Such a contract is another call's, as the text says.
            alien = self.contract_id is not None and self.step is None
            return "" if alien else _LOOK
        if self.step == "confirm":
            return (
                f"Contract {self.contract_id!r} was created; continue with "
                "contracts.confirm, which can be repeated."
            )
        if (
            self.step == "create"
            and self.outcome is Outcome.UNKNOWN
            and self.repeatable
        ):
            return (
                "No contract was confirmed, so the order can be onboarded "
                "again; at worst, an unconfirmed contract is left over."
            )
        return ""

    def _advice(self) -> str:
        if self.retryable and not self.outcome.nothing_done:
            return self.outcome.advice_if_harmless
        return self.outcome.advice

    def __reduce__(self) -> tuple[Any, ...]:
        state = {
            name: value
            for name, value in self.__dict__.items()
            if name not in self._private
        }
        return type(self), self.args, state


_GO_ON = (
    "The store of orders knows how far the order got: make the same call "
    "again to continue from there."
)
_LOOK = (
    "Check whether Sesamy has a contract for this order, and record what you "
    "find: sesamy orders settle --help."
)


class ConfigurationError(SesamyError, ValueError):
    """A setting is missing or impossible; the message names it.

    Attributes:
        problems: Every mistake, where several settings were checked at
            once; the message repeats them.
    """

    def __init__(
        self,
        message: str,
        *,
        outcome: Outcome = Outcome.NOT_SENT,
        retryable: bool | None = None,
        problems: Sequence[str] = (),
    ) -> None:
        super().__init__(message, outcome=outcome, retryable=retryable)
        self.problems: tuple[str, ...] = tuple(problems)

    def _advice(self) -> str:
        if self.attempts or self.outcome is not Outcome.NOT_SENT:
            return super()._advice()
        return "Nothing was sent."


class InvalidRequestError(SesamyError, ValueError):
    """This order or id can't be sent; nothing was.

    Attributes:
        problems: Every wrong field by its path, such as
            ``"userData.address.zip: expected str, got int"``.
    """

    def __init__(self, message: str, *, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems: tuple[str, ...] = tuple(problems)

    def _advice(self) -> str:
        if self.outcome is not Outcome.NOT_SENT:  # By an earlier attempt.
            return super()._advice()
        return "Nothing was sent; correct it and send it again."


class OrderMismatchError(SesamyError):
    """The store knows this order id with other data, or another promo code.

    Attributes:
        told_at: When the order was first reported, in Unix seconds.
        state: What is known of it, such as ``"CONFIRMED"``.
    """

    def __init__(
        self,
        message: str,
        *,
        outcome: Outcome = Outcome.NOT_SENT,
        retryable: bool | None = None,
        told_at: float = 0.0,
        state: str = "",
    ) -> None:
        super().__init__(message, outcome=outcome, retryable=retryable)
        self.told_at = told_at
        self.state = state

    def _advice(self) -> str:
        if self.outcome is not Outcome.NOT_SENT:
            return super()._advice()
        return "Nothing was sent. If it is another order, give it its own id."


class AuthenticationError(SesamyError):
    """The token endpoint refused; the order itself was never sent.

    Attributes:
        error: The OAuth2 error code (RFC 6749, section 5.2), if any.
        error_description: What the token endpoint says about it.
        status_code: The HTTP status of the token endpoint's answer.
        retry_after: Seconds that the token endpoint asks to wait, if it
            does.
    """

    def __init__(
        self,
        message: str,
        *,
        outcome: Outcome = Outcome.REFUSED,
        retryable: bool | None = None,
        error: str | None = None,
        error_description: str | None = None,
        status_code: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, outcome=outcome, retryable=retryable)
        self.error = error
        self.error_description = error_description
        self.status_code = status_code
        self.retry_after = retry_after

    def _advice(self) -> str:
        if not self.outcome.nothing_done:  # By an earlier attempt.
            return super()._advice()
        return "The order was not sent." if self.external_order_id else ""


class ConnectionFailedError(SesamyError):
    """No connection, so nothing was sent."""


class OutcomeUnknownError(SesamyError):
    """The request left, and no answer says what became of it."""


class DeadlineExceededError(SesamyError):
    """The deadline of the call passed, or a wait would have passed it."""

    _transient = True


class UnreadableResponseError(SesamyError):
    """Sesamy did it (2xx), but its answer can't be read.

    Attributes:
        status_code: The HTTP status.
        content_type: As the answer names it, or None.
        size: Bytes that were read, or None where the body was cut.
    """

    def __init__(
        self,
        message: str,
        *,
        outcome: Outcome = Outcome.APPLIED,
        retryable: bool | None = None,
        status_code: int | None = None,
        content_type: str | None = None,
        size: int | None = None,
    ) -> None:
        super().__init__(message, outcome=outcome, retryable=retryable)
        self.status_code = status_code
        self.content_type = content_type
        self.size = size


class APIError(SesamyError):
    """Sesamy answered with an error.

    Attributes:
        status_code: The HTTP status.
        code: Sesamy's code, such as ``"validation_error"``.
        message: Sesamy's words; what you sent is redacted in them.
        details: Such as ``{"field": ..., "reason": ...}``, likewise.
        repeated: Whether the text of this error repeats `message`: it does
            if the call knew its order.  Otherwise Sesamy may name a
            customer whom the SDK can't redact: then `message` and
            `details` are for your program, and not pickled.
        retry_after: Seconds that Sesamy asks to wait, if it does.
        headers: The headers of the answer; not pickled.
        body: The body of the answer, as received; it may be personal, so
            it is in no message and not pickled.
    """

    _private = frozenset({"headers", "body"})

    def __init__(
        self,
        text: str,
        *,
        outcome: Outcome = Outcome.REFUSED,
        retryable: bool | None = None,
        status_code: int = 0,
        code: str | None = None,
        message: str | None = None,
        details: dict[str, Any] | None = None,
        retry_after: float | None = None,
        headers: Headers | None = None,
        body: bytes = b"",
        repeated: bool = False,
    ) -> None:
        super().__init__(text, outcome=outcome, retryable=retryable)
        self.repeated = repeated
        self.status_code = status_code
        self.code = code
        self.message = message
        self.details: dict[str, Any] = details or {}
        self.retry_after = retry_after
        self.headers: Headers = headers or Headers()
        self.body = body

    def __reduce__(self) -> tuple[Any, ...]:
        kind, arguments, state = super().__reduce__()
        if not self.repeated:
            state |= {"message": None, "details": {}}
        return kind, arguments, state


class BadRequestError(APIError):
    """400 or 422: Sesamy does not accept the order as it is."""


class UnauthorizedError(APIError):
    """401: neither the token nor a new one was accepted."""


class PermissionDeniedError(APIError):
    """403: the client may not do this; check its scope and vendor."""


class NotFoundError(APIError):
    """404: no such vendor, promo code or contract."""


class ConflictError(APIError):
    """409: it may exist already, from an earlier attempt."""


class RateLimitError(APIError):
    """429: too many requests; to wait would have taken too long."""

    _transient = True

    def _advice(self) -> str:
        if self.outcome is not Outcome.REFUSED:
            return super()._advice()
        return "Sesamy did not process it; send it again later."


class ServerError(APIError):
    """5xx: Sesamy, or a gateway before it, failed; outcome unknown."""


_BY_STATUS: dict[int, type[APIError]] = {
    400: BadRequestError,
    401: UnauthorizedError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: BadRequestError,
    429: RateLimitError,
}


def api_error_type(status_code: int) -> type[APIError]:
    """Return the class of error for an HTTP status."""
    if status_code >= SERVER_ERROR:
        return ServerError
    return _BY_STATUS.get(status_code, APIError)


@attrs.frozen
class Became:
    """What became of an order, as an exception knows it.

    Attributes:
        external_order_id: The order.
        step: ``"create"`` or ``"confirm"``: where it stopped.
        outcome: What became of that step.
        contract_id: The contract, if its id is known.
    """

    external_order_id: str
    step: str
    outcome: Outcome
    contract_id: str | None = None


class BecameNote(str):
    """The note of an exception that is not the SDK's, such as a cancellation.

    Attributes:
        became: The same, for programs.
    """

    __slots__ = ("became",)
    became: Became | None

    @classmethod
    def of(cls, error: SesamyError, text: str | None = None) -> BecameNote:
        """Return the note that says what an error would say."""
        note = cls(str(error) if text is None else text)
        note.became = _became(error)
        return note


def _became(error: SesamyError) -> Became | None:
    if error.external_order_id is None:
        return None
    confirming = error.operation == "contracts.confirm" or (
        # An onboarding that is done is so only since its confirm.
        error.operation == "contracts.onboard"
        and error.outcome is Outcome.APPLIED
    )
    step = error.step or ("confirm" if confirming else "create")
    return Became(
        error.external_order_id, step, error.outcome, error.contract_id
    )


def what_became(
    error: BaseException, *, external_order_id: str | None = None
) -> Became | None:
    """Return what became of an order, after a cancellation for example.

    It looks at the exception and its notes, then at its causes, at the
    contexts that are not suppressed, and into groups.

    Args:
        error: The exception.
        external_order_id: The order; not needed if the exception is about
            one order only.

    Returns:
        What is known; None if the exception is about no order, or only
        about others.

    Raises:
        ValueError: It is about several orders, and none is named.
    """
    found: dict[str, Became] = {}
    for each in linked(error):
        notes: list[str] = getattr(each, "__notes__", [])
        # The last note is the outermost call's, which knows most.
        known = [
            note.became for note in notes if isinstance(note, BecameNote)
        ][::-1]
        if isinstance(each, SesamyError):
            known.insert(0, _became(each))
        for became in filter(None, known):
            found.setdefault(became.external_order_id, became)
    if external_order_id is not None:
        return found.get(external_order_id)
    if len(found) > 1:
        raise ValueError(
            "The exception is about several orders: name one of them as "
            "external_order_id."
        )
    return next(iter(found.values()), None)


def linked(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, and all that it is chained to or groups."""
    seen: set[int] = set()
    rest: list[BaseException | None] = [error]
    while rest:
        each = rest.pop(0)
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        rest.append(each.__cause__)
        if not each.__suppress_context__:
            rest.append(each.__context__)
        if isinstance(each, BaseExceptionGroup):
            rest += cast("BaseExceptionGroup[BaseException]", each).exceptions
