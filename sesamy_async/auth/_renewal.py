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
_LONGEST_WAIT = 3600.0


@attrs.define(eq=False, repr=False)
class _Flight:
    """One renewal that is under way.

    `landed` stays None if whoever flew it gave up: then another must.
    """

    event: Event
    landed: Token | SesamyError | None = None


@attrs.define(eq=False, repr=False)
class TokenAuth:
    """Trades client credentials for tokens; implements `Auth`.

    A valid token costs no lock and no await.  Otherwise one caller of a
    scope (an event loop, or the process of a blocking client) gets one,
    and all others wait for it, each until its own deadline.  Shortly
    before the token ends one caller gets the next, and nobody waits; if
    that fails, the token that still lives is used.

    Where the credentials choose no encoding and one is refused, the other
    is tried before the refusal is believed; what worked is tried first
    from then on.

    There is no lock that a fork could leave locked: what threads share
    are single attributes that hold frozen values, and one
    `dict.setdefault`, which is atomic and says who flies.
    """

    _credentials: ClientCredentials
    _token_url: str
    _runtime: Runtime
    _exchange: Proceed
    _kept: TokenSlot = attrs.field(init=False)
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
        self._kept = TokenSlot(
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
        token = self._fresh() or await self.token(call)
        return token.authorization

    async def rejected(self, authorization: str, call: Call) -> bool:
        """Drop the token, unless it has been replaced already.

        Returns:
            True: a new token can be got.
        """
        del call
        value = Secret(authorization.removeprefix(_BEARER))
        # A traceback may show the locals of this frame.
        del authorization
        token = self._token
        # Marked rather than dropped: another thread may just put a new one.
        if token is not None and token.value == value:
            self._refused = value
        self._kept.discard(value)
        return True

    async def token(self, call: Call) -> Token:
        """Return a token that can be sent now.

        Args:
            call: For whom; its deadline and timeout hold for the wait.

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
                await self._fly(mine, scope, call)
            elif (alive := self._alive()) is not None:
                return alive
            else:
                await self._follow(flight, call)
            if isinstance(flight.landed, SesamyError):
                raise copy.copy(flight.landed)
            if flight.landed is not None:
                return flight.landed
        return token

    def _alive(self) -> Token | None:
        """Return the token if it can still be sent."""
        token = self._token
        if token is None or token.value == self._refused:
            return None
        return token if token.alive(self._runtime.now()) else None

    def _fresh(self) -> Token | None:
        """Return the token if it can be sent and needs no renewal yet."""
        token = self._alive()
        if token is None:
            return None
        now = self._runtime.now()
        due = token.due(now) and now >= self._pause_until
        return None if due else token

    def _left(self, call: Call) -> float:
        left = call.deadline - self._runtime.now()
        if left <= 0:
            raise late(self._token_url)
        return left

    async def _follow(self, flight: _Flight, call: Call) -> None:
        """Wait until another has landed, but not past the deadline."""
        # Capped, for a thread can't wait for ever: it overflows.
        await flight.event.wait(min(self._left(call), _LONGEST_WAIT))

    async def _fly(self, flight: _Flight, scope: Hashable, call: Call) -> None:
        """Get a token; whatever happens, let the others go on."""
        early = self._alive() is not None
        try:
            flight.landed = await self._renew(call, early=early)
        except SesamyError as error:
            if early:
                # Use the token that still lives; don't try again at once.
                self._pause_until = self._runtime.now() + _EARLY_PAUSE
            else:
                # A deadline is mine alone: another may have more time.
                if not isinstance(error, DeadlineExceededError):
                    # Copied now, before my call marks it as its own.
                    flight.landed = copy.copy(error)
                raise
        finally:
            del self._flights[scope]
            flight.event.set()

    async def _renew(self, call: Call, *, early: bool) -> Token:
        # Another may have landed between the look and the take-off.
        if (token := self._fresh()) is not None:
            return token
        if (token := self._loaded()) is not None:
            self._token = token
            return token
        token = await self._request(call, early=early)
        self._token = token
        if token.value == self._refused:
            # The server stands by it.
            self._refused = None
        self._kept.save(token)
        return token

    def _loaded(self) -> Token | None:
        """Return what another process may have got in the meantime."""
        token = self._kept.load()
        known = {self._refused, self._token and self._token.value}
        return None if token is None or token.value in known else token

    async def _request(self, call: Call, *, early: bool) -> Token:
        self._left(call)
        deadline = call.deadline
        if early:
            deadline = min(deadline, self._runtime.now() + _EARLY_PATIENCE)
        answer: Token | SesamyError = late(self._token_url)
        with self._runtime.bound(deadline):
            answer = await self._ask(call, deadline)
        if isinstance(answer, SesamyError):
            raise answer
        return answer

    async def _ask(self, call: Call, deadline: float) -> Token | SesamyError:
        """Ask in one encoding, and in the other where that is refused."""
        errors: list[tuple[Encoding, SesamyError]] = []
        encodings = self._encodings
        for encoding in encodings:
            now = self._runtime.now()
            request = Call(
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
            answer = await self._answer(request, now)
            if isinstance(answer, Token):
                if errors:
                    self._remember(encoding, encodings)
                return answer
            errors.append((encoding, answer))
            if not may_be_the_encoding(answer):
                break
        return most_telling(errors)

    def _remember(
        self, encoding: Encoding, encodings: tuple[Encoding, ...]
    ) -> None:
        others = tuple(each for each in encodings if each != encoding)
        self._encodings = (encoding, *others)
        _log.info(
            'token: refused as %s, got as %s; encoding="%s" '
            "(SESAMY_TOKEN_ENCODING) saves a request",
            others[0],
            encoding,
            encoding,
        )

    async def _answer(self, call: Call, now: float) -> Token | SesamyError:
        """Return an error rather than raise it: then it has no context."""
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
