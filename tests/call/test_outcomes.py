"""Which facts mean which outcome, and what a call remembers of them."""

from __future__ import annotations

import attrs
import pytest

from sesamy_async import Outcome
from sesamy_async._call import Record
from sesamy_async._outcome import (
    FailureKind,
    outcome_of_failure,
    outcome_of_status,
)
from support.exchanges import a_failure


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (199, Outcome.UNKNOWN),
        (200, Outcome.APPLIED),
        (299, Outcome.APPLIED),
        (300, Outcome.UNKNOWN),
        (301, Outcome.UNKNOWN),
        (302, Outcome.UNKNOWN),
        (303, Outcome.UNKNOWN),
        (307, Outcome.REFUSED),
        (308, Outcome.REFUSED),
        (399, Outcome.UNKNOWN),
        (400, Outcome.REFUSED),
        (401, Outcome.REFUSED),
        (405, Outcome.REFUSED),
        (406, Outcome.UNKNOWN),
        (407, Outcome.REFUSED),
        (408, Outcome.UNKNOWN),
        (409, Outcome.REFUSED),
        (418, Outcome.REFUSED),
        (419, Outcome.UNKNOWN),
        (420, Outcome.UNKNOWN),
        (421, Outcome.REFUSED),
        (423, Outcome.REFUSED),
        (424, Outcome.UNKNOWN),
        (425, Outcome.REFUSED),
        (426, Outcome.REFUSED),
        (427, Outcome.UNKNOWN),
        (428, Outcome.REFUSED),
        (429, Outcome.REFUSED),
        (430, Outcome.UNKNOWN),
        (431, Outcome.REFUSED),
        (432, Outcome.UNKNOWN),
        (444, Outcome.UNKNOWN),
        (451, Outcome.REFUSED),
        (460, Outcome.UNKNOWN),
        (499, Outcome.UNKNOWN),
        (500, Outcome.UNKNOWN),
        (504, Outcome.UNKNOWN),
        (599, Outcome.UNKNOWN),
    ],
)
def test_status(status: int, expected: Outcome) -> None:
    """A status is what the guide's table says of it."""
    actual = outcome_of_status(status)

    assert expected is actual


@pytest.mark.parametrize(
    ("kind", "sent", "expected"),
    [
        (FailureKind.CONNECT, None, Outcome.UNKNOWN),
        (FailureKind.REQUEST, None, Outcome.UNKNOWN),
        (FailureKind.TIMEOUT, None, Outcome.UNKNOWN),
        (FailureKind.BROKEN, None, Outcome.UNKNOWN),
        (FailureKind.DEADLINE, None, Outcome.UNKNOWN),
        (FailureKind.BROKEN, False, Outcome.NOT_SENT),
        (FailureKind.TIMEOUT, False, Outcome.NOT_SENT),
        (FailureKind.CONNECT, True, Outcome.UNKNOWN),
        (FailureKind.BROKEN, True, Outcome.UNKNOWN),
    ],
)
def test_failure_without_status(
    kind: FailureKind, sent: bool | None, expected: Outcome
) -> None:
    """Only what is known not to have left was not sent."""
    actual = outcome_of_failure(a_failure(kind=kind, sent=sent))

    assert expected is actual


@pytest.mark.parametrize(
    ("status", "own", "expected"),
    [
        (201, True, Outcome.APPLIED),
        (201, False, Outcome.UNKNOWN),
        (400, True, Outcome.REFUSED),
        (400, False, Outcome.REFUSED),
        (502, True, Outcome.UNKNOWN),
    ],
)
def test_failure_after_the_status(
    status: int, expected: Outcome, *, own: bool
) -> None:
    """A status that was read decides, but for a success not Sesamy's own."""
    failure = a_failure(kind=FailureKind.BODY, status_code=status, own=own)

    assert expected is outcome_of_failure(failure)


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
