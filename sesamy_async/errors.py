"""The errors: each says what became of the order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, cast

import attrs

from ._headers import SERVER_ERROR, Headers
from ._outcome import Outcome


class SesamyError(Exception):
    """The base of all errors that end a call.

    The message says what happened, to which order, and what to do next.
    It holds no secret and no personal data; neither does a pickle of it.

    Attributes:
        outcome: What became of the order.
        transient: Whether the cause may pass by itself.
        repeatable: Whether doing the call twice is the same as doing it
            once.
        operation: Such as ``"contracts.create"``, if it was in a call.
        attempts: How many attempts were made to send the request; for an
            onboarding, of both steps.
        external_order_id: The order, if any.
        request_id: Sesamy's id of the request, if it gave one.
        contract_id: The contract, if its id is known.  If `step` is
            ``"confirm"``, the contract exists: continue with
            ``contracts.confirm``.
        step: ``"create"`` or ``"confirm"``, if ``contracts.onboard``
            stopped there.
        resumable: With a store of orders, whether the same call continues
            from here (True), or the order has to be checked first (False);
            None without one.
        aside: Why the SDK did not retry.
    """

    _private: ClassVar[frozenset[str]] = frozenset()
    _transient: ClassVar[bool] = False
    _if_nothing_done: ClassVar[str] = ""  # Better advice than the outcome's.

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
        """Whether you may make the same call again."""
        nothing_done = self.outcome.nothing_done
        if self.resumable is not None and not nothing_done:
            return self.resumable
        if self.step == "confirm":
            # To onboard again would create, and confirm, another contract.
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
        """How to continue where `onboard` stopped."""
        if self.resumable is not None and not self.outcome.nothing_done:
            if self.resumable:
                return _GO_ON
            # The contract of another call, as the message says.
            others = self.contract_id is not None and self.step is None
            return "" if others else _LOOK
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
        if self.outcome.nothing_done and self._if_nothing_done:
            return self._if_nothing_done
        harmless = self.retryable and not self.outcome.nothing_done
        outcome = self.outcome
        return outcome.advice_if_harmless if harmless else outcome.advice

    def __reduce__(self) -> tuple[Any, ...]:
        state = {
            name: value
            for name, value in self.__dict__.items()
            if name not in self._private
        }
        return type(self), self.args, state


_GO_ON = (
    "The store of orders knows how far the order has come: make the same call "
    "again to continue."
)
_LOOK = (
    "Check whether Sesamy has a contract for this order, and record what you "
    "find: sesamy orders settle --help."
)


class ConfigurationError(SesamyError, ValueError):
    """A setting is missing or invalid; the message names it.

    Attributes:
        problems: All mistakes, where several settings were checked at once;
            the message repeats them.
    """

    _if_nothing_done = "Nothing was sent."

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


class InvalidRequestError(SesamyError, ValueError):
    """The order, or another argument, is invalid; nothing was sent.

    Attributes:
        problems: All wrong fields by their paths, such as
            ``"userData.address.zip: must be text, in quotation marks"``.
    """

    _if_nothing_done = "Nothing was sent; correct it and send it again."

    def __init__(self, message: str, *, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.problems: tuple[str, ...] = tuple(problems)


class OrderMismatchError(SesamyError):
    """The store has the order id with other data, or another promo code.

    Attributes:
        told_at: When the order was first reported, in Unix seconds.
        state: What the store knows of it, such as ``"CONFIRMED"``.
    """

    _if_nothing_done = (
        "Nothing was sent. If it is another order, give it its own id."
    )

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


class AuthenticationError(SesamyError):
    """There is no token, so the order was not sent.

    Attributes:
        error: The OAuth2 error code (RFC 6749, section 5.2), if any.
        error_description: The token endpoint's description of it.
        status_code: The HTTP status of the token endpoint.
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
    """The request was sent, and no response says what became of it."""


class DeadlineExceededError(SesamyError):
    """The deadline of the call passed, or would pass during a wait."""

    _transient = True


class UnreadableResponseError(SesamyError):
    """Sesamy did it (2xx), but its response can't be read.

    Attributes:
        status_code: The HTTP status.
        content_type: That of the response, or None.
        size: Bytes that were read, or None if the body was cut off.
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
    """Sesamy responded with an error.

    Attributes:
        status_code: The HTTP status.
        code: Sesamy's code, such as ``"validation_error"``.
        message: Sesamy's message, or ``"***"`` if it repeats what you sent.
        details: Such as ``{"field": ..., "reason": ...}``, redacted likewise.
        repeated: Whether the text of this error repeats `message`: it does
            if the call knew its order.  Otherwise Sesamy may name a
            buyer whom the SDK can't redact: then `message` and `details`
            are only for your program, and are not pickled.
        retry_after: Seconds that Sesamy asks to wait, if it does.
        headers: The headers of the response; not pickled.
        body: The body of the response, as received; it may be personal, so
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
    """400 or 422: Sesamy does not accept the order; correct it."""


class UnauthorizedError(APIError):
    """401: neither the token nor a new one was accepted."""


class PermissionDeniedError(APIError):
    """403: the API client may not do this; check its scope and vendor."""


class NotFoundError(APIError):
    """404: there is no such vendor, promo code or contract."""


class ConflictError(APIError):
    """409: the contract may exist already, from an earlier attempt."""


class RateLimitError(APIError):
    """429: too many requests; a retry would have come too late."""

    _transient = True
    _if_nothing_done = "Sesamy did not process it; send it again later."


class ServerError(APIError):
    """5xx: Sesamy or a gateway failed; the outcome is unknown."""


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
    """What an exception says about an order.

    Attributes:
        external_order_id: The order.
        step: ``"create"`` or ``"confirm"``: where the call stopped.
        outcome: The outcome of that step.
        contract_id: The contract, if its id is known.
    """

    external_order_id: str
    step: str
    outcome: Outcome
    contract_id: str | None = None


class BecameNote(str):
    """The note of an exception that is not the SDK's, such as a cancellation.

    Attributes:
        became: What the note says, for programs.
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
    """Return what became of an order, for example after a cancellation.

    It reads the exception and its notes, then its causes, the contexts that
    are not suppressed, and the members of groups.

    Args:
        error: The exception.
        external_order_id: The order; not needed if the exception is about
            one order only.

    Returns:
        What is known; None if the exception says nothing about the order.

    Raises:
        ValueError: The exception is about several orders, and
            `external_order_id` is None.
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
            "The exception is about several orders: pass one of them as "
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
