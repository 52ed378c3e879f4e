"""Calls are counted, by few and impersonal attributes."""

from __future__ import annotations

import os
from typing import Any

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from support.calling import AT_ONCE, World, confirm, create
from support.fault_server import FaultServer
from support.faults import answer, good
from support.marks import every_world
from support.telemetry import Told


DURATION = "sesamy.client.operation.duration"
ATTEMPTS = "sesamy.client.attempts"


def counted(told: Told, name: str) -> dict[tuple[Any, ...], Any]:
    """Return the points of a metric by operation and outcome."""
    names = ("sesamy.operation", "sesamy.outcome")
    return {
        tuple(point.attributes.get(each) for each in names): point
        for point in told.points(name)
    }


@every_world
def test_operations_are_counted(world: World) -> None:
    """By operation and outcome, in seconds, and with all attempts."""
    told = Told()
    steps = [answer(400), answer(503)]
    with FaultServer(steps, good) as server:
        world.run(
            [create, confirm, confirm],
            base_url=server.url,
            middleware=[told.telemetry],
            retry=AT_ONCE,
        )
    durations, attempts = counted(told, DURATION), counted(told, ATTEMPTS)
    refused = ("contracts.create", "REFUSED")
    done = ("contracts.confirm", "DONE")

    assert {refused: 1, done: 2} == {
        key: point.count for key, point in durations.items()
    }
    assert {"contracts.create": 1, "contracts.confirm": 3} == {
        operation: point.value for (operation, _), point in attempts.items()
    }
    assert 0 < durations[done].sum < 20
    assert {
        "sesamy.operation": "contracts.create",
        "sesamy.outcome": "REFUSED",
        "sesamy.retryable": False,
        "error.type": "BadRequestError",
        "http.response.status_code": 400,
    } == dict(durations[refused].attributes)
    # Not an enum: a console exporter would print its repr.
    assert str is type(durations[refused].attributes["sesamy.outcome"])
    assert {
        "sesamy.operation": "contracts.confirm",
        "sesamy.outcome": "DONE",
    } == dict(durations[done].attributes)


def test_units_and_buckets() -> None:
    """They fit calls that wait and are sent again."""
    told = Told()
    with FaultServer([], good) as server:
        World.BLOCKING.one(
            create, base_url=server.url, middleware=[told.telemetry]
        )
    units = {each.name: each.unit for each in told.metrics()}
    [point] = told.points(DURATION)

    assert {DURATION: "s", ATTEMPTS: "{attempt}"} == units
    assert (0.005, 120.0) == (
        point.explicit_bounds[0],
        point.explicit_bounds[-1],
    )


def test_a_point_leads_to_a_trace() -> None:
    """The SDK keeps an example of the calls that were traced."""
    told = Told()
    with FaultServer([], good) as server:
        World.BLOCKING.one(
            create, base_url=server.url, middleware=[told.telemetry]
        )
    [point] = told.points(DURATION)
    context = told.span.context

    assert context is not None
    assert [context.trace_id] == [each.trace_id for each in point.exemplars]


@every_world
def test_what_is_not_traced_is_counted(world: World) -> None:
    """Metrics are of all calls, whatever the sampler says."""
    told = Told(ALWAYS_OFF)
    with FaultServer([], good) as server:
        world.one(create, base_url=server.url, middleware=[told.telemetry])

    assert () == told.spans
    assert [1] == [each.count for each in told.points(DURATION)]


def test_what_was_not_sent_has_no_attempts() -> None:
    """A middleware that refuses an order is no attempt."""
    told = Told()

    async def refuse(call: Any, proceed: Any) -> Any:
        del call, proceed

    World.BLOCKING.one(create, middleware=[told.telemetry, refuse])

    assert [1] == [each.count for each in told.points(DURATION)]
    assert [] == told.points(ATTEMPTS)


def test_attempts_of_many_threads() -> None:
    """None is lost."""
    told = Told()
    with FaultServer([], good) as server:
        World.BLOCKING.together(
            [create] * 40, base_url=server.url, middleware=[told.telemetry]
        )

    assert [40] == [each.value for each in told.points(ATTEMPTS)]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="There is no fork.")
def test_attempts_of_a_child() -> None:
    """A forked process does not report those of its parent again."""
    told = Told()
    with FaultServer([], good) as server:
        World.BLOCKING.one(
            create, base_url=server.url, middleware=[told.telemetry]
        )
    child = os.fork()
    if child == 0:
        points = 99
        try:
            points = len(told.points(ATTEMPTS))
        finally:
            os._exit(points)
    _, status = os.waitpid(child, 0)

    assert 0 == os.waitstatus_to_exitcode(status)
    assert 1 == len(told.points(ATTEMPTS))

    # What the child did, where its lines are counted.
    told.telemetry._attempts.after_fork()

    assert [] == told.points(ATTEMPTS)
