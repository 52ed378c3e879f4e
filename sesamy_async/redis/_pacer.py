"""One pace for all hosts, in a Redis.

The rules are those of the bucket of a process.  All places that wait are in
one queue, by priority, then by when they came.  What a process holds runs out
by itself, as the process may be killed.
"""

from __future__ import annotations

import logging
import time
from copy import copy
from typing import Any

from sesamy_async._call import (
    MINUTE,
    MemoryPacer,
    PacerUnavailable,
    Place,
    PlaceEnd,
    Priority,
    RateLimit,
    Turn,
    renewed_after_fork,
)
from sesamy_async._links import LinkPool
from sesamy_async.errors import ConfigurationError

from . import _pacer_scripts as scripts
from ._link import address_of, check_name, explained, no_address


_log = logging.getLogger("sesamy_async")

# Seconds.  Who waits asks at least as often, to show that it is alive.
_ASKED_AGAIN = 5.0
_LONGEST_BLOCK = 3600.0
_ENDLESS = 1e12  # Lua reads no infinity.
_PAUSE = 1.0  # Seconds until a Redis that is away is asked again.


def _unusable(what: str, *, retryable: bool = False) -> PacerUnavailable:
    return PacerUnavailable(
        f"The shared rate limit (Redis) can't be used: {what}.",
        retryable=None if retryable else False,
    )


class RedisPacer:
    """Keeps one pace for all clients, processes and hosts that share it.

    Any Redis except a cluster is suitable: if it forgets the pace, it starts
    with a full burst, and follows what Sesamy's responses say.

    While the Redis is not available, new calls fail with a
    `PacerUnavailable` (`NOT_SENT`, `retryable`).  With a `fallback`, each
    process keeps that pace by itself instead.  Requests that complete a call
    that has begun, such as a confirm, are sent in both cases.

    Args:
        url: ``redis://user:password@host:6379/0``, ``rediss://`` for TLS, or
            ``unix://``, with the options of redis-py.
        limit: The pace of all clients together; give all of them the same.
        name: Of the pace, 1 to 100 characters.  Use one name for all clients
            that share one of Sesamy's rate limits, and for no others.
        fallback: The pace of this process while the Redis is not available,
            such as ``limit.share(8)`` for one of at most 8 processes; None
            to send nothing new.

    Raises:
        ConfigurationError: An argument is invalid, or redis is not
            installed.
    """

    def __init__(
        self,
        url: str,
        limit: RateLimit = RateLimit(),  # noqa: B008 - frozen
        *,
        name: str = "default",
        fallback: RateLimit | None = None,
    ) -> None:
        address = address_of(url)
        del url
        if address is None:
            raise no_address("url of RedisPacer")
        _check("limit", limit, RateLimit)
        _check("fallback", fallback, RateLimit | None)
        check_name("RedisPacer", name)
        self._limit = limit
        self._fallback = MemoryPacer(fallback) if fallback else None
        self._fallback_burst = fallback.burst if fallback else 0.0
        # What is in braces puts all keys into one slot of a cluster.
        whole = f"{{sesamy-pace:{name}}}"
        self._keys = [f"{whole}:{each}" for each in scripts.KEYS]
        self._pool = LinkPool(_unusable, address.connect, explained)
        # What the last answer said: the rate, how many were free, and when.
        self._known = limit.rate, limit.burst, time.monotonic()
        # Where places that wait are in the queue.
        self._turns: dict[str, bytes] = {}
        # Since when the Redis is away, and why; None while it is not.
        self._away: tuple[float, PacerUnavailable | None] = 0.0, None
        renewed_after_fork(self)

    def after_fork(self) -> None:
        """Leave the connections to the parent, and open others."""
        self._pool.after_fork()
        self._turns = {}

    @property
    def rate(self) -> float:
        """Requests per second; Sesamy's responses may have lowered it."""
        return self._known[0]

    @property
    def free(self) -> float:
        """How many could be sent at once, by what this process knows."""
        rate, free, at = self._known
        gained = (time.monotonic() - at) * rate
        return max(0.0, min(self._limit.burst, free + gained))

    def reserve(
        self, place: Place, *, longest: float, within: float
    ) -> Turn | None:
        """Take a place, or look again whether the turn of one has come.

        Raises:
            PacerUnavailable: The Redis is not available, there is no
                `fallback`, and the call is new.
        """
        kept = "" if place.kept is None else place.kept.id
        values = (
            place.id,
            int(place.priority),
            place.size,
            kept,
            min(longest, _ENDLESS),
            _ASKED_AGAIN,
            self._turns.get(place.id, ""),
        )
        try:
            answer = self._run(scripts.RESERVE, values, within)
        except PacerUnavailable as error:
            away = error
        else:
            if self._fallback is not None and place.kept is not None:
                self._fallback.give_back(place.kept, within=within)
            return self._turn(place, answer)
        if self._fallback is not None:
            turn = self._fallback.reserve(
                place, longest=longest, within=within
            )
            # The Redis may be back before that.
            return turn and Turn(min(turn.wait, _PAUSE))
        if place.priority is not Priority.NEW:
            return Turn()
        raise away

    def end(self, place: Place, end: PlaceEnd, *, within: float) -> None:
        """Note what came of a place.  Its second one stays kept."""
        if self._fallback is not None:
            self._fallback.end(place, end, within=within)
        self._turns.pop(place.id, None)
        began = place.record.began
        ago = "" if began is None else time.monotonic() - began
        # Less than one request is no limit: nothing could be sent that
        # brings back a better one.
        rate = end.limit / MINUTE if end.limit and end.limit >= 1 else ""
        left = "" if end.left is None else end.left
        wait = "" if end.wait is None else min(end.wait, _LONGEST_BLOCK)
        given = (place.id, int(end.sent), ago, rate, left, wait)
        self._tell(scripts.END, given, within)

    def give_back(self, place: Place, *, within: float) -> None:
        """Give back the second place, if it is still kept."""
        if self._fallback is not None:
            self._fallback.give_back(place, within=within)
        self._tell(scripts.GIVE_BACK, (place.id,), within)

    def close(self) -> None:
        """Close the connections; later methods open them again."""
        self._pool.close()

    def __repr__(self) -> str:
        return f"RedisPacer({self._limit!r})"

    def _turn(self, place: Place, answer: list[bytes]) -> Turn | None:
        self._learn(answer)
        wait = float(answer[2])
        if wait > 0:
            self._turns[place.id] = answer[3]
            return Turn(wait)
        self._turns.pop(place.id, None)
        return None if wait < 0 else Turn()

    def _tell(
        self, script: str, values: tuple[Any, ...], within: float
    ) -> None:
        """Run a script; with a fallback, nobody needs it."""
        try:
            self._learn(self._run(script, values, within))
        except PacerUnavailable:
            if self._fallback is None:
                raise

    def _learn(self, answer: list[bytes]) -> None:
        self._known = float(answer[0]), float(answer[1]), time.monotonic()

    def _run(
        self, script: str, values: tuple[Any, ...], within: float
    ) -> list[bytes]:
        """Run a script, unless the Redis was away a moment ago."""
        now = time.monotonic()
        known = since, away = self._away
        if away is not None and now < since + _PAUSE:
            raise copy(away)
        given = (self._limit.rate, self._limit.burst, *values)
        try:
            answer: list[bytes] = self._pool.ask(
                now + within, lambda link: link.run(script, self._keys, given)
            )
        except PacerUnavailable as error:
            self._away = time.monotonic(), copy(error)
            if away is None:
                _log.warning("%s", error.args[0])
                self._begin_to_fall_back()
            raise
        # Another thread may have seen it first.
        if away is not None and self._away is known:
            self._away = now, None
            _log.info("The shared rate limit (Redis) is available again.")
        return answer

    def _begin_to_fall_back(self) -> None:
        """Leave unused what of the share all have already spent."""
        fallback = self._fallback
        if fallback is None:
            return
        share = self._fallback_burst * self.free / self._limit.burst
        if share <= fallback.free - 1.0:
            place = Place()
            fallback.reserve(place, longest=0.0, within=0.0)
            fallback.end(place, PlaceEnd(left=share), within=0.0)


def _check(name: str, value: object, kinds: Any) -> None:
    if not isinstance(value, kinds):
        raise ConfigurationError(
            f"RedisPacer: {name} must be a RateLimit, not "
            f"{type(value).__name__}."
        )
