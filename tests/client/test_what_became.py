"""what_became: what an exception knows of an order, for programs."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from sesamy_async import Became, Outcome, SesamyError, what_became
from sesamy_async.errors import BecameNote, OrderMismatchError
from sesamy_async.idempotency import StoreUnavailable


def an_error(order: str | None = "o-1", **facts: Any) -> SesamyError:
    """Return an error about an order."""
    error = SesamyError("It failed.", outcome=Outcome.UNKNOWN)
    error.external_order_id = order
    for name, value in facts.items():
        setattr(error, name, value)
    return error


CREATE = Became("o-1", "create", Outcome.UNKNOWN)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, CREATE),
        ({"operation": "contracts.create"}, CREATE),
        (
            {"step": "confirm", "contract_id": "c-1"},
            Became("o-1", "confirm", Outcome.UNKNOWN, "c-1"),
        ),
        (
            {"operation": "contracts.confirm", "contract_id": "c-1"},
            Became("o-1", "confirm", Outcome.UNKNOWN, "c-1"),
        ),
        (
            {"outcome": Outcome.REFUSED},
            Became("o-1", "create", Outcome.REFUSED),
        ),
        ({"order": None}, None),
    ],
)
def test_an_error_of_the_sdk(facts: Any, expected: Became | None) -> None:
    """It says itself what became of its order."""
    assert expected == what_became(an_error(**facts))


def noted(*errors: SesamyError) -> BaseException:
    """Return an interruption with notes, the innermost call's first."""
    error = KeyboardInterrupt()
    error.add_note("Somebody else's note.")
    for each in errors:
        error.add_note(BecameNote.of(each))
    return error


def test_notes() -> None:
    """The last note of an order counts: it is the outermost call's."""
    error = noted(
        an_error(), an_error(None), an_error(step="confirm", contract_id="c")
    )

    assert Became("o-1", "confirm", Outcome.UNKNOWN, "c") == what_became(error)


def test_an_exception_of_others() -> None:
    """It knows nothing."""
    assert None is what_became(ValueError("x"))
    assert None is what_became(ValueError("x"), external_order_id="o-1")


def test_chains() -> None:
    """Causes are followed, and contexts unless they are suppressed."""
    cause, context, hidden = ValueError(), ValueError(), ValueError()
    cause.__cause__ = an_error()
    context.__context__ = an_error()
    hidden.__context__ = an_error()
    hidden.__suppress_context__ = True

    assert CREATE == what_became(cause) == what_became(context)
    assert None is what_became(hidden)


def test_a_chain_in_a_circle() -> None:
    """Each exception is looked at once."""
    first, second = ValueError(), ValueError()
    first.__cause__, second.__cause__ = second, first

    assert None is what_became(first)


def test_groups() -> None:
    """Those that a task group raises are looked into."""
    group = BaseExceptionGroup(
        "Several.", [ValueError(), ExceptionGroup("One.", [an_error()])]
    )

    assert CREATE == what_became(group)


def test_several_orders() -> None:
    """Then one must be named."""
    group = ExceptionGroup("Two.", [an_error(), an_error("o-2")])
    with pytest.raises(ValueError, match="several orders: pass one of them"):
        what_became(group)

    assert "o-2" == getattr(
        what_became(group, external_order_id="o-2"), "external_order_id", None
    )
    assert None is what_became(group, external_order_id="o-3")


def test_the_outermost_error_counts() -> None:
    """What is nearer to the caller knows more."""
    outer = an_error(step="confirm", contract_id="c-1")
    outer.__cause__ = an_error()

    assert "confirm" == getattr(what_became(outer), "step", None)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, None])
def test_notes_are_pickled(copied: Any) -> None:
    """A queue that keeps an exception keeps what it knows."""
    copied = copied or (lambda note: pickle.loads(pickle.dumps(note)))  # noqa: S301 - ours
    note = copied(BecameNote.of(an_error()))

    assert str(an_error()) == note
    assert CREATE == note.became


def test_errors_are_pickled() -> None:
    """With their notes, and all that is said of the order."""
    mismatch = OrderMismatchError("Other.", told_at=5.0, state="CONFIRMED")
    mismatch.external_order_id = "o-1"
    mismatch.resumable = False
    mismatch.add_note(BecameNote.of(mismatch))
    away: Any = StoreUnavailable("Away.", outcome=Outcome.UNKNOWN)
    away.resumable = True
    for error in (mismatch, away):
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 - ours

        assert (type(error), str(error)) == (type(again), str(again))
        assert error.__dict__ == again.__dict__
        assert what_became(error) == what_became(again)


def test_a_mismatch_after_a_create() -> None:
    """It does not say that nothing was sent."""
    error = OrderMismatchError("Other.", outcome=Outcome.UNKNOWN)

    assert "Nothing was sent" not in str(error)
    assert "check before sending it again" in str(error)
