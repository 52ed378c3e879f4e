"""More onboardings at once than their deadline permits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from proof.claim import Claim, Row, Scale, well_once
from proof.pace.forge import pace_forge
from proof.pace.job import Keeping, Kind, Worker
from proof.pace.judge import Trial
from proof.pace.trials import Bench
from sesamy_async import RateLimit
from support.servers import Redis


_PROCESSES = 4
_LIMIT = RateLimit(requests=20, per=1, burst=40)
_MANY, _DEADLINE = 1_000, 30.0
_BRIEF_LIMIT = RateLimit(requests=20, per=1, burst=40)
_BRIEF_MANY, _BRIEF_DEADLINE = 100, 4.0
_LEAST = 0.95
_BRIEF_LEAST = 0.3
_SLOW = 0.2


def _rows(scale: Scale) -> Iterator[Row]:
    limit = _BRIEF_LIMIT if scale.brief else _LIMIT
    with ExitStack() as stack:
        bench = Bench(
            redis=stack.enter_context(Redis(on_disk=not scale.brief)).url,
            forged=stack.enter_context(pace_forge()),
            limit=limit,
        )
        for _ in range(scale.runs):
            yield well_once(scale, partial(_row, bench, scale, Keeping.SHARED))
            if scale.brief:
                continue
            yield _row(bench, scale, Keeping.SHARED, _SLOW)
            yield _row(bench, scale, Keeping.WHOLE)
            yield _row(bench, scale, Keeping.SHARE)


def _row(
    bench: Bench, scale: Scale, keeping: Keeping, answer: float = 0.0
) -> Row:
    many = _BRIEF_MANY if scale.brief else _MANY
    deadline = _BRIEF_DEADLINE if scale.brief else _DEADLINE
    trial = bench.run(
        [
            Worker(
                name=f"p{number}",
                world="blocking" if number % 2 else "asyncio",
                kind=Kind.ONBOARD,
                at_once=many // _PROCESSES,
            )
            for number in range(_PROCESSES)
        ],
        lasts=0.0,  # So that each makes one call.
        keeping=keeping,
        answer=answer,
        deadline=deadline,
    )
    limit = bench.limit
    possible = round((limit.burst + limit.rate * deadline) / 2)
    done = trial.onboarded()
    least = _BRIEF_LEAST if scale.brief else _LEAST
    found = _begun(trial)
    if done < least * possible:
        found.append(f"only {done} of {possible} possible ones are confirmed")
    compared = keeping is not Keeping.SHARED
    what = f"{many:,} at once, {keeping}"
    what += f", answers after {answer} s" if answer else ""
    return Row(
        what=f"for comparison: {what}" if compared else what,
        runs=many,
        violations=() if compared else tuple(found),
        figure=(
            f"{done} confirmed of {possible} possible in {deadline:.0f} s; "
            f"{len(trial.unconfirmed())} made and not confirmed; "
            f"{trial.throttled} answers 429"
        ),
        complete=True,
    )


def _begun(trial: Trial) -> list[str]:
    """Return what was begun and not ended, or told otherwise than it is."""
    in_doubt = [it for it in trial.failed if it.outcome != "NOT_SENT"]
    return [
        *trial.broken(),
        *(f"{it} is not confirmed" for it in trial.unconfirmed()[:3]),
        *(f"in doubt: {it}" for it in in_doubt[:3]),
        *trial.untrue()[:3],
    ]


CLAIM = Claim(
    name="one-pace-burst",
    promise=(
        "Of 1,000 onboardings that start at once, in four processes that "
        "share a `RedisPacer`, those that fit into the deadline are "
        "confirmed, and the rest are not sent: no contract is created that is "
        "not confirmed."
    ),
    rows=_rows,
    runs=1,
    short=1,
)
