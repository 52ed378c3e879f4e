"""An onboarding is a span, and counted, with its two calls inside."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from opentelemetry.trace import SpanKind, StatusCode

from sesamy_async import AsyncSesamy
from sesamy_async.idempotency import MemoryStore
from support.calling import AT_ONCE, ORDER, World, complete, onboard
from support.fault_server import FaultServer, Step
from support.faults import answer, good, message, reset_answer, silent
from support.marks import every_loop, every_world
from support.telemetry import Told


STEPS = ["contracts.create", "contracts.confirm"]
WHOLE = "contracts.onboard"


def sent_again(world: World, told: Told, *steps: Step, **settings: Any) -> Any:
    """Onboard an order."""
    with FaultServer(steps, good) as server:
        return world.one(
            onboard,
            base_url=server.url,
            middleware=[told.telemetry],
            retry=AT_ONCE,
            **settings,
        )


@every_world
def test_spans(world: World) -> None:
    """It is INTERNAL around CLIENT spans, for it sends nothing itself."""
    told = Told()
    sent_again(world, told, answer(429))
    whole = told.named(WHOLE)
    steps = [told.named(step) for step in STEPS]

    assert SpanKind.INTERNAL is whole.kind
    assert {
        "sesamy.operation": "contracts.onboard",
        "sesamy.outcome": "DONE",
        "sesamy.attempts": 3,
        "sesamy.external_order_id": "order-1",
    } == dict(whole.attributes or {})
    assert [whole.context] * 2 == [step.parent for step in steps]
    assert [SpanKind.CLIENT] * 2 == [step.kind for step in steps]


@every_world
def test_metrics(world: World) -> None:
    """Attempts are counted once, with the calls that made them."""
    told = Told()
    sent_again(world, told, answer(429))
    durations = told.points("sesamy.client.operation.duration")
    attempts = told.points("sesamy.client.attempts")

    assert sorted([*STEPS, WHOLE]) == sorted(
        point.attributes["sesamy.operation"] for point in durations
    )
    assert {STEPS[0]: 2, STEPS[1]: 1} == {
        point.attributes["sesamy.operation"]: point.value for point in attempts
    }


@every_world
def test_traceparents(world: World) -> None:
    """Each call names its own span, and not that of the whole."""
    told = Told(propagate=True)
    heard: list[str] = []

    def step(peer: Any) -> None:
        heard.append(peer.read_request().headers["traceparent"])
        peer.send(message(201, {"id": "c-1"}))

    sent_again(world, told, step, step)
    spans: list[Any] = [told.named(step) for step in STEPS]

    assert [f"{span.context.span_id:016x}" for span in spans] == [
        each.split("-")[2] for each in heard
    ]


@every_world
def test_one_that_stops_between(world: World) -> None:
    """Its outcome is that of the order, and not that of the second step."""
    told = Told()
    ending = sent_again(
        world, told, good, answer(401, {"error": {"code": "x"}})
    )
    whole, confirm = told.named(WHOLE), told.named(STEPS[1])
    assert whole.attributes
    assert confirm.attributes

    assert [ending.outcome, "UnauthorizedError", ending.failed.retryable] == [
        whole.attributes[name]
        for name in ("sesamy.outcome", "error.type", "sesamy.retryable")
    ]
    assert "REFUSED" == confirm.attributes["sesamy.outcome"]
    assert "http.response.status_code" not in whole.attributes
    assert StatusCode.ERROR is whole.status.status_code


@every_world
def test_one_in_doubt(world: World) -> None:
    """Over a store, it says whether the same call goes on from there."""
    told = Told()
    sent_again(world, told, *[reset_answer] * 3, idempotency=MemoryStore())
    whole = told.named(WHOLE)
    assert whole.attributes

    assert ("UNKNOWN", True) == (
        whole.attributes["sesamy.outcome"],
        whole.attributes["sesamy.retryable"],
    )


@every_world
def test_one_that_is_known(world: World) -> None:
    """What the store knows is no call, but an operation all the same."""
    told = Told()
    with FaultServer([], good) as server:
        world.run(
            [onboard, onboard],
            base_url=server.url,
            middleware=[told.telemetry],
            idempotency=MemoryStore(),
        )
    names = [each.name for each in told.spans]
    again = told.spans[-1]

    assert [*STEPS, WHOLE, WHOLE] == names
    assert again.attributes
    assert "DONE" == again.attributes["sesamy.outcome"]
    assert "sesamy.attempts" not in again.attributes


@every_loop
@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (0, ["UNKNOWN", "UNKNOWN", None]),
        # The create is done, and the confirm may be: look at the contract.
        (1, ["UNKNOWN", "DONE", "UNKNOWN"]),
    ],
)
def test_one_that_is_cancelled(
    answers: int, expected: list[str | None], backend: str
) -> None:
    """All its spans end, each with what is known of it."""
    told = Told()

    async def main(url: str) -> None:
        settings = complete({"base_url": url, "middleware": [told.telemetry]})
        async with AsyncSesamy(**settings) as client:
            with anyio.move_on_after(0.3):
                await client.contracts.onboard("SPRING", ORDER)

    with FaultServer([good] * answers, silent) as server:
        anyio.run(main, server.url, backend=backend)
    ends = {
        each.name: (each.attributes or {})["sesamy.outcome"]
        for each in told.spans
    }

    assert expected == [ends.get(each) for each in (WHOLE, *STEPS)]


@every_loop
def test_one_that_waits_for_a_token(backend: str) -> None:
    """Nothing was sent, whatever an error from before says."""
    told = Told()

    async def ask() -> str:
        await anyio.sleep_forever()
        raise AssertionError

    async def main() -> None:
        settings = complete({"auth": ask, "middleware": [told.telemetry]})
        async with AsyncSesamy(**settings) as client:
            with anyio.move_on_after(0.3):
                await client.contracts.onboard("SPRING", ORDER)

    anyio.run(main, backend=backend)

    assert ["NOT_SENT"] * 2 == [
        (each.attributes or {})["sesamy.outcome"] for each in told.spans
    ]
