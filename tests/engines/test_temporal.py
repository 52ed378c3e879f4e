"""The Temporal example: what it does with failures, and what it keeps.

That workers and the server may be killed is tried by `proof.claims.temporal`.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowHistory
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner, Worker
from temporalio.workflow import NondeterminismError

from sesamy_async import AsyncSesamy
from sesamy_async.sandbox import Sandbox, SandboxConfig
from support.canaries import found_in
from support.command_line import CommandLine
from support.temporal_example import readable, sale, service, settings
from support.temporal_server import Temporal
from support.wire import QUICK


SALES = "/sales/SPRING-12"
_LOOK = 0.05  # Seconds between two looks.


@attrs.define(eq=False)
class Shop:
    """The service, with a worker beside it.

    Attributes:
        web: What sends requests to the service.
        temporal: A client of the server.
        sandbox: Where the worker reports orders to.
        store: The URL of the store of orders.
    """

    web: httpx.AsyncClient
    temporal: Client
    sandbox: Sandbox
    store: str

    async def look(self, order_id: str) -> dict[str, str]:
        """Ask the service what became of a sale."""
        answer: dict[str, str] = (
            await self.web.get(f"/sales/{order_id}")
        ).json()
        return answer

    async def reached(self, order_id: str, state: str) -> dict[str, str]:
        """Wait until a sale is in a state."""
        async with asyncio.timeout(60):
            told = await self.look(order_id)
            while told["state"] != state:
                await asyncio.sleep(_LOOK)
                told = await self.look(order_id)
        return told


@pytest.fixture(scope="module")
def server() -> Iterator[Temporal]:
    """Start a server for all tests here."""
    with Temporal() as started:
        yield started


@pytest.fixture
def sandbox(server: Temporal, tmp_path: Path) -> Iterator[Sandbox]:
    """Let the example be imported with the settings of a sandbox."""
    sandbox = Sandbox(SandboxConfig(rate_limit=None))
    store = f"sqlite://{tmp_path}/orders.db"
    with settings(server, sandbox.environment(), store):
        yield sandbox


def client_of(sandbox: Sandbox) -> AsyncSesamy:
    """Return a client of a worker."""
    return AsyncSesamy(
        **sandbox.client_settings(),
        deadline=20.0,
        retry=QUICK,
        idempotency=os.environ["SESAMY_IDEMPOTENCY"],
    )


@asynccontextmanager
async def opened(sandbox: Sandbox) -> AsyncIterator[Shop]:
    """Run service and worker."""
    async with (
        client_of(sandbox) as sesamy,
        service() as (web, temporal),
        Worker(
            temporal,
            task_queue=import_module("temporal.orders").QUEUE,
            workflows=[import_module("temporal.workflow").OnboardOrder],
            activities=[
                import_module("temporal.activities").Activities(sesamy).onboard
            ],
            graceful_shutdown_timeout=timedelta(seconds=25),
        ),
    ):
        store = os.environ["SESAMY_IDEMPOTENCY"]
        yield Shop(web, temporal, sandbox, store)


def test_an_order_in_doubt(sandbox: Sandbox, sesamy: CommandLine) -> None:
    """It waits until somebody has looked, and one answer answers once."""

    async def work() -> None:
        async with opened(sandbox) as shop:
            sandbox.faults.add("drop-after", on="create")
            invoice = sale("look", paymentMethod="INVOICE")
            taken = await shop.web.post(SALES, content=invoice)
            told = await shop.reached("look", "LOOK")
            # Nobody has looked: it is asked again, and nothing is sent.
            answers = await asyncio.gather(
                *(shop.web.post("/sales/look/settled") for _ in range(3))
            )
            await shop.reached("look", "LOOK")
            [made] = sandbox.ledger.contracts("look")
            await confirm(sandbox, made.id)
            words = ("orders", "settle", "look", "--created", made.id)
            ran = sesamy(*words, "--confirmed", "--idempotency", shop.store)
            await shop.web.post("/sales/look/settled")
            done = await shop.reached("look", "CONFIRMED")
            late = await shop.web.post("/sales/look/settled")

        assert 202 == taken.status_code
        assert "sesamy orders settle" in told["why"]
        assert [204, 409, 409] == sorted(it.status_code for it in answers)
        assert 0 == ran.code
        assert made.id == done["contract_id"]
        assert 404 == late.status_code
        assert 1 == sandbox.ledger.count("look")

    asyncio.run(work())


async def confirm(sandbox: Sandbox, contract_id: str) -> None:
    """Confirm a contract as somebody does who found it."""
    async with AsyncSesamy(
        **sandbox.client_settings(), idempotency=False
    ) as sesamy:
        await sesamy.contracts.confirm("SPRING-12", contract_id)


def test_an_order_that_is_refused(sandbox: Sandbox) -> None:
    """It ends at once, and can come again, but only once it is mended."""

    async def work() -> None:
        async with opened(sandbox) as shop:

            async def sell(quantity: int) -> int:
                body = sale("wrong", quantity=quantity)
                return (await shop.web.post(SALES, content=body)).status_code

            sandbox.faults.add("status:422", on="create")
            first = await sell(1)
            told = await shop.reached("wrong", "WRONG")
            asked = sandbox.ledger.requests("create")
            others = [await sell(2), await sell(3)]
            await shop.reached("wrong", "CONFIRMED")
            others += [await sell(3), await sell(2)]

        assert 202 == first
        assert 1 == asked
        assert "does not accept the order" in told["why"]
        assert [202, 422, 422, 202] == others
        assert 1 == sandbox.ledger.count("wrong")

    asyncio.run(work())


def test_settings_that_are_wrong(sandbox: Sandbox) -> None:
    """The order is held until the operator has mended them."""

    async def work() -> None:
        async with opened(sandbox) as shop:
            sandbox.faults.add("status:403", on="create")
            await shop.web.post(SALES, content=sale("held"))
            told = await shop.reached("held", "OPERATOR")
            await shop.web.post("/sales/held/settled")
            await shop.reached("held", "CONFIRMED")

        assert "403" in told["why"]

    asyncio.run(work())


@pytest.mark.usefixtures("sandbox")
def test_the_service() -> None:
    """Strangers are refused, and what is unknown is not found."""

    async def work() -> list[int]:
        async with service() as (web, _):
            answers = [
                await web.get("/sales/nobody"),
                await web.post("/sales/nobody/settled"),
                await web.post(SALES, content="{}"),
            ]
            web.headers.pop("X-API-Key")
            answers.append(await web.post(SALES, content=sale("stranger")))
            return [each.status_code for each in answers]

    assert [404, 404, 422, 401] == asyncio.run(work())


def test_what_is_readable(
    server: Temporal, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing personal is, unlike without the codec, nor after errors."""
    activities = import_module("temporal.activities")
    read = activities.NewContract.from_dict
    calls = iter([ValueError, None])

    def careless(order: Any) -> Any:
        if next(calls):
            raise ValueError(f"What about {order}?")
        return read(order)

    async def work() -> None:
        async with opened(sandbox) as shop:
            monkeypatch.setattr(activities, "NewContract", Careless(careless))
            await shop.web.post(SALES, content=sale("hidden"))
            await shop.reached("hidden", "CONFIRMED")
            hidden = readable(server)
            plain = await Client.connect(server.url)
            await plain.start_workflow(
                "OnboardOrder",
                json.loads(sale("shown")),
                id="shown",
                task_queue="nobody",
            )

        assert set() == hidden
        assert "email" in readable(server)

    asyncio.run(work())


@attrs.frozen
class Careless:
    """Reads orders in another way."""

    from_dict: Callable[[Any], Any]


@pytest.mark.parametrize(
    ("fault", "changes", "kind", "wait"),
    [
        ("status:503", {}, "AGAIN", None),
        ("wait:77", {}, "AGAIN", 77.0),
        ("drop-after", {"paymentMethod": "INVOICE"}, "LOOK", None),
        ("status:401", {}, "OPERATOR", None),
        ("status:404", {}, "WRONG", None),
        ("empty", {"quantity": "two"}, "WRONG", None),
    ],
)
def test_what_is_told_of_a_failure(
    sandbox: Sandbox,
    fault: str,
    changes: dict[str, Any],
    kind: str,
    wait: float | None,
) -> None:
    """Only what may pass is tried again, and when Sesamy says so."""
    sandbox.faults.add(fault, times=9, on="create")

    error = asyncio.run(failure(sandbox, json.loads(sale("A-1", **changes))))

    assert kind == error.type
    assert (kind != "AGAIN") == error.non_retryable
    delay = error.next_retry_delay
    assert wait == (delay and delay.total_seconds())
    assert set() == found_in(str(error))


def test_the_same_id_with_other_data(sandbox: Sandbox) -> None:
    """It is never sent, however often it is tried."""
    order = json.loads(sale("A-1"))
    with pytest.raises(StopAsyncIteration):
        asyncio.run(failure(sandbox, order))

    error = asyncio.run(failure(sandbox, {**order, "quantity": 2}))

    assert ("WRONG", True) == (error.type, error.non_retryable)


async def failure(sandbox: Sandbox, order: dict[str, Any]) -> ApplicationError:
    """Return how the activity fails; StopAsyncIteration if it does not."""
    activities = import_module("temporal.activities")
    async with client_of(sandbox) as sesamy:
        told = activities.Sale("acme", "SPRING-12", order)
        onboard = activities.Activities(sesamy).onboard
        try:
            await ActivityEnvironment().run(onboard, told)
        except ApplicationError as error:
            return error
    raise StopAsyncIteration


@pytest.mark.usefixtures("sandbox")
def test_keys() -> None:
    """The first key encrypts, all of them decrypt, and all else is left."""
    codec = import_module("temporal.codec")
    old, new = ({name: os.urandom(32)} for name in ("old", "new"))
    plain = DataConverter.default.payload_converter.to_payload("Ada")

    async def work() -> None:
        [before] = await codec.Encryption(old).encode([plain])
        both = codec.Encryption({**new, **old})
        [after] = await both.encode([plain])

        assert [plain] * 3 == await both.decode([before, after, plain])
        assert b"new" == after.metadata["key"]
        assert b"Ada" not in before.SerializeToString()
        with pytest.raises(KeyError):
            await codec.Encryption(old).decode([after])

    asyncio.run(work())


@pytest.mark.usefixtures("sandbox")
def test_replay() -> None:
    """What was recorded is done again, and what is changed is noticed."""
    tests = import_module("temporal.test_replay")
    codec = import_module("temporal.codec")
    for path in tests.HISTORIES:
        tests.test_replay(path)

    [path, *_] = tests.HISTORIES
    history = WorkflowHistory.from_json(path.stem, path.read_text("utf-8"))
    changed = Replayer(
        workflows=[Changed],
        data_converter=codec.encrypting(tests.KEY),
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    with pytest.raises(NondeterminismError):
        asyncio.run(changed.replay_workflow(history))


@workflow.defn(name="OnboardOrder")
class Changed:
    """What somebody changed without thinking of what runs."""

    @workflow.run
    async def run(self, _: Any) -> None:
        """Wait before anything else is done."""
        await workflow.sleep(1)
