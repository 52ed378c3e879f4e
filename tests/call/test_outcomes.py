"""Which facts mean which outcome, and what a call remembers of them."""

from __future__ import annotations

from typing import Any

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


REFUSED = {
    *(307, 308),
    *(400, 401, 402, 403, 404, 405, 407, 409),
    *(410, 411, 412, 413, 414, 415, 416, 417, 418),
    *(421, 422, 423, 425, 426, 428, 429, 431, 451),
}


def test_status() -> None:
    """A status is what the guide's table says of it."""
    known = dict.fromkeys(range(200, 300), Outcome.APPLIED)
    known |= dict.fromkeys(REFUSED, Outcome.REFUSED)

    for status in range(100, 600):
        expected = known.get(status, Outcome.UNKNOWN)
        assert (status, expected) == (status, outcome_of_status(status))


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
        "contract_id": None,
        "entered": False,
        "interrupted": False,
        "last": Outcome.NOT_SENT,
        "lost": 0,
        "open": 0,
        "overlaps": False,
        "own": False,
        "repeatable": False,
        "resumable": None,
        "sent": False,
        "status_code": None,
        "step": None,
        "under_way": 0,
    } == attrs.asdict(record)


@pytest.mark.parametrize("last", list(Outcome))
@pytest.mark.parametrize("earlier", list(Outcome))
def test_doubt_stays(earlier: Outcome, last: Outcome) -> None:
    """A last attempt that did nothing can't undo an earlier doubt."""
    record = Record()
    for _ in range(2):
        record.note(earlier)
    doubtful = earlier in {Outcome.UNKNOWN, Outcome.APPLIED}
    nothing = last in {Outcome.NOT_SENT, Outcome.REFUSED}

    assert record.lost == (2 if doubtful else 0)
    assert record.settle(last) is (
        Outcome.UNKNOWN if doubtful and nothing else last
    )


def test_answered() -> None:
    """Once it was answered, it was done, whatever happens above."""
    record = Record()
    lost: list[int] = []
    for _ in range(3):
        record.answer()
        lost.append(record.lost)

    assert Outcome.APPLIED is record.outcome
    # What was answered again is not used.
    assert [0, 1, 2] == lost


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


@pytest.mark.parametrize(
    "seen", [{}, {"status_code": 404}, {"status_code": 201, "own": True}]
)
def test_interrupted_among_others(seen: dict[str, Any]) -> None:
    """If there were several at once, it is not known which one was seen."""
    record = Record()
    record.begin()
    record.begin()
    for name, value in seen.items():
        setattr(record, name, value)
    record.interrupt()

    assert (Outcome.UNKNOWN, 1) == (record.last, record.lost)


def test_how_many_attempts_are_open() -> None:
    """They are counted; that there ever were several is not forgotten."""
    record = Record()
    seen: list[tuple[int, bool]] = []
    for step in (
        *(record.begin, record.end, record.begin),
        *(record.begin, record.end, record.end, record.begin),
    ):
        step()
        seen.append((record.open, record.overlaps))

    assert [(1, False), (0, False), (1, False)] == seen[:3]
    assert [(2, True), (1, True), (0, True), (1, True)] == seen[3:]


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
