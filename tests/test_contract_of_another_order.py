"""A contract that was given to one order is not believed to be another's."""

from __future__ import annotations

import threading
from enum import StrEnum
from typing import Any

import attrs
import httpx
import pytest

from sesamy_async import (
    AsyncSesamy,
    ConfigurationError,
    Outcome,
    RetryPolicy,
    Sesamy,
    StaticToken,
    UnreadableResponseError,
)
from sesamy_async.core.recent_ids import RecentIds
from support.calling import (
    AT_ONCE,
    ORDER,
    Operation,
    World,
    confirm,
    create,
    onboard,
)
from support.fault_server import FaultServer, Peer
from support.faults import answer, good, message
from support.marks import every_world
from support.reaching import direct


QUICK = RetryPolicy(base=0.0)


class Shop(StrEnum):
    """Ids, as some people write them down."""

    FIRST = "A"


def order(name: str) -> Any:
    """Return an order with this id."""
    return attrs.evolve(ORDER, external_order_id=name)


def onboarded(name: str) -> Operation:
    """Return an onboarding of the order with this id."""
    return lambda client: client.contracts.onboard("SPRING", order(name))


def copied(peer: Peer) -> None:
    """Answer; and once more, when the next request is on its way."""
    peer.read_request()
    first = message(201, {"id": f"c-{peer.number_of_requests}"})
    peer.send(first)
    if peer.next_request_begins():
        peer.send(first)


def cached(request: httpx.Request) -> httpx.Response:
    """Answer like a gateway that knows a POST by its URL only."""
    name = request.url.path.rpartition("/")[2]
    return httpx.Response(200, json={"id": "c1" if name == "P" else name})


def a_client(**settings: Any) -> AsyncSesamy:
    """Return a client behind such a gateway."""
    return AsyncSesamy(
        "acme",
        auth=StaticToken("t"),
        transport=httpx.MockTransport(cached),
        retry=QUICK,
        rate_limit=None,
        **settings,
    )


@every_world
def test_a_late_copy_of_an_answer(world: World) -> None:
    """The next order gets a contract of its own, over another connection."""
    with FaultServer([copied], good) as server:
        first, second = world.run(
            [create, onboarded("B")], retry=AT_ONCE, **direct(server)
        )
    confirms = [each.target for each in server.received[3:]]

    assert ("c-1", "c-3", 1) == (
        first.value.id,
        second.value.contract.id,
        second.value.strays,
    )
    assert ["c-3"] == [each.rpartition("/")[2] for each in confirms]
    assert 2 == server.connections


@every_world
def test_a_late_copy_is_no_answer_to_a_confirm(world: World) -> None:
    """A confirm that gets another contract is repeated elsewhere."""
    with FaultServer([copied], good) as server:
        _, ending = world.run([create, confirm], **direct(server))
    with FaultServer([copied], good) as again:
        _, repeated = world.run(
            [create, confirm], retry=AT_ONCE, **direct(again)
        )

    assert (UnreadableResponseError, Outcome.UNKNOWN, 1) == ending.facts
    assert ("c-9", 2) == (repeated.value.id, again.connections)


@every_world
@pytest.mark.parametrize(
    ("status", "connections"), [(503, 2), (408, 2), (400, 1), (429, 1)]
)
def test_what_nobody_knows_spoils_a_connection(
    status: int, connections: int, world: World
) -> None:
    """Such an answer may be a copy, too: then the true one comes next."""
    with FaultServer([answer(status)], good) as server:
        world.run([create, onboard], **direct(server))

    assert connections == server.connections


async def test_a_gateway_that_caches() -> None:
    """Of five orders, one gets the contract; of the others nobody knows."""
    told: list[object] = []
    async with a_client() as client:
        for name in "ABCDE":
            try:
                done = await client.contracts.onboard("P", order(name))
                told.append(done.contract.id)
            except UnreadableResponseError as error:
                told.append((error.outcome, error.step, error.attempts))

    assert ["c1"] + [(Outcome.UNKNOWN, "create", 4)] * 4 == told


async def test_a_create_that_is_not_repeated() -> None:
    """Its error says what came, and that somebody has to look."""
    async with a_client() as client:
        await client.contracts.create("P", order("A"), confirm=True)
        with pytest.raises(UnreadableResponseError) as caught:
            await client.contracts.create("P", order("B"), confirm=True)

    error = caught.value
    assert (Outcome.UNKNOWN, 1, False) == (
        error.outcome,
        error.attempts,
        error.retryable,
    )
    assert (
        "contracts.create of order 'B': The answer has status 200, but its "
        "contract was given to another order before (if orders may share "
        "one, make the client with shared_contracts=True) (content type "
        "application/json, 11 bytes). Outcome: UNKNOWN. It may or may not "
        "have been done; look before sending it again."
    ) == str(error)


async def test_copies_of_a_client_know_the_same() -> None:
    """What one of them was given, the others know."""
    async with a_client() as client:
        await client.with_options(timeout=5).contracts.create("P", order("A"))
        with pytest.raises(UnreadableResponseError):
            await client.contracts.create("P", order("B"))


async def test_the_same_order_again() -> None:
    """Its own contract is its own, however its id is written."""
    async with a_client() as client:
        ids = [
            (await client.contracts.create("P", order(name), vendor_id=to)).id
            for name, to in [
                ("A", None),
                (Shop.FIRST, None),
                ("A", "acme"),
            ]
        ]

    assert ["c1"] * 3 == ids


async def test_each_vendor_has_ids_of_its_own() -> None:
    """Two publishers may have contracts of the same id."""
    async with a_client() as client:
        await client.contracts.create("P", order("A"))
        other = await client.contracts.create(
            "P", order("B"), vendor_id="other"
        )

    assert "c1" == other.id


@pytest.mark.parametrize("shared", [True, False])
async def test_shared_contracts(shared: bool) -> None:
    """Who knows that orders share contracts can say so."""
    async with a_client(shared_contracts=shared) as client:
        says = client.shared_contracts
        await client.contracts.create("P", order("A"))
        try:
            second = (await client.contracts.create("P", order("B"))).id
        except UnreadableResponseError:
            second = ""

    assert (shared, "c1" if shared else "") == (says, second)


def test_shared_contracts_is_a_switch() -> None:
    """Nothing else is taken for a yes."""
    wrong: Any = "no"
    with pytest.raises(ConfigurationError, match="shared_contracts must be"):
        Sesamy("acme", auth=StaticToken("t"), shared_contracts=wrong)


def test_the_latest_ids_are_remembered() -> None:
    """The oldest are forgotten; one that was seen again is not old."""
    recent = RecentIds(most=2)
    for contract in ("c1", "c2", "c1", "c3"):
        recent.belongs("acme", contract, contract.upper())

    assert [False, False] == [
        recent.belongs("acme", contract, "D") for contract in ("c1", "c3")
    ]
    assert recent.belongs("acme", "c2", "D")


def test_a_contract_stays_with_its_first_order() -> None:
    """Who asks for it in vain does not get it by that."""
    recent = RecentIds()
    said = [recent.belongs("acme", "c1", name) for name in "ABBA"]

    assert [True, False, False, True] == said


def test_one_of_many_threads_gets_it() -> None:
    """However many orders are given a contract at once."""
    recent = RecentIds()
    ready = threading.Barrier(8)
    said: list[bool] = []

    def ask(name: str) -> None:
        ready.wait()
        said.append(recent.belongs("acme", "c1", name))

    threads = [threading.Thread(target=ask, args=(n,)) for n in "ABCDEFGH"]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert 1 == sum(said)


def test_after_a_fork() -> None:
    """A lock that another thread held in the parent holds up nobody."""
    recent = RecentIds()
    recent._lock.acquire()
    recent.after_fork()

    assert recent.belongs("acme", "c1", "A")
