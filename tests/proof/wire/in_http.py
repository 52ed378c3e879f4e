"""Causes inside HTTP: where the create may have been seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sesamy_async import Outcome
from support.failure_rows import STATUS, UNREADABLE, Row
from support.faults import Raw, message
from support.proxy import Act, ByteFault, Side
from support.reaching import direct

from .cause import PATIENCE, SUCCESS, Cause, Moment


_BREAKS = (Act.RESET, Act.CLOSE)

Pick = Callable[[Moment], ByteFault]


def _arm(pick: Pick) -> Callable[[Moment], None]:
    return lambda moment: moment.site.arm_inner(*[pick(moment)] * moment.times)


def _anywhere(side: Side, *acts: Act, said: bytes = b"") -> Pick:
    """Strike at any byte of one side, the last one excepted."""
    return lambda moment: ByteFault(
        side=side,
        at=moment.chance.randrange(moment.sizes.http[side]),
        act=moment.chance.choice(acts),
        said=said,
    )


def _at_once(*acts: Act) -> Pick:
    return lambda moment: ByteFault(
        side=Side.REQUEST, at=0, act=moment.chance.choice(acts)
    )


def _instead(rows: Sequence[Row], *, done: Sequence[bool]) -> Pick:
    """Let the client hear something else than the sandbox's answer.

    Args:
        rows: One of them is heard.
        done: Whether the sandbox gets the last byte of the request.
    """

    def pick(moment: Moment) -> ByteFault:
        step = moment.chance.choice(rows).step
        assert isinstance(step, Raw)
        act = Act.STALL if step.stay else Act.CLOSE
        if moment.chance.choice(done):
            return ByteFault(side=Side.ANSWER, at=0, act=act, said=step.data)
        last = moment.sizes.http[Side.REQUEST] - 1
        return ByteFault(side=Side.REQUEST, at=last, act=act, said=step.data)

    return pick


def _told(rows: Sequence[Row], outcome: Outcome) -> list[Row]:
    return [
        row
        for row in rows
        if row.outcome is outcome
        and row.settings is direct
        and not row.stalls
        and isinstance(row.step, Raw)
    ]


_UNKNOWN = frozenset({Outcome.UNKNOWN})
_ANSWERED = frozenset({Outcome.UNKNOWN, Outcome.APPLIED})
_TOO_LARGE = message(413, b"", {"Connection": "close"})
_SLOW_DOWN = Row(
    cause="status 429",
    step=Raw(
        message(429, b"", {"Retry-After": "0", "Connection": "close"}),
        stay=False,
    ),
    error=STATUS[0].error,
    outcome=Outcome.REFUSED,
)

CAUSES = (
    Cause(
        what="request broken off at any byte",
        expected=_UNKNOWN,
        begin=_arm(_anywhere(Side.REQUEST, *_BREAKS)),
        warm=True,
    ),
    Cause(
        what="request cut at any byte",
        # A server may refuse half a request, or close.
        expected=frozenset({Outcome.UNKNOWN, Outcome.REFUSED}),
        begin=_arm(_anywhere(Side.REQUEST, Act.TRUNCATE)),
        warm=True,
    ),
    Cause(
        what="request stalls at any byte",
        expected=_UNKNOWN,
        begin=_arm(_anywhere(Side.REQUEST, Act.STALL)),
        warm=True,
        timeouts=PATIENCE,
    ),
    Cause(
        what="request drips from any byte",
        expected=frozenset({SUCCESS}),
        begin=_arm(_anywhere(Side.REQUEST, Act.DRIP)),
        warm=True,
    ),
    Cause(
        what="kept connection ends as the request goes out",
        expected=_UNKNOWN,
        begin=_arm(_at_once(*_BREAKS)),
        warm=True,
    ),
    Cause(
        what="413 and a reset before the request was read",
        expected=frozenset({Outcome.UNKNOWN, Outcome.REFUSED}),
        begin=_arm(_anywhere(Side.REQUEST, Act.RESET, said=_TOO_LARGE)),
        warm=True,
    ),
    Cause(
        what="answer broken off at any byte",
        expected=_ANSWERED,
        begin=_arm(_anywhere(Side.ANSWER, *_BREAKS)),
        warm=True,
    ),
    Cause(
        what="answer cut at any byte",
        expected=_ANSWERED,
        begin=_arm(_anywhere(Side.ANSWER, Act.TRUNCATE)),
        warm=True,
    ),
    Cause(
        what="answer stalls at any byte",
        expected=_ANSWERED,
        begin=_arm(_anywhere(Side.ANSWER, Act.STALL)),
        warm=True,
        timeouts=PATIENCE,
    ),
    Cause(
        what="answer drips from any byte",
        expected=frozenset({SUCCESS}),
        begin=_arm(_anywhere(Side.ANSWER, Act.DRIP)),
        warm=True,
    ),
    Cause(
        what="a status that refuses",
        expected=frozenset({Outcome.REFUSED}),
        begin=_arm(_instead(_told(STATUS, Outcome.REFUSED), done=[False])),
        warm=True,
    ),
    Cause(
        what="a status of which nobody knows, done or not",
        expected=_UNKNOWN,
        begin=_arm(
            _instead(_told(STATUS, Outcome.UNKNOWN), done=[False, True])
        ),
        warm=True,
    ),
    Cause(
        what="429, then all is well",
        expected=frozenset({SUCCESS}),
        begin=_arm(_instead([_SLOW_DOWN], done=[False])),
        warm=True,
    ),
    Cause(
        what="2xx that can't be read",
        expected=frozenset({Outcome.APPLIED}),
        begin=_arm(_instead(_told(UNREADABLE, Outcome.APPLIED), done=[True])),
        warm=True,
    ),
    Cause(
        what="2xx that may be a page, done or not",
        expected=_UNKNOWN,
        begin=_arm(
            _instead(_told(UNREADABLE, Outcome.UNKNOWN), done=[False, True])
        ),
        warm=True,
    ),
)
