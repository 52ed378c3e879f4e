"""Processes that share the rate of one service with one Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial

import attrs

from proof.claim import Claim, Row, Scale, well_once
from proof.pace.forge import PaceForge, pace_forge
from proof.pace.job import Keeping, Worker
from proof.pace.judge import Trial
from proof.pace.trials import Bench, Event, mixed
from sesamy_async import RateLimit
from support.servers import CARELESS, Redis


_LEAST_USED = 0.95
_MOST_THROTTLED = 0.001  # Of the requests.
_PATIENCE = 5.0  # Seconds for which a call waits for Redis.
_LONGEST = 1.5  # Times the longest wait in one queue.
_MOST_THROTTLED_IN_TROUBLE = 0.01
_MOST_THROTTLED_IF_LESS = 0.05  # Where the service permits less than told.
# Until the first answer, nobody knows since when the service counts.
_MOST_THROTTLED_IF_SLOW = 0.005
_LONGEST_IF_SLOW = 2.0
_LEAST_AFTER_A_KILL = 0.75  # Of the rate, in the first seconds.


@attrs.frozen(kw_only=True)
class _Size:
    """How much is tried.

    Attributes:
        limit: The rate.
        lasts: Seconds of a trial.
        at_once: How many calls the busy processes make at a time, together.
        pause: Seconds between two calls of an idle one.
        trouble: Seconds from the start until something goes wrong.
        recovery: Seconds after which all must be well again.
        lasts_in_trouble: Seconds of a trial in which something goes wrong.
    """

    limit: RateLimit
    lasts: float
    at_once: int
    pause: float
    trouble: float
    recovery: float
    lasts_in_trouble: float


_LONG = _Size(
    limit=RateLimit(requests=20, per=1, burst=40),
    lasts=60.0,
    at_once=80,
    pause=3.0,
    trouble=8.0,
    recovery=10.0,
    lasts_in_trouble=33.0,
)
_BRIEF = _Size(
    # Less than what a process has waiting when it is killed.
    limit=RateLimit(requests=60, per=1, burst=40),
    lasts=2.5,
    at_once=60,
    pause=0.5,
    trouble=0.8,
    recovery=2.2,
    lasts_in_trouble=4.5,
)


@attrs.frozen
class _Trying:
    size: _Size
    slack: float
    forged: PaceForge
    redis: Redis

    def _workers(self, processes: int, **first: object) -> list[Worker]:
        size = self.size
        return mixed(processes, size.at_once, size.pause, {0: first})

    def _run(
        self,
        workers: Sequence[Worker],
        lasts: float,
        keeping: Keeping = Keeping.SHARED,
        **more: object,
    ) -> Trial:
        bench = Bench(
            redis=self.redis.url, forged=self.forged, limit=self.size.limit
        )
        return bench.run(
            workers,
            lasts=lasts,
            keeping=keeping,
            **more,  # type: ignore[arg-type] # as the method says
        )

    def shared(self, processes: int) -> Row:
        """Busy and idle processes, and nothing goes wrong."""
        trial = self._run(self._workers(processes), self.size.lasts)
        return _row(
            f"{processes} processes",
            trial,
            _seen(trial),
            [
                *_true(trial),
                *_throttled(trial, _MOST_THROTTLED),
                *self._well(trial),
            ],
        )

    def slow(self) -> Row:
        """The service takes its time."""
        trial = self._run(self._workers(4), self.size.lasts, answer=0.3)
        found = [
            *_true(trial),
            *_throttled(trial, _MOST_THROTTLED_IF_SLOW),
            *self._well(trial, _LONGEST_IF_SLOW),
        ]
        return _row(
            "4 processes, answers after 0.3 s", trial, _seen(trial), found
        )

    def killed(self) -> Row:
        """A busy process is killed, with what waits and is on its way."""
        size = self.size
        trial = self._run(
            self._workers(4, after=size.trouble), size.lasts_in_trouble
        )
        return self._row_after(
            "4 processes, a busy one is killed",
            trial,
            size.trouble,
            least=_LEAST_AFTER_A_KILL,
        )

    def away(
        self, seconds: float, what: str, keeping: Keeping = Keeping.SHARED
    ) -> Row:
        """Redis is killed, and started again with what it had."""
        begin, end = self.redis.kill, self.redis.start
        what = f"Redis is away for {seconds:.0f} s: {what}"
        return self._without_redis(seconds, what, begin, end, keeping)

    def frozen(self, seconds: float) -> Row:
        """Redis accepts connections and does not answer."""
        with ExitStack() as frozen:
            return self._without_redis(
                seconds,
                f"Redis does not answer for {seconds:.0f} s",
                lambda: frozen.enter_context(self.redis.frozen()),
                frozen.close,
            )

    def _without_redis(
        self,
        seconds: float,
        what: str,
        begin: Callable[[], object],
        end: Callable[[], object],
        keeping: Keeping = Keeping.SHARED,
    ) -> Row:
        size = self.size
        back = size.trouble + seconds
        trial = self._run(
            self._workers(4),
            size.lasts_in_trouble,
            keeping,
            events=[(size.trouble, begin), (back, end)],
        )
        row = self._row_after(
            f"4 processes, {what}",
            trial,
            back,
            # More than that, a call does not wait for it.
            patient=seconds < _PATIENCE or keeping is Keeping.FALLBACK,
        )
        meanwhile = trial.used_between(size.trouble + 0.5, back)
        figure = f"{meanwhile:.2f} of the rate meanwhile, {row.figure}"
        return attrs.evolve(row, figure=figure)

    def forgotten(self) -> Row:
        """Redis forgets all that it had."""
        size = self.size
        with Redis(settings=CARELESS) as careless:
            events: list[Event] = [(size.trouble, lambda: _renew(careless))]
            trying = attrs.evolve(self, redis=careless)
            trial = trying._run(
                self._workers(4), size.lasts_in_trouble, events=events
            )
        return self._row_after(
            "4 processes, Redis is started anew and has forgotten all",
            trial,
            size.trouble,
        )

    def less(self) -> Row:
        """The service permits half of what the processes are told."""
        limit = self.size.limit
        trial = self._run(
            self._workers(4),
            self.size.lasts_in_trouble,
            permitted=attrs.evolve(
                limit, requests=limit.requests / 2, burst=limit.burst / 2
            ),
        )
        return _row(
            "4 processes, the service permits half of what they are told",
            trial,
            _seen(trial),
            [*_true(trial), *_throttled(trial, _MOST_THROTTLED_IF_LESS)],
        )

    def compared(self, processes: int, keeping: Keeping) -> Row:
        """How it is without one pace; nothing is promised of that."""
        workers = self._workers(processes)
        trial = self._run(workers, self.size.lasts_in_trouble, keeping)
        what = f"for comparison: {processes} processes, {keeping}"
        lost = f"; {len(trial.failed)} calls failed"
        return _row(what, trial, _seen(trial) + lost, [])

    def _well(self, trial: Trial, longest: float = _LONGEST) -> list[str]:
        """Return what falls short where nothing goes wrong."""
        found = self._least(trial.used(), "of the permitted requests")
        # On a busy machine, calls may come too slowly to wait at all.
        fair = max(1.0, trial.longest_fair_wait())
        longest *= self.slack * fair
        wait = trial.longest_wait()
        if wait > longest:
            found.append(f"a call waited {wait:.1f} s, not {longest:.1f}")
        found += [f"failed: {each}" for each in trial.failed[:1]]
        return found

    def _row_after(
        self,
        what: str,
        trial: Trial,
        since: float,
        *,
        least: float = _LEAST_USED,
        patient: bool = True,
    ) -> Row:
        """Return what came of a trial in which something went wrong.

        Args:
            what: Went wrong.
            trial: The trial.
            since: Seconds from the start until it was over.
            least: Of the rate, in the first seconds after that.
            patient: Whether no call may fail.
        """
        recovery, lasts = self.size.recovery, self.size.lasts_in_trouble
        first = trial.used_between(since, since + recovery)
        then = trial.used_between(since + recovery, lasts)
        found = _true(trial)
        found += _throttled(trial, _MOST_THROTTLED_IN_TROUBLE)
        if self.slack == 1.0 and first < least:
            found.append(f"{first:.2f} in the {recovery:.0f} s after that")
        found += self._least(then, f"{recovery:.0f} s later")
        if patient:
            found += [f"failed: {each}" for each in trial.failed[:1]]
        figure = (
            f"{first:.2f} of the rate in the {recovery:.0f} s after that, "
            f"{then:.2f} then; {_throttled_text(trial)}; longest wait "
            f"{trial.longest_wait():.1f} s; {len(trial.failed)} calls not sent"
        )
        return _row(what, trial, figure, found)

    def _least(self, used: float, what: str) -> list[str]:
        least = 1 - (1 - _LEAST_USED) * 2 * self.slack
        least = _LEAST_USED if self.slack == 1.0 else least
        return [f"{used:.2f} {what}"] if used < least else []


def _renew(server: Redis) -> None:
    server.kill()
    server.start()


def _seen(trial: Trial) -> str:
    busy, idle = (trial.longest_wait(busy=it) for it in (True, False))
    return (
        f"{trial.used():.2f} of the permitted requests; "
        f"{_throttled_text(trial)}; longest wait {busy:.1f} s, of idle "
        f"processes {idle:.1f} s, fair {trial.longest_fair_wait():.1f} s"
    )


def _throttled_text(trial: Trial) -> str:
    return f"{trial.throttled} of {len(trial.requests):,} answers 429"


def _throttled(trial: Trial, share: float) -> list[str]:
    most = share * len(trial.requests)
    return [_throttled_text(trial)] if trial.throttled > most else []


def _true(trial: Trial) -> list[str]:
    """Return what is not as it was said, or begun and not ended."""
    killed = any(each.killed for each in trial.ends)
    unconfirmed = [] if killed else trial.unconfirmed()
    found = [
        *trial.broken(),
        *trial.untrue()[:1],
        *(f"{it} is not confirmed" for it in unconfirmed[:1]),
    ]
    sent = [it for it in trial.failed if it.outcome != "NOT_SENT"]
    return [*found, *(f"in doubt: {each}" for each in sent[:1])]


def _row(what: str, trial: Trial, seen: str, found: list[str]) -> Row:
    timeline = " ".join(map(str, trial.timeline()))
    return Row(
        what=what,
        runs=1,
        violations=tuple(f"{it} (a second: {timeline})" for it in found),
        figure=seen,
        complete=True,
    )


def _rows(scale: Scale) -> Iterator[Row]:
    with ExitStack() as stack:
        trying = _Trying(
            _BRIEF if scale.brief else _LONG,
            scale.slack,
            stack.enter_context(pace_forge()),
            stack.enter_context(Redis(on_disk=not scale.brief)),
        )
        for do in _brief(trying) if scale.brief else _long(trying):
            for _ in range(scale.runs):
                yield well_once(scale, do)


def _brief(trying: _Trying) -> Iterator[Callable[[], Row]]:
    yield trying.killed


def _long(trying: _Trying) -> Iterator[Callable[[], Row]]:
    yield partial(trying.shared, 4)
    yield partial(trying.shared, 8)
    yield trying.slow
    yield trying.killed
    yield partial(trying.away, 3.0, "calls wait for it")
    yield partial(trying.away, 8.0, "nothing new is sent")
    yield partial(trying.away, 8.0, "each sends its share", Keeping.FALLBACK)
    yield partial(trying.frozen, 3.0)
    yield trying.forgotten
    yield trying.less
    yield partial(trying.compared, 8, Keeping.WHOLE)
    yield partial(trying.compared, 8, Keeping.SHARE)


CLAIM = Claim(
    name="one-pace",
    promise=(
        "Processes that share a `RedisPacer`, half of them busy and half "
        "mostly idle, use at least 95 % of what the service permits (20 "
        "requests per second and a burst of 40), and get at most one 429 per "
        "1,000 requests. No call waits longer than 1.5 times what it would in "
        "one queue, first come, first served. Where responses take 0.3 s, the "
        "limits are five per 1,000 and twice as long. Once Redis is back "
        "after an outage, at least 95 % of the rate is used, and no call "
        "fails if the outage took 3 seconds. After a busy process is killed, "
        "at least 75 % is used for 10 seconds, and then 95 %."
    ),
    rows=_rows,
    runs=1,
    short=1,
)
