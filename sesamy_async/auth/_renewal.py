"""Request a token once, share it, and renew it before it expires."""

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
from sesamy_async._settings import USER_AGENT
from sesamy_async.errors import (
    DeadlineExceededError,
    SesamyError,
    UnreadableResponseError,
)

from ._credentials import ClientCredentials, Encoding, token_request
from ._refusals import (
    after_all,
    authentication_error,
    late,
    may_be_the_encoding,
    token_error,
)
from ._stores import MemoryTokenStore
from ._tokens import Lead, Token, TokenSlot, store_key, token_from_answer


_log = logging.getLogger("sesamy_async")

_BEARER = "Bearer "
_EARLY_PATIENCE = 10.0
_EARLY_PAUSE = 10.0
_LEADER_PAUSE = 1.0
_LONGEST_PATIENCE = 6.0  # One leader may be killed, and the next one lead.
_SHORTEST_PAUSE = 0.02
_LONGEST_PAUSE = 0.25
_LONGEST_WAIT = 3600.0  # An endless wait of a thread would overflow.


@attrs.define(eq=False, repr=False)
class _Flight:
    """A renewal that one call leads and others wait for."""

    done: Event
    # None also if the leader gave up: then another must lead.
    result: Token | SesamyError | None = None


class TokenAuth:
    """Requests tokens for client credentials; implements `Auth`.

    A valid token costs no lock and no waiting.  Otherwise one call of a
    scope (an event loop, or the process of a blocking client) requests a
    token, and the others wait for it, each until its own deadline.
    Shortly before the token expires, one call renews it while the others
    use it; if that fails, the token is used until it expires.

    If the credentials set no encoding and JSON is refused, a form is tried
    before the refusal is raised; later, the encoding that worked is first.
    """

    # There is no lock that a fork could leave locked: threads share single
    # attributes that hold frozen values, and `dict.setdefault`, which is
    # atomic and chooses the leader.

    def __init__(
        self,
        credentials: ClientCredentials,
        token_url: str,
        runtime: Runtime,
        exchange: Proceed,
        user_agent: str = USER_AGENT,
    ) -> None:
        self._credentials = credentials
        self._token_url = token_url
        self._user_agent = user_agent
        self._runtime = runtime
        self._exchange = exchange
        store = credentials.store
        self._slot = TokenSlot(
            MemoryTokenStore() if store is None else store,
            store_key(token_url, credentials),
            runtime,
        )
        only = credentials.encoding
        self._encodings: tuple[Encoding, ...] = (
            ("json", "form") if only is None else (only,)
        )
        self._token: Token | None = None
        self._refused: Secret | None = None
        self._pause_until = float("-inf")
        self._flights: dict[Hashable, _Flight] = {}

    def __repr__(self) -> str:
        return f"TokenAuth({self._credentials!r})"

    async def authorization(self, call: Call) -> str:
        """Return ``"Bearer ..."``; raise what `token` raises."""
        return (await self.token(call)).authorization

    @guarded
    async def rejected(self, authorization: str, call: Call) -> bool:
        """Drop the token if it is the current one; return True."""
        del call
        value = Secret(authorization.removeprefix(_BEARER))
        token = self._token
        # Not set to None: another thread may be setting a new one.
        if token is not None and token.value == value:
            self._refused = value
        await self._slot.discard(value)
        return True

    async def token(self, call: Call) -> Token:
        """Return a token that can be sent now.

        Args:
            call: The call that needs it; its deadline and timeout apply.

        Raises:
            AuthenticationError: The token endpoint refused it.
            ConnectionFailedError: The token endpoint can't be reached.
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
        token = self._token
        if token is None or token.value == self._refused:
            return None
        return token if self._runtime.now() < token.expires_at else None

    def _fresh(self) -> Token | None:
        """Return the token if it can be sent and is not due for renewal."""
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
        """Get a token; in every case, wake those who wait for it."""
        early = self._alive() is not None
        try:
            flight.result = await self._renew(call, early=early)
        except SesamyError as error:
            if not early:
                # The others may have later deadlines.
                if not isinstance(error, DeadlineExceededError):
                    # Copied before this call writes its own facts on it.
                    flight.result = copy.copy(error)
                raise
            # The token is still valid.  Don't try again at once.
            self._pause_until = self._runtime.now() + _EARLY_PAUSE
        finally:
            del self._flights[scope]
            flight.done.set()

    async def _renew(self, call: Call, *, early: bool) -> Token:
        # Another flight may have ended just before this one began.
        if (token := self._fresh()) is not None:
            return token
        # Another process may have stored a token.
        if (token := await self._stored()) is not None:
            return token
        if (lead := self._slot.lead()) is None:
            return (await self._requested(call, early=early))[0]
        failed = False
        try:
            token = await self._of_another(lead, call, early=early)
            if token is None:
                token, saved = await self._requested(call, early=early)
                failed = not saved
        except SesamyError as error:
            # Without time it has failed alone.
            failed = not isinstance(error, DeadlineExceededError)
            raise
        finally:
            await lead.release(failed=failed)
        return token

    async def _stored(self) -> Token | None:
        token = await self._slot.load()
        known = {self._refused, self._token and self._token.value}
        if token is None or token.value in known:
            return None
        self._token = token
        return token

    async def _of_another(
        self, lead: Lead, call: Call, *, early: bool
    ) -> Token | None:
        """Return a token that need not be requested here.

        None if this process is to request one: it leads, a leader has
        failed, or it has waited long enough.
        """
        now = self._runtime.now()
        until = now + min(_LONGEST_PATIENCE, self._left(call) / 2)
        pause = _SHORTEST_PAUSE
        while not await lead.take():
            if early and (alive := self._alive()) is not None:
                self._pause_until = self._runtime.now() + _LEADER_PAUSE
                return alive
            left = until - self._runtime.now()
            if left <= 0:
                return None
            await self._runtime.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE)
            if (token := await self._stored()) is not None:
                return token
        # It may have been stored just before this process took the lead.
        return await self._stored()

    async def _requested(
        self, call: Call, *, early: bool
    ) -> tuple[Token, bool]:
        """Request a token; return it, and whether others find it."""
        self._left(call)
        deadline = call.deadline
        if early:
            deadline = min(deadline, self._runtime.now() + _EARLY_PATIENCE)
        self._token = token = await self._request(call, deadline)
        if token.value == self._refused:
            # The server issued it again, so it must be valid.
            self._refused = None
        return token, await self._slot.save(token)

    async def _request(self, call: Call, deadline: float) -> Token:
        errors: list[tuple[Encoding, SesamyError]] = []
        with self._runtime.bound(deadline):
            for encoding in self._encodings:
                result = await self._ask(encoding, call, deadline)
                if isinstance(result, Token):
                    if errors:
                        self._prefer(encoding, errors[0][0])
                    return result
                errors.append((encoding, result))
                if not may_be_the_encoding(result):
                    break
            raise after_all(errors)
        raise late(self._token_url)

    def _prefer(self, encoding: Encoding, refused: Encoding) -> None:
        self._encodings = (encoding, refused)
        _log.info(
            'token: refused as %s, issued as %s; encoding="%s" '
            "(SESAMY_TOKEN_ENCODING) saves a request",
            *(refused, encoding, encoding),
        )

    async def _ask(
        self, encoding: Encoding, call: Call, deadline: float
    ) -> Token | SesamyError:
        """Request a token once; an error that is returned has no context."""
        credentials, url = self._credentials, self._token_url
        asked = Call(
            operation="token",
            request=token_request(
                credentials, url, encoding, user_agent=self._user_agent
            ),
            deadline=deadline,
            timeout=call.timeout,
            repeatable=True,
            max_response_size=LARGEST_ERROR,
            # Calls that wait for it may have begun something.
            completes=True,
        )
        now = self._runtime.now()
        try:
            response = await self._exchange(asked)
        except SesamyError as error:
            cut = isinstance(error, UnreadableResponseError)
            if cut and self._runtime.now() >= deadline:
                return late(url)
            return token_error(error, credentials, url)
        token = token_from_answer(response, now, self._runtime.random())
        if isinstance(token, Token):
            return token
        return authentication_error(response, credentials, url, why=token)
