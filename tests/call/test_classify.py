"""Which facts mean which outcome."""

from __future__ import annotations

import pytest

from sesamy_async import Outcome
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
