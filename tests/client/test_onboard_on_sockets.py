"""What fails on a real socket inside onboard makes no second contract."""

from __future__ import annotations

import pytest

from sesamy_async import (
    APIError,
    BadRequestError,
    ConflictError,
    ConnectionFailedError,
    Outcome,
)
from support.calling import AT_ONCE, World, onboard
from support.failure_rows import QUICK, REFUSED, Row
from support.fault_server import FaultServer, Step
from support.faults import (
    answer,
    close_answer,
    good,
    message,
    raw,
    reset_first,
)
from support.marks import each_of, every_world
from support.patience import patiently
from support.reaching import direct
from support.tls import server_context


@every_world
@each_of(*QUICK)
def test_onboard_counts_strays(row: Row, world: World) -> None:
    """A create inside onboard whose answer is lost is a possible stray."""

    def attempt(timeout: float) -> tuple[object, ...]:
        with row.server() as server:
            ending = world.one(
                onboard,
                retry=AT_ONCE,
                **{**row.settings(server), "timeout": timeout},
            )
        if ending.error is not None:
            return (ending.error,)
        made = ending.value
        return made.strays, made.contract.id, server.operations

    creates = ["create"] * (row.received + 1)
    expected = 1, f"c-{len(creates)}", [*creates, "confirm"]

    assert expected == patiently(expected, attempt)


@every_world
@each_of(*REFUSED)
def test_onboard_ends_at_a_refusal(row: Row, world: World) -> None:
    """A refused create is not sent again, and nothing is confirmed."""
    with row.server() as server:
        settings = row.settings(server)
        ending = world.one(onboard, retry=AT_ONCE, **settings)

    assert (row.error, Outcome.REFUSED, 1) == ending.facts
    assert "create" == ending.failed.step
    assert ["create"] == server.operations


@every_world
@pytest.mark.parametrize(
    ("status", "error"), [(409, ConflictError), (400, BadRequestError)]
)
def test_a_refusal_after_doubt_is_doubtful(
    status: int, error: type[APIError], world: World
) -> None:
    """What an earlier create may have done, a refusal can't undo."""
    with FaultServer([answer(503), answer(status)], good) as server:
        ending = world.one(onboard, retry=AT_ONCE, **direct(server))

    assert (error, Outcome.UNKNOWN, 2) == ending.facts
    assert "create" == ending.failed.step
    assert ["create", "create"] == server.operations


@every_world
@pytest.mark.parametrize(
    ("step", "outcome", "attempts"),
    [
        (answer(400), Outcome.REFUSED, 1),
        (answer(503), Outcome.UNKNOWN, 3),
        (close_answer, Outcome.UNKNOWN, 3),
        (answer(200, b"{"), Outcome.APPLIED, 3),
    ],
    ids=["refused", "answered 503", "not answered", "unreadable"],
)
def test_a_failed_confirm_names_the_contract(
    step: Step, outcome: Outcome, attempts: int, world: World
) -> None:
    """Where onboard stops at the confirm, it says which contract to."""
    with FaultServer([good], step) as server:
        ending = world.one(onboard, retry=AT_ONCE, **direct(server))
    error = ending.failed

    assert (outcome, 1 + attempts) == (error.outcome, error.attempts)
    assert ("confirm", "c-1") == (error.step, error.contract_id)
    assert ["create"] + ["confirm"] * attempts == server.operations


@every_world
def test_a_confirm_that_is_not_sent(world: World) -> None:
    """The contract was made before, so the order is not NOT_SENT."""
    made = raw(message(201, {"id": "c-1"}, {"Connection": "close"}))
    context = server_context()
    with FaultServer([made], reset_first, context=context) as server:
        ending = world.one(onboard, retry=AT_ONCE, **direct(server))
    error = ending.failed

    assert (ConnectionFailedError, Outcome.UNKNOWN, 4) == ending.facts
    assert ("confirm", "c-1") == (error.step, error.contract_id)
    assert ["create"] == server.operations


@every_world
def test_a_create_that_is_never_readable(world: World) -> None:
    """Inside onboard strays are all it made, so it is not APPLIED."""
    with FaultServer([], answer(201, b"{")) as server:
        ending = world.one(onboard, retry=AT_ONCE, **direct(server))

    assert Outcome.UNKNOWN is ending.outcome
    assert "create" == ending.failed.step
    assert ["create"] * 3 == server.operations
