"""A store of orders keeps, shows and logs nothing personal or secret."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from sesamy_async import Call, Proceed, Response, SesamyError, what_became
from sesamy_async.idempotency import StoreUnavailable
from sesamy_async.sandbox import Sandbox
from support.calling import Operation, World
from support.canaries import CANARIES, ORDER, found_in
from support.marks import every_world
from support.sinks import SINKS, Left, values_of
from support.telemetry import Told
from support.told_orders import PROMO, WITHIN, WatchedStore, failing, over


pytestmark = pytest.mark.usefixtures("loud")


def onboard(client: Any) -> Any:
    """Onboard all that is personal."""
    return client.contracts.onboard(
        PROMO, ORDER, provider_payment_data=CANARIES
    )


def at_once(client: Any) -> Any:
    """Create it, confirmed."""
    return client.contracts.create(PROMO, ORDER, confirm=True)


def with_a_mistake(client: Any) -> Any:
    """Raise all that is personal before the confirm."""

    def fail(_: object) -> None:
        raise SesamyError("Of theirs.")

    return client.contracts.onboard(PROMO, ORDER, on_created=fail)


def broken(store: WatchedStore, method: str) -> None:
    """Let a method of the store fail, with a secret in its words."""
    words = f"redis://u:{CANARIES['secret']}@host {CANARIES['email']}"
    store.before[method] = failing(OSError(words))


SCENES: dict[str, Any] = {
    "done": lambda *_: None,
    "look fails": lambda store, _: broken(store, "look"),
    "claim fails": lambda store, _: broken(store, "claim"),
    "first fails": lambda store, _: broken(store, "first"),
    "mark fails": lambda store, _: broken(store, "mark"),
    "salt fails": lambda store, _: broken(store, "salt"),
    "down": lambda store, _: store.before.update(
        first=failing(StoreUnavailable("Down.", retryable=False))
    ),
    "lost": lambda _, sandbox: sandbox.faults.add("drop-after", on="create"),
    "refused": lambda _, sandbox: sandbox.faults.add(
        "status:400", on="create"
    ),
    "confirm refused": lambda _, sandbox: sandbox.faults.add(
        "status:403", on="confirm"
    ),
    "claimed": lambda store, _: store.claim_for_others(careful=False),
}


@every_world
@pytest.mark.parametrize("call", [onboard, at_once, with_a_mistake])
@pytest.mark.parametrize("scene", SCENES)
def test_nothing_leaks(
    scene: str,
    call: Operation,
    world: World,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However a call ends, no sink shows any of the canaries."""
    monkeypatch.setattr("sesamy_async._once.PATIENCE", 0.05)
    store, sandbox = WatchedStore(), Sandbox()
    SCENES[scene](store, sandbox)
    objects: list[object] = [store]

    async def spy(given: Call, proceed: Proceed) -> Response:
        objects.extend((given, given.record))
        return await proceed(given)

    told = Told()
    settings = over(
        store, sandbox, middleware=[told.telemetry, spy], deadline=1.0
    )
    if scene == "claimed":
        settings["deadline"] = 0.1
    ending = world.one(call, **settings)
    if ending.error is not None:
        objects.append(what_became(ending.error))
        logging.getLogger("theirs").error("It failed.", exc_info=ending.error)
    objects.extend(store.entries(within=WITHIN))
    left = Left(
        error=ending.error,
        objects=tuple(objects),
        logged=(
            caplog.text,
            *map(values_of, caplog.records),
            repr(vars(store)["_records"]),
        ),
        told=told,
    )
    leaks = {
        name: found
        for name, sink in SINKS.items()
        if (found := found_in("\n".join(sink(left))))
    }

    assert {} == leaks
