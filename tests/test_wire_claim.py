"""The claim about broken connections would not hold of a worse SDK."""

from __future__ import annotations

import attrs
import pytest

from proof.claim import Scale
from proof.site import Way
from proof.wire import in_http
from proof.wire.trial import rows_of
from sesamy_async import Outcome, RetryPolicy
from sesamy_async.core import explain


[BROKEN] = [
    cause
    for cause in in_http.CAUSES
    if cause.what == "answer broken off at any byte"
]
SCALE = Scale(runs=20, seed=1)


def test_it_sees_an_order_doubled() -> None:
    """Whoever sends again what may have been done is found out."""
    careless = RetryPolicy(base=0.0, resend_unknown=True)
    cause = attrs.evolve(BROKEN, settings=lambda _: {"retry": careless})
    [row] = rows_of(Way.HTTP, (cause,), SCALE)

    assert "2 contracts" in " ".join(row.violations)


def test_it_sees_a_false_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever says that nothing was sent, where it was, is found out."""
    monkeypatch.setattr(
        explain, "outcome_of_failure", lambda _: Outcome.REFUSED
    )
    cause = attrs.evolve(BROKEN, expected=frozenset(Outcome))
    [row] = rows_of(Way.HTTP, (cause,), SCALE)

    assert "REFUSED with 1 contracts" in " ".join(row.violations)
