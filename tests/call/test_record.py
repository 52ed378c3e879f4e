"""What a call remembers of its attempts."""

from __future__ import annotations

import attrs
import pytest

from sesamy_async import Outcome
from sesamy_async._call import Record


def test_nothing_is_known_at_first() -> None:
    """A new record claims nothing: no attempt, no answer, no doubt."""
    record = Record()

    assert Outcome.NOT_SENT is record.outcome
    assert {
        "answered": False,
        "attempts": 0,
        "began": None,
        "entered": False,
        "interrupted": False,
        "last": Outcome.NOT_SENT,
        "lost": 0,
        "own": False,
        "sent": False,
        "status_code": None,
        "under_way": 0,
    } == attrs.asdict(record)


def test_each_lost_attempt_counts() -> None:
    """Two answers that were lost are two possible strays."""
    record = Record()
    record.note(Outcome.UNKNOWN)
    record.note(Outcome.APPLIED)

    assert 2 == record.lost


@pytest.mark.parametrize("last", [Outcome.NOT_SENT, Outcome.REFUSED])
@pytest.mark.parametrize("earlier", [Outcome.UNKNOWN, Outcome.APPLIED])
def test_doubt_stays(earlier: Outcome, last: Outcome) -> None:
    """A later attempt that did nothing can't undo an earlier doubt."""
    record = Record()
    record.note(earlier)

    assert Outcome.UNKNOWN is record.settle(last)
    assert 1 == record.lost


@pytest.mark.parametrize("outcome", list(Outcome))
def test_without_doubt_the_last_counts(outcome: Outcome) -> None:
    """Where no earlier attempt was lost, the last outcome is the call's."""
    record = Record()
    record.note(Outcome.REFUSED)

    assert outcome is record.settle(outcome)
    assert 0 == record.lost


def test_applied_after_doubt() -> None:
    """An unreadable success stays one."""
    record = Record()
    record.note(Outcome.UNKNOWN)

    assert Outcome.APPLIED is record.settle(Outcome.APPLIED)


def test_answered() -> None:
    """Once it was answered, it was done, whatever happens above."""
    record = Record()
    record.answered = True

    assert Outcome.APPLIED is record.outcome


@pytest.mark.parametrize(
    ("sent", "status", "own", "expected"),
    [
        (False, None, False, Outcome.NOT_SENT),
        (None, None, False, Outcome.UNKNOWN),
        (True, None, False, Outcome.UNKNOWN),
        (True, 200, True, Outcome.APPLIED),
        (True, 200, False, Outcome.UNKNOWN),
        (True, 404, False, Outcome.REFUSED),
        (True, 500, True, Outcome.UNKNOWN),
    ],
)
def test_interrupted(
    sent: bool | None, status: int | None, expected: Outcome, *, own: bool
) -> None:
    """A cancelled attempt ends by what was seen of it until then."""
    record = Record()
    record.begin()
    record.sent = sent
    record.status_code = status
    record.own = own
    record.interrupt()

    assert expected is record.last


def test_begin_forgets_the_attempt_before() -> None:
    """Each attempt is seen anew."""
    record = Record()
    record.sent = True
    record.status_code = 200
    record.own = True
    record.interrupted = True
    record.begin()

    assert [False, None, False, False, 1] == [
        record.sent,
        record.status_code,
        record.own,
        record.interrupted,
        record.attempts,
    ]
