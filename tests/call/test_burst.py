"""Of a burst, each onboarding is done as a whole, or not begun."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import anyio
import attrs
import httpx
import pytest

from sesamy_async import (
    AsyncSesamy,
    Call,
    Connections,
    DeadlineExceededError,
    Outcome,
    Proceed,
    RateLimit,
    Response,
    RetryPolicy,
    StaticToken,
)
from sesamy_async.sandbox import Limit, Sandbox, SandboxConfig, running
from support import virtual_time
from support.calling import ORDER, Ending, World, awaited
from support.marks import every_loop, every_world


FIVE = 300  # Requests a minute: five a second.


@attrs.frozen(kw_only=True)
class Burst:
    """What came of a burst, by the ledger."""

    confirmed: int  # Orders with a contract that gives access.
    made: int  # Orders with one that doesn't.
    endings: Counter[str]  # How the calls ended.
    throttled: int  # Requests that were answered 429.


def onboarding(number: int) -> Callable[[Any], Any]:
    """Return the operation that onboards that order."""
    order = attrs.evolve(ORDER, external_order_id=f"o-{number}")
    return lambda client: client.contracts.onboard("SPRING-12", order)


def burst_of(sandbox: Sandbox, endings: Sequence[Ending]) -> Burst:
    """Count what came of it."""
    orders = sandbox.ledger.orders
    confirmed = sum(bool(sandbox.ledger.confirmed(each)) for each in orders)
    return Burst(
        confirmed=confirmed,
        made=len(orders) - confirmed,
        endings=Counter(
            "done" if each.error is None else each.failed.outcome.value
            for each in endings
        ),
        throttled=sandbox.ledger.requests(status=429),
    )


def at_once(
    backend: str,
    count: int,
    *,
    burst: int,
    each: float = 0.0,
    delay: float = 0.05,
    faults: Sequence[str] = (),
    **settings: Any,
) -> Burst:
    """Onboard `count` orders, with `each` seconds between two.

    An answer takes `delay` seconds; `faults` happen to the first creates.
    """
    limit = Limit(requests_per_minute=FIVE, burst=burst)

    async def main(now: Callable[[], float]) -> Burst:
        config = SandboxConfig(rate_limit=limit, seed=1)
        sandbox = Sandbox(config, clock=now)
        for fault in faults:
            sandbox.faults.add(fault, on="create")
        for step in ("create", "confirm"):
            sandbox.faults.add(f"delay:{delay}", times=9999, on=step)
        sandbox.faults.add("delay:0.3", on="token")
        endings: list[Ending] = []

        async def one(number: int) -> None:
            await anyio.sleep(each * number)
            endings.append(await awaited(onboarding(number), client))

        environment = sandbox.environment()
        async with (
            AsyncSesamy(
                environment["SESAMY_VENDOR_ID"],
                client_id=environment["SESAMY_CLIENT_ID"],
                client_secret=environment["SESAMY_CLIENT_SECRET"],
                base_url=environment["SESAMY_BASE_URL"],
                token_url=environment["SESAMY_TOKEN_URL"],
                rate_limit=RateLimit(requests=FIVE, burst=burst),
                transport=sandbox.transport(),
                **settings,
            ) as client,
            anyio.create_task_group() as group,
        ):
            for number in range(count):
                group.start_soon(one, number)
        return burst_of(sandbox, endings)

    return virtual_time.run(backend, main)


@attrs.frozen(kw_only=True)
class Rush:
    """A burst, and how many of it can be confirmed in time."""

    count: int
    burst: int
    deadline: float
    confirmed: range
    refused: int = 0
    lost: int = 0
    settings: dict[str, Any] = attrs.field(factory=dict[str, Any])


RUSHES = {
    "short": Rush(count=150, burst=100, deadline=8, confirmed=range(66, 71)),
    "long": Rush(count=280, burst=200, deadline=20, confirmed=range(146, 151)),
    "longer": Rush(
        count=260, burst=100, deadline=60, confirmed=range(196, 201)
    ),
    "spread": Rush(
        count=480,
        burst=500,
        deadline=20,
        confirmed=range(320, 335),
        settings={"each": 1 / 40},
    ),
    "no-burst": Rush(count=40, burst=1, deadline=8, confirmed=range(12, 20)),
    # What the network needs is learned, and left of the deadline.
    **{
        f"slow-{delay}": Rush(
            count=220,
            burst=300,
            deadline=8,
            confirmed=range(153, 166),
            settings={"delay": delay},
        )
        for delay in (1.0, 1.9)
    },
    # A repeated create takes a place of its own, not that of a confirm.
    "repeated": Rush(
        count=220,
        burst=300,
        deadline=8,
        confirmed=range(160, 167),
        lost=10,
        settings={
            "faults": ["status:503"] * 10,
            "retry": RetryPolicy(base=0.01),
        },
    ),
    # What a refused create has kept for its confirm is given back.
    "refused": Rush(
        count=400,
        burst=300,
        deadline=8,
        confirmed=range(158, 162),
        refused=20,
        settings={"each": 0.001, "faults": ["status:400"] * 20},
    ),
}


@pytest.mark.parametrize(
    ("backend", "rush"),
    [
        *(pytest.param("asyncio", RUSHES[each], id=each) for each in RUSHES),
        # What decides knows no loop.
        pytest.param("trio", RUSHES["short"], id="short-trio"),
    ],
)
def test_what_is_begun_is_ended(backend: str, rush: Rush) -> None:
    """What fits into the deadline is confirmed, the rest is not sent."""
    came = at_once(
        backend,
        rush.count,
        burst=rush.burst,
        deadline=rush.deadline,
        **rush.settings,
    )

    assert came.confirmed in rush.confirmed
    assert (0, rush.refused) == (came.made, came.endings["REFUSED"])
    assert came.throttled <= 2
    assert came.confirmed == came.endings["done"]
    assert came.endings["UNKNOWN"] <= rush.lost


@every_loop
def test_slower_than_the_deadline(backend: str) -> None:
    """However slow the answers are, what need not wait is begun."""
    came = at_once(backend, 3, burst=300, deadline=2.0, delay=1.5)

    assert {"UNKNOWN": 3} == came.endings


async def test_a_confirm_without_a_place_says_so() -> None:
    """It says that it wasn't sent, and counts the attempts of both steps."""
    requests: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request.url.path)
        left = {"X-RateLimit-Remaining": "0"}
        return httpx.Response(200, json={"id": "c-1"}, headers=left)

    async with AsyncSesamy(
        "acme",
        auth=StaticToken("t"),
        deadline=5.0,
        rate_limit=RateLimit(requests=6, per=60, burst=50),
        transport=httpx.MockTransport(answer),
    ) as client:
        with pytest.raises(DeadlineExceededError) as caught:
            await client.contracts.onboard("SPRING-12", ORDER)

    error = caught.value
    assert (Outcome.UNKNOWN, "confirm", "c-1", 1, False) == (
        error.outcome,
        error.step,
        error.contract_id,
        error.attempts,
        error.retryable,
    )
    assert 1 == len(requests)
    assert str(error) == (
        "contracts.onboard of order 'order-1': Waiting for the rate limit "
        "would exceed the deadline. The confirm was not sent. Outcome: "
        "UNKNOWN. Contract 'c-1' was created; continue with "
        "contracts.confirm, which can be repeated."
    )


async def test_cancelled_anywhere() -> None:
    """An onboarding that is cancelled leaves all places to the others."""
    scope = anyio.CancelScope()
    stops: list[str] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        step = "confirm" if "/confirm/" in request.url.path else "create"
        if step in stops:
            scope.cancel()
            await anyio.sleep(10)
        return httpx.Response(200, json={"id": "c-1"})

    async def seen(call: Call, proceed: Proceed) -> Response:
        if f"before {call.operation}" in stops:
            scope.cancel()
            await anyio.sleep(10)
        return await proceed(call)

    left: list[float | None] = []
    async with AsyncSesamy(
        "acme",
        auth=StaticToken("t"),
        rate_limit=RateLimit(requests=1, per=3600, burst=50),
        middleware=[seen],
        transport=httpx.MockTransport(answer),
    ) as client:
        for stop in ["create", "before contracts.confirm", "confirm", ""]:
            scope = anyio.CancelScope()
            stops[:] = [stop]
            with scope:
                await client.contracts.onboard("SPRING-12", ORDER)
            left.append(round(client.permitted_at_once or 0.0))

    assert [49, 48, 46, 44] == left


def served_burst(
    world: World,
    count: int,
    limit: RateLimit | None,
    delay: float = 0.0,
    **settings: Any,
) -> Burst:
    """Onboard so many orders at once, in real time and over sockets."""
    permitted = None
    if limit is not None:
        permitted = Limit(
            requests_per_minute=int(limit.rate * 60), burst=int(limit.burst)
        )
    sandbox = Sandbox(SandboxConfig(rate_limit=permitted, seed=1))
    sandbox.faults.add(f"delay:{delay}", times=9999)
    with running(sandbox) as url:
        environment = sandbox.environment(url)
        endings = world.together(
            [onboarding(number) for number in range(count)],
            threads=count,
            vendor_id=environment["SESAMY_VENDOR_ID"],
            client_id=environment["SESAMY_CLIENT_ID"],
            client_secret=environment["SESAMY_CLIENT_SECRET"],
            base_url=environment["SESAMY_BASE_URL"],
            token_url=environment["SESAMY_TOKEN_URL"],
            rate_limit=limit,
            **settings,
        )
    return burst_of(sandbox, endings)


@every_world
def test_a_burst_over_few_connections(world: World) -> None:
    """In the queue for a connection, confirms go first, too."""
    came = served_burst(
        world,
        60,
        None,
        delay=0.05,
        transport=Connections(cap=4, trust_env=False),
        deadline=0.8,
    )

    # A busy machine may cut off what is on its way at the deadline.
    assert came.made <= 4
    assert came.endings["NOT_SENT"] >= 10


@every_world
def test_a_burst_on_sockets(world: World) -> None:
    """Tasks and threads of a burst share the pace alike."""
    came = served_burst(
        world, 60, RateLimit(requests=20, per=1, burst=20), deadline=2.0
    )

    # A busy machine confirms fewer; virtual time, above, counts exactly.
    assert came.confirmed in range(5, 31)
    assert came.made <= 2
