"""Calls over a store of orders: all they say where they end early."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any

import attrs
import httpx
import pytest

from sesamy_async import (
    Call,
    Outcome,
    Proceed,
    Response,
    Sesamy,
    SesamyError,
    User,
    what_became,
)
from sesamy_async.errors import Became, BecameNote
from sesamy_async.idempotency import OrderState
from sesamy_async.sandbox import BASE_URL
from support.calling import ORDER, Operation, World, complete
from support.told_orders import (
    WatchedStore,
    always_c1,
    create,
    create_at_once,
    failing,
    onboard,
    onboard_strictly,
    onboarding,
)


SAFE = "Nothing was sent, so it can be sent again."
GO_ON = (
    "The store of orders knows how far the order has come: make the same "
    "call again to continue."
)
LOOK = (
    "Check whether Sesamy has a contract for this order, and record what "
    "you find: sesamy orders settle --help."
)
OTHER = attrs.evolve(ORDER, user_data=User(email="other@example.com"))

Prepare = Callable[[WatchedStore], object]


def over(store: WatchedStore) -> dict[str, Any]:
    """Return settings with which each contract is called "c-1"."""
    return {
        "base_url": BASE_URL,
        "idempotency": store,
        "transport": httpx.MockTransport(always_c1),
    }


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Let local time be another one than UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "XST-9")
        time.tzset()
        yield
    time.tzset()


def claimed(store: WatchedStore, *, careful: bool, later: float) -> None:
    """Let another call claim the order, some time ago."""
    store.claim_for_others(careful=careful)
    store.time += later


def told(store: WatchedStore) -> None:
    """Onboard the order, with other data, an hour ago."""
    World.BLOCKING.one(onboarding(OTHER), **over(store))
    store.time += 3600.0


def shares(store: WatchedStore) -> None:
    """Let another order have the contract that Sesamy will name."""
    order = attrs.evolve(ORDER, external_order_id="order-2")
    World.BLOCKING.one(onboarding(order), **over(store))


def removed(store: WatchedStore) -> None:
    """Let a person remove the order meanwhile."""
    store.before["first"] = store._records.clear


def settled(store: WatchedStore) -> None:
    """Let a person settle the order meanwhile."""

    def settle() -> None:
        store._records.clear()
        store.put(OrderState.CONFIRMED, "theirs")

    store.before["first"] = settle


@attrs.frozen
class Said:
    """What an error says.

    Attributes:
        words: Of this error.
        advice: What to do.
        resumable: Whether the same call goes on.
        contract: The id of the contract, if it names one.
        attempts: How often it was sent.
        kind: The name of its class.
        outcome: What happened to the order.
    """

    words: str
    advice: str
    resumable: bool | None
    contract: str | None = None
    attempts: int = 0
    kind: str = "OutcomeUnknownError"
    outcome: Outcome = Outcome.UNKNOWN


BUSY = Said(
    "Another call is onboarding the order, and did not end before the "
    "deadline.",
    GO_ON,
    resumable=True,
    kind="DeadlineExceededError",
)
CUT_OFF = Said(
    "An earlier create of the order was cut off. Continue with "
    "contracts.onboard and allow_strays=True; at worst an unconfirmed "
    "contract is left over.",
    LOOK,
    resumable=False,
)
BEFORE = Said(
    "The order was sent before, and its outcome is unknown.",
    LOOK,
    resumable=False,
)
ONBOARDED = Said(
    "The order is being onboarded: continue with contracts.onboard.",
    "It may or may not have been done; check before sending it again.",
    resumable=False,
    contract="theirs",
)
DIFFERS = Said(
    "The order was reported before with other data or another promo code, "
    "on 2027-01-15 at 08:00 UTC, and is CONFIRMED.",
    "Nothing was sent. If it is another order, give it its own id.",
    resumable=False,
    contract="c-1",
    kind="OrderMismatchError",
    outcome=Outcome.NOT_SENT,
)
SHARED = Said(
    "The response names a contract that the store of orders has for another "
    "order (if orders may share a contract, create the client with "
    "shared_contracts=True).",
    GO_ON,
    resumable=True,
    attempts=1,
    kind="UnreadableResponseError",
)
CHANGED = Said(
    "A contract was created, but the store of orders changed in the "
    "meantime, so the contract does not count: the order has to be checked, "
    "or was removed from the store.",
    LOOK,
    resumable=False,
    attempts=1,
)
ERRORS: dict[str, tuple[Prepare, Operation, Said]] = {
    "another call is busy": (
        lambda store: claimed(store, careful=False, later=0.0),
        onboard,
        BUSY,
    ),
    "a create was cut off": (
        lambda store: claimed(store, careful=False, later=61.0),
        onboard_strictly,
        CUT_OFF,
    ),
    "a careful create was cut off": (
        lambda store: claimed(store, careful=True, later=61.0),
        create,
        BEFORE,
    ),
    "in doubt": (
        lambda store: store.put(OrderState.UNKNOWN),
        create_at_once,
        BEFORE,
    ),
    "another call confirms": (
        lambda store: store.put(OrderState.CREATED, "theirs"),
        create_at_once,
        ONBOARDED,
    ),
    "other data": (told, onboard, DIFFERS),
    "shared": (shares, onboard, SHARED),
    "shared, careful": (
        shares,
        create_at_once,
        attrs.evolve(SHARED, advice=LOOK, resumable=False),
    ),
    "removed": (removed, onboard, CHANGED),
    "settled": (settled, create_at_once, CHANGED),
}


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str) -> None:
    """Each error says what is known of the order, and what to do."""
    prepare, call, said = ERRORS[name]
    store = WatchedStore()
    prepare(store)
    failed = World.BLOCKING.one(
        call,
        **over(store),
        deadline=0.1 if said is BUSY else 20.0,
    ).failed
    onboards = call in {onboard, onboard_strictly}
    operation = "contracts.onboard" if onboards else "contracts.create"
    text = f"{operation} of order 'order-1': {said.words} Outcome: "

    assert f"{text}{said.outcome}. {said.advice}" == str(failed)
    assert said == Said(
        str(failed.args[0]),
        said.advice,
        failed.resumable,
        failed.contract_id,
        failed.attempts,
        type(failed).__name__,
        failed.outcome,
    )
    assert operation == failed.operation
    assert ("create" if onboards else None) == failed.step


def test_what_a_middleware_hears_of_another_call() -> None:
    """It sees the error that lets its call look into the store again."""
    store, heard = WatchedStore(), list[str]()

    async def listen(call: Call, proceed: Proceed) -> Response:
        try:
            return await proceed(call)
        except SesamyError as error:
            heard.append(str(error))
            raise

    def snatch() -> None:
        store._records.clear()
        store.put(OrderState.CONFIRMED, "theirs")

    store.before["claim"] = snatch
    ending = World.BLOCKING.one(
        create,
        **over(store),
        middleware=[listen],
    )
    words = "Another call claimed the order first. Outcome: NOT_SENT."

    assert "theirs" == ending.value.id
    assert [f"contracts.create of order 'order-1': {words} {SAFE}"] == heard


def stop(*_: object) -> Any:
    """Do as Ctrl-C does."""
    raise KeyboardInterrupt


async def stop_after(call: Call, proceed: Proceed) -> Response:
    """Stop between a create and what follows; this is a middleware."""
    response = await proceed(call)
    if call.operation == "contracts.create":
        raise KeyboardInterrupt
    return response


def in_store(method: str) -> Callable[[WatchedStore], dict[str, Any]]:
    """Return what stops a call while it asks the store, the first time."""

    def prepare(store: WatchedStore) -> dict[str, Any]:
        store.before[method] = failing(KeyboardInterrupt(), times=1)
        return {}

    return prepare


def unwritten(store: WatchedStore) -> dict[str, Any]:
    """Let the store be down when a contract has been made."""
    store.before["first"] = failing()
    return {"middleware": [stop_after]}


MOMENTS: dict[str, Callable[[WatchedStore], dict[str, Any]]] = {
    "looks": in_store("look"),
    "claims": in_store("claim"),
    "sends": lambda _: {"transport": httpx.MockTransport(stop)},
    "writes": in_store("first"),
    "can't write": unwritten,
    "has written": lambda _: {"middleware": [stop_after]},
}
Left = tuple[OrderState, int] | None
FREE = None
LOST = (OrderState.CLAIMED, 1)
DOUBT = (OrderState.UNKNOWN, 0)
CREATED = (OrderState.CREATED, 0)
CONFIRMED = (OrderState.CONFIRMED, 0)
Noted = tuple[Outcome, str, str, Left]
UNSENT: Noted = (Outcome.NOT_SENT, "create", SAFE, FREE)
REPEATED: Noted = (Outcome.UNKNOWN, "create", GO_ON, LOST)
DOUBTED: Noted = (Outcome.UNKNOWN, "create", LOOK, DOUBT)
CONFIRMABLE: Noted = (Outcome.UNKNOWN, "confirm", GO_ON, CREATED)
MADE: Noted = (Outcome.APPLIED, "create", GO_ON, CREATED)
MADE_AT_ONCE: Noted = (Outcome.APPLIED, "create", GO_ON, CONFIRMED)
NOTES: list[tuple[str, Operation, Noted]] = [
    ("looks", onboard, UNSENT),
    ("looks", create_at_once, UNSENT),
    ("claims", onboard, UNSENT),
    ("claims", create_at_once, UNSENT),
    ("sends", onboard, REPEATED),
    ("sends", onboard_strictly, DOUBTED),
    ("sends", create, REPEATED),
    ("sends", create_at_once, DOUBTED),
    ("writes", onboard, CONFIRMABLE),
    ("writes", onboard_strictly, CONFIRMABLE),
    ("writes", create, MADE),
    ("writes", create_at_once, MADE_AT_ONCE),
    ("can't write", onboard, REPEATED),
    ("can't write", onboard_strictly, DOUBTED),
    ("can't write", create, (Outcome.APPLIED, "create", GO_ON, LOST)),
    ("can't write", create_at_once, (Outcome.APPLIED, "create", LOOK, DOUBT)),
    ("has written", onboard, CONFIRMABLE),
    ("has written", create, MADE),
    ("has written", create_at_once, MADE_AT_ONCE),
]


@pytest.mark.parametrize(
    ("moment", "call", "noted"),
    NOTES,
    ids=[f"{moment}-{call.__name__}" for moment, call, _ in NOTES],
)
def test_notes(moment: str, call: Operation, noted: Noted) -> None:
    """A call that is stopped notes how far the order has come.

    An onboarding notes it twice: as a create, and as a whole.
    """
    outcome, step, advice, left = noted
    store = WatchedStore()
    settings = over(store) | MOMENTS[moment](store)
    with (
        Sesamy(**complete(settings)) as client,
        pytest.raises(KeyboardInterrupt) as caught,
    ):
        call(client)
    made = None if left not in {CREATED, CONFIRMED} else "c-1"
    operations = ["contracts.create"]
    if call in {onboard, onboard_strictly}:
        operations.append("contracts.onboard")
    notes: list[Any] = caught.value.__notes__[-len(operations) :]
    record = store.record()

    assert [
        f"{each} of order 'order-1': Interrupted. Outcome: {outcome}. {advice}"
        for each in operations
    ] == notes
    assert all(isinstance(each, BecameNote) for each in notes)
    assert {Became("order-1", step, outcome, made)} == {
        each.became for each in notes
    }
    assert what_became(caught.value) == notes[-1].became
    assert left == (record and (record.state, record.strays))
    assert made == (record and record.contract_id)
