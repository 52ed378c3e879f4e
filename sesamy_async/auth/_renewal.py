"""Get a token once, share it, and renew it ahead of time."""

from __future__ import annotations

import copy
import logging
from collections.abc import Hashable

import attrs

from sesamy_async._call import (
    LARGEST_ERROR,
    Call,
    Event,
    Proceed,
    Runtime,
    Secret,
    guarded,
)
from sesamy_async.errors import (
    DeadlineExceededError,
    SesamyError,
    UnreadableResponseError,
)

from ._credentials import ClientCredentials, Encoding, token_request
from ._refusals import (
    authentication_error,
    late,
    may_be_the_encoding,
    most_telling,
    token_error,
)
from ._stores import MemoryTokenStore
from ._tokens import Token, TokenSlot, store_key, token_from_answer


_log = logging.getLogger("sesamy_async")

_BEARER = "Bearer "
_EARLY_PATIENCE = 10.0
_EARLY_PAUSE = 10.0
_LONGEST_WAIT = 3600.0  # A thread can't wait for ever: it overflows.


@attrs.define(eq=False, repr=False)
class _Flight:
    """A renewal that one call makes and others wait for.

    `result` stays None if the leader gave up: then another must lead.
    """

    done: Event
    result: Token | SesamyError | None = None


@attrs.define(eq=False, repr=False)
class TokenAuth:
    """Trades client credentials for tokens; implements `Auth`.

    A valid token costs no lock and no waiting.  Otherwise one call of a
    scope (an event loop, or the process of a blocking client) gets one,
    and the others wait for it, each until its own deadline.  Shortly
    before the token ends one call gets the next, and nobody waits; if
    that fails, the token that is still valid is used.

    Where the credentials choose no encoding and one is refused, the other
    is tried before the refusal is believed; what worked is tried first
    from then on.

    There is no lock that a fork could leave locked: what threads share
    are single attributes that hold frozen values, and one
    `dict.setdefault`, which is atomic and says who leads.
    """

    _credentials: ClientCredentials
    _token_url: str
    _runtime: Runtime
    _exchange: Proceed
    _slot: TokenSlot = attrs.field(init=False)
    _token: Token | None = attrs.field(default=None, init=False)
    _refused: Secret | None = attrs.field(default=None, init=False)
    _encodings: tuple[Encoding, ...] = attrs.field(
        default=("json", "form"), init=False
    )
    _pause_until: float = attrs.field(default=float("-inf"), init=False)
    _flights: dict[Hashable, _Flight] = attrs.field(
        factory=dict[Hashable, _Flight], init=False
    )

    def __attrs_post_init__(self) -> None:
        if self._credentials.encoding is not None:
            self._encodings = (self._credentials.encoding,)
        store = self._credentials.store
        self._slot = TokenSlot(
            MemoryTokenStore() if store is None else store,
            store_key(self._token_url, self._credentials),
            self._runtime,
        )

    def __repr__(self) -> str:
        return f"TokenAuth({self._credentials!r})"

    async def authorization(self, call: Call) -> str:
        """Return ``"Bearer ..."``.

        Raises:
            SesamyError: As `token` does.
        """
        return (await self.token(call)).authorization

    @guarded
    async def rejected(self, authorization: str, call: Call) -> bool:
        """Drop the token, unless it has been replaced already.

        Returns:
            True: a new token can be got.
        """
        del call
        value = Secret(authorization.removeprefix(_BEARER))
        token = self._token
        # Marked rather than dropped: another thread may just put a new one.
        if token is not None and token.value == value:
            self._refused = value
        self._slot.discard(value)
        return True

    async def token(self, call: Call) -> Token:
        """Return a token that can be sent now.

        Args:
            call: The call that needs it, whose deadline and timeout hold.

        Raises:
            AuthenticationError: The token endpoint did not give one.
            ConnectionFailedError: It could not be reached.
            DeadlineExceededError: The deadline of the call passed.
        """
        while (token := self._fresh()) is None:
            scope = self._runtime.scope()
            mine = _Flight(self._runtime.event())
            flight = self._flights.setdefault(scope, mine)
            if flight is mine:
                await self._lead(mine, scope, call)
            elif (alive := self._alive()) is not None:
                return alive
            else:
                await flight.done.wait(min(self._left(call), _LONGEST_WAIT))
            if isinstance(flight.result, SesamyError):
                raise copy.copy(flight.result)
            if flight.result is not None:
                return flight.result
        return token

    def _alive(self) -> Token | None:
        """Return the token if it can still be sent."""
        token = self._token
        if token is None or token.value == self._refused:
            return None
        return token if self._runtime.now() < token.expires_at else None

    def _fresh(self) -> Token | None:
        """Return the token if it can be sent and needs no renewal yet."""
        token = self._alive()
        if token is None:
            return None
        due = max(token.refresh_at, self._pause_until)
        return token if self._runtime.now() < due else None

    def _left(self, call: Call) -> float:
        left = call.deadline - self._runtime.now()
        if left <= 0:
            raise late(self._token_url)
        return left

    async def _lead(
        self, flight: _Flight, scope: Hashable, call: Call
    ) -> None:
        """Get a token; whatever happens, let the others go on."""
        early = self._alive() is not None
        try:
            flight.result = await self._renew(call, early=early)
        except SesamyError as error:
            if not early:
                # A deadline is mine alone: another may have more time.
                if not isinstance(error, DeadlineExceededError):
                    # Copied now, before my call marks it as its own.
                    flight.result = copy.copy(error)
                raise
            # Use the token that is still valid; don't try again at once.
            self._pause_until = self._runtime.now() + _EARLY_PAUSE
        finally:
            del self._flights[scope]
            flight.done.set()

    async def _renew(self, call: Call, *, early: bool) -> Token:
        # Another flight may have ended just before this one began.
        if (token := self._fresh()) is not None:
            return token
        # Another process may have stored one.
        token = self._slot.load()
        known = {self._refused, self._token and self._token.value}
        if token is not None and token.value not in known:
            self._token = token
            return token
        self._left(call)
        deadline = call.deadline
        if early:
            deadline = min(deadline, self._runtime.now() + _EARLY_PATIENCE)
        token = await self._request(call, deadline)
        self._token = token
        if token.value == self._refused:
            # The server gives it again, so it must be valid.
            self._refused = None
        self._slot.save(token)
        return token

    async def _request(self, call: Call, deadline: float) -> Token:
        with self._runtime.bound(deadline):
            return await self._try_encodings(call, deadline)
        raise late(self._token_url)

    async def _try_encodings(self, call: Call, deadline: float) -> Token:
        errors: list[tuple[Encoding, SesamyError]] = []
        for encoding in self._encodings:
            asked = Call(
                operation="token",
                request=token_request(
                    self._credentials, self._token_url, encoding
                ),
                deadline=deadline,
                timeout=call.timeout,
                repeatable=True,
                max_response_size=LARGEST_ERROR,
                # Calls that wait for it may have begun something.
                completes=True,
            )
            answer = await self._answer(asked, self._runtime.now())
            if isinstance(answer, Token):
                if errors:
                    self._prefer(encoding, errors[0][0])
                return answer
            errors.append((encoding, answer))
            if not may_be_the_encoding(answer):
                break
        raise most_telling(errors)

    def _prefer(self, encoding: Encoding, refused: Encoding) -> None:
        self._encodings = (encoding, refused)
        _log.info(
            'token: refused as %s, got as %s; encoding="%s" '
            "(SESAMY_TOKEN_ENCODING) saves a request",
            refused,
            encoding,
            encoding,
        )

    async def _answer(self, call: Call, now: float) -> Token | SesamyError:
        """Ask once; an error that is not raised has no context."""
        try:
            response = await self._exchange(call)
        except SesamyError as error:
            cut = isinstance(error, UnreadableResponseError)
            if cut and self._runtime.now() >= call.deadline:
                return late(self._token_url)
            return token_error(error, self._credentials, self._token_url)
        token = token_from_answer(response, now, self._runtime.random())
        if isinstance(token, Token):
            return token
        return authentication_error(
            response, self._credentials, self._token_url, why=token
        )
