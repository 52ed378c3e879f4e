"""allow_strays: whether a create may be repeated, at the cost of strays."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from sesamy_async import (
    InvalidRequestError,
    NewContract,
    Outcome,
    OutcomeUnknownError,
)
from sesamy_async.idempotency import MemoryStore
from sesamy_async.sandbox import Sandbox
from support.calling import AT_ONCE, ORDER, World
from support.marks import every_world
from support.told_orders import PROMO, judged, onboarding, over


def paid(**changes: Any) -> NewContract:
    """Return the order, paid in another way."""
    return attrs.evolve(ORDER, **changes)


BILLED = [
    paid(payment_method="INVOICE"),
    paid(payment_method="invoice "),
    paid(payment_provider="BILLOGRAM"),
    paid(payment_method=None, payment_provider="BILLOGRAM"),
]
OTHERS = [
    ORDER,
    paid(payment_method=None, payment_provider=None),
    paid(payment_method="INVOICES"),
]


def told(
    order: NewContract, world: World, *, stored: bool, **more: Any
) -> tuple[Any, Any, Sandbox]:
    """Onboard an order twice; the answer to its first create is lost."""
    sandbox = Sandbox()
    sandbox.faults.add("drop-after", on="create")
    store = MemoryStore() if stored else False
    call = onboarding(order, **more)
    calls = [call, call] if stored else [call]
    settings = over(store, sandbox, retry=AT_ONCE)
    first, *again = world.run(calls, **settings)
    return first, again[0] if again else None, sandbox


@every_world
@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize(
    ("order", "given"),
    [*((each, None) for each in BILLED), (ORDER, False)],
)
def test_an_interrupted_create_is_not_repeated(
    order: NewContract, given: bool | None, world: World, *, stored: bool
) -> None:
    """An unconfirmed contract may have an invoice; so it is never doubled."""
    first, again, sandbox = told(
        order, world, stored=stored, allow_strays=given
    )
    failed = first.failed

    assert (OutcomeUnknownError, Outcome.UNKNOWN, 1) == first.facts
    assert ("create", False) == (failed.step, failed.retryable)
    assert "onboarded again" not in str(failed)
    assert (1, 0) == judged(sandbox)
    if stored:
        assert isinstance(again.error, OutcomeUnknownError)
    else:
        assert "check before sending it again" in str(failed)


@every_world
@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize(
    ("order", "given"),
    [*((each, None) for each in OTHERS), (BILLED[0], True)],
)
def test_others_are_repeated(
    order: NewContract, given: bool | None, world: World, *, stored: bool
) -> None:
    """A stray of another kind costs nothing, so onboard goes on."""
    first, again, sandbox = told(
        order, world, stored=stored, allow_strays=given
    )

    assert 1 == first.value.strays
    assert (2, 1) == judged(sandbox)
    assert again is None or again.value.repeated


@every_world
@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("wrong", ["no", 1, 0])
def test_wrong_values(wrong: Any, world: World, *, stored: bool) -> None:
    """Nothing is sent then, by either call."""
    sandbox = Sandbox()
    store = MemoryStore() if stored else False
    calls = [
        onboarding(allow_strays=wrong),
        lambda client: client.contracts.create(
            PROMO, ORDER, allow_strays=wrong
        ),
        lambda client: client.contracts.create(
            PROMO, ORDER, allow_strays=wrong, repeatable=True
        ),
        lambda client: client.contracts.create(
            PROMO, ORDER, allow_strays=False, repeatable=True
        ),
    ]
    told: list[str] = []
    for each in world.run(calls, **over(store, sandbox)):
        assert (InvalidRequestError, Outcome.NOT_SENT, 0) == each.facts
        told.append(each.failed.args[0])
    assert [
        *["allow_strays must be True, False or None."] * 3,
        "repeatable=True can't be combined with allow_strays=False.",
    ] == told
    assert 0 == sandbox.ledger.total


@every_world
def test_what_is_no_order(world: World) -> None:
    """It is refused as ever."""
    ending = world.one(
        lambda client: client.contracts.onboard(PROMO, {"id": 1}),
        **over(MemoryStore(), Sandbox()),
    )

    assert "order must be a NewContract" in str(ending.failed)


@every_world
def test_create_with_strays(world: World) -> None:
    """`create` may allow them, too; then the next call creates again."""
    sandbox = Sandbox()
    sandbox.faults.add("drop-after", on="create")

    def create(client: Any) -> Any:
        return client.contracts.create(PROMO, BILLED[0], allow_strays=True)

    store = MemoryStore()
    first, again = world.run([create, create], **over(store, sandbox))

    assert first.failed.retryable
    assert again.value.id
    assert (2, 0) == judged(sandbox)


@every_world
def test_at_once_there_are_no_strays(world: World) -> None:
    """What gives access at once is never repeated, whatever is allowed."""
    sandbox = Sandbox()
    sandbox.faults.add("drop-after", on="create")

    def create(client: Any) -> Any:
        return client.contracts.create(
            PROMO, ORDER, confirm=True, allow_strays=True
        )

    store = MemoryStore()
    first, again = world.run([create, create], **over(store, sandbox))

    assert not first.failed.retryable
    assert isinstance(again.error, OutcomeUnknownError)
    assert (1, 1) == judged(sandbox)
