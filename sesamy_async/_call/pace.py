"""Who says when a call may be sent, and how it waits for that."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Protocol, TypeVar, cast, runtime_checkable

import attrs

from sesamy_async._headers import Headers, rate_numbers
from sesamy_async._outcome import Outcome
from sesamy_async.errors import (
    APIError,
    ConfigurationError,
    DeadlineExceededError,
    RateLimitError,
    SesamyError,
)

from .bucket import MemoryPacer, PlaceEnd, Turn
from .call import Call, Latency, Place, Priority, Proceed, Response
from .runtime import Runtime


_T = TypeVar("_T")
_log = logging.getLogger("sesamy_async")

_PATIENCE = 2.0  # Seconds for one thing that is asked of a pacer.
_AWAY = 5.0  # Seconds for which a call waits for a pacer that is away.
_PAUSE = 0.25
_LEAST = 0.05
_SOON = 1.0
_GRACE = 0.5  # Seconds that it may need to notice that it is late.
_LONG = 1.0  # Seconds of a wait of which people should know.


class PacerUnavailable(SesamyError):  # noqa: N818 - as `StoreUnavailable`
    """The pacer can't be used now, so a call was not sent.

    The message contains no password.
    """

    _transient = True


@runtime_checkable
class Pacer(Protocol):
    """Says when requests may be sent; clients and processes may share it.

    Its methods are synchronous: the async client calls them in threads of
    its own.  After `within` seconds a method must give up with a
    `PacerUnavailable`; the pacer may have done it nevertheless.
    """

    @property
    def rate(self) -> float:
        """Requests per second, as far as is known without asking."""
        ...

    @property
    def free(self) -> float:
        """How many may be sent at once, as far as is known."""
        ...

    def reserve(
        self, place: Place, *, longest: float, within: float
    ) -> Turn | None:
        """Take a place, or look again whether its turn has come.

        A place must be asked for until its turn has come, and when it is
        due: a place that nobody asks for is given to others.

        Args:
            place: The place; the same each time.
            longest: Seconds that it may wait; of two places, also the second.
            within: Seconds.

        Returns:
            When to ask again; None if that would be too late.  Then the
            place is not taken, and `place.kept` is still kept.
        """
        ...

    def end(self, place: Place, end: PlaceEnd, *, within: float) -> None:
        """Note what became of a place.  Its second one stays kept."""
        ...

    def give_back(self, place: Place, *, within: float) -> None:
        """Give back the second place, if it is still kept."""
        ...


@attrs.define(eq=False, repr=False)
class _Asking:
    """A place that a pacer is asked for, by threads that may be late.

    If the call gives up, the pacer is told after it was asked, and is not
    asked any more: otherwise the place would wait for nobody.
    """

    _pacer: Pacer
    place: Place
    _lock: Lock = attrs.field(factory=Lock, init=False)
    _over: bool = attrs.field(default=False, init=False)

    def reserve(self, *, longest: float, within: float) -> Turn | None:
        with self._lock:
            if self._over:
                return None
            return self._pacer.reserve(
                self.place, longest=longest, within=within
            )

    def give_up(self) -> None:
        place, end = self.place, PlaceEnd(sent=False)
        with self._lock:
            self._over = True
            try:
                self._pacer.end(place, end, within=_PATIENCE)
            finally:
                # Its turn may have come nevertheless.
                if place.size > 1:
                    self._pacer.give_back(place, within=_PATIENCE)


@attrs.frozen(eq=False, repr=False)
class Pace:
    """Waits for the turn of a call, and tells the pacer how it ended."""

    pacer: Pacer
    runtime: Runtime
    latency: Latency

    async def __call__(self, call: Call, proceed: Proceed) -> Response:
        place = await self._turn(call)
        try:
            response = await proceed(call)
        except BaseException as error:
            self._end(place, _end_after(error, call, self.pacer))
            raise
        self._end(place, _end_with(response.headers))
        return response

    def _end(self, place: Place, end: PlaceEnd) -> None:
        end_it = partial(self.pacer.end, place, end, within=_PATIENCE)
        _tell(self.pacer, end_it, self.runtime)

    async def _turn(self, call: Call) -> Place:
        call.record.began = None  # That was another attempt.
        begun, waited = self.runtime.now(), 0.0
        asking = _Asking(self.pacer, _place(call))
        try:
            turn = await self._ask(asking, call, begun)
            while turn is not None and turn.wait > 0:
                await self.runtime.sleep(turn.wait)
                waited += turn.wait
                turn = await self._ask(asking, call, begun)
        except BaseException:
            _tell(self.pacer, asking.give_up, self.runtime)
            raise
        if turn is None:
            raise DeadlineExceededError(
                "Waiting for the rate limit would exceed the deadline."
            )
        if waited:
            _log_wait(call, waited)
        place = asking.place
        if place.size > 1 and call.kept is not None:
            call.kept.place = place
        return place

    async def _ask(
        self, asking: _Asking, call: Call, begun: float
    ) -> Turn | None:
        away = None
        while True:
            now = self.runtime.now()
            longest = self.latency.latest(call, begun) - now
            reserve = cast("Callable[..., object]", asking.reserve)
            reserve = partial(reserve, longest=longest)
            try:
                turn = await _asked(self.pacer, reserve, longest, self.runtime)
                break
            except PacerUnavailable as error:
                away = now + min(_AWAY, longest) if away is None else away
                if not error.transient or now + _PAUSE >= away:
                    raise
            await self.runtime.sleep(_PAUSE)
        if turn is None:
            return None
        if not isinstance(turn, Turn):
            raise ConfigurationError(
                f"{type(self.pacer).__name__}.reserve must return a Turn or "
                f"None, not {type(turn).__name__}."
            )
        if asking.place.kept is not None and call.kept is not None:
            call.kept.place = None  # It is used.
        return turn


def _log_wait(call: Call, waited: float) -> None:
    _log.log(
        logging.INFO if waited >= _LONG else logging.DEBUG,
        "%s waited %.1f s for the rate limit external_order_id=%r",
        call.operation,
        waited,
        call.external_order_id,
        extra={
            "operation": call.operation,
            "external_order_id": call.external_order_id,
            "waited": waited,
        },
    )


async def check_pacer(pacer: Pacer, seconds: float, runtime: Runtime) -> None:
    """See whether a pacer is available: give back a place that nobody has.

    Raises:
        PacerUnavailable: It is not.
    """
    await _asked(pacer, partial(pacer.give_back, Place()), seconds, runtime)


def give_back(pacer: Pacer, place: Place, runtime: Runtime) -> None:
    """Give back the second place of a call, if it is still kept."""
    _tell(pacer, partial(pacer.give_back, place, within=_PATIENCE), runtime)


async def _asked(
    pacer: Pacer, ask: Callable[..., _T], seconds: float, runtime: Runtime
) -> _T:
    """Ask a pacer something without blocking the event loop."""
    within = max(_LEAST, min(seconds, _PATIENCE))
    ask_it = partial(ask, within=within)
    if isinstance(pacer, MemoryPacer):
        return ask_it()
    job = runtime.start(ask_it)
    try:
        return await job.result(within + _GRACE)
    except TimeoutError:
        how = "did not respond in time"
    except SesamyError:
        raise
    except Exception as error:  # noqa: BLE001 - it is not ours
        # Without its message, which may hold a password.
        how = f"failed with {type(error).__name__}"
    raise PacerUnavailable(f"The pacer ({type(pacer).__name__}) {how}.")


def _tell(pacer: Pacer, tell: Callable[[], None], runtime: Runtime) -> None:
    """Tell a pacer something, and don't wait for it.

    If it can't be reached, it learns the same from the next responses.
    """
    if isinstance(pacer, MemoryPacer):
        tell()
    else:
        runtime.start(tell)


def _place(call: Call) -> Place:
    kept = None if call.kept is None else call.kept.place
    if call.completes:
        return Place(
            priority=Priority.COMPLETING if kept is None else Priority.KEPT,
            kept=kept,
            record=call.record,
        )
    size = 2 if call.kept is not None and kept is None else 1
    return Place(size=size, record=call.record)


def _end_after(error: BaseException, call: Call, pacer: Pacer) -> PlaceEnd:
    if isinstance(error, RateLimitError):
        wait, rate = error.retry_after, pacer.rate
        soon = 1 / rate if rate > 0 else _SOON
        return PlaceEnd(wait=soon if wait is None else wait)
    if isinstance(error, APIError):
        return _end_with(error.headers)
    if isinstance(error, SesamyError):
        return PlaceEnd(sent=error.outcome is not Outcome.NOT_SENT)
    return PlaceEnd(sent=call.record.sent is not False)


def _end_with(headers: Headers) -> PlaceEnd:
    limit, left, _ = rate_numbers(headers)
    return PlaceEnd(limit=limit, left=left)
