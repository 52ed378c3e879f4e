"""Whoever patches httpx, or httpcore beneath it, sees the calls.

respx, pytest-httpx and OpenTelemetry's instrumentation do so.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import anyio
import httpx
import pytest
import respx

from sesamy_async import AsyncSesamy, Outcome
from support.calling import Operation, World, complete, create
from support.fault_server import FaultServer
from support.faults import good
from support.marks import every_loop, every_world
from support.patches import Patch, Replaced, Respx, Telemetry
from support.programs import run


def after(step: Callable[[], object], operation: Operation) -> Operation:
    """Do something before an operation."""

    def both(client: Any) -> Any:
        step()
        return operation(client)

    return both


@every_world
@pytest.mark.parametrize("kind", [Respx, Replaced, Telemetry])
@pytest.mark.parametrize("moment", ["before", "made", "used"])
def test_it_sees_the_calls_meanwhile(
    moment: str, kind: Callable[[], Patch], world: World
) -> None:
    """Before and after that, they go over connections of our own."""
    patch = kind()
    with ExitStack() as stack, FaultServer([], good) as server:

        def start() -> None:
            stack.callback(patch.start(server.url))

        operations = [create, create, after(stack.close, create), create]
        if moment == "before":
            start()
        else:
            operations[0] = after(start, create)
        if moment == "used":
            operations.insert(0, create)
        endings = world.run(operations, base_url=server.url)

    assert [None] * len(operations) == [each.error for each in endings]
    assert 2 == patch.seen()
    # A connection for each call through httpx, one for all the others.
    assert server.connections == (1 if patch.answers else 3)


@every_world
@pytest.mark.parametrize(
    ("effect", "outcome"),
    [
        (httpx.ConnectError, Outcome.NOT_SENT),
        (httpx.ConnectTimeout, Outcome.NOT_SENT),
        (httpx.PoolTimeout, Outcome.NOT_SENT),
        (httpx.ProxyError, Outcome.NOT_SENT),
        (httpx.ReadTimeout, Outcome.UNKNOWN),
        (httpx.WriteTimeout, Outcome.UNKNOWN),
        (httpx.ReadError, Outcome.UNKNOWN),
        (httpx.RemoteProtocolError, Outcome.UNKNOWN),
        (RuntimeError, Outcome.UNKNOWN),
    ],
)
def test_what_a_mock_raises(
    effect: type[Exception], outcome: Outcome, world: World
) -> None:
    """It means what it means in httpx: so failures can be tested."""
    with respx.mock as mocked:
        route = mocked.post(host="api.sesamy.com").mock(side_effect=effect)
        ending = world.one(create)

    assert (outcome, 1) == (ending.outcome, ending.failed.attempts)
    assert 1 == route.call_count


@every_loop
def test_a_call_that_is_cancelled_while_a_mock_has_it(backend: str) -> None:
    """Nobody knows what whoever patched it did with the order."""
    notes: list[str] = []

    async def main() -> None:
        asked = anyio.Event()

        async def take(request: httpx.Request) -> httpx.Response:
            del request
            asked.set()
            await anyio.sleep_forever()
            raise AssertionError

        async def note(client: AsyncSesamy) -> None:
            try:
                await create(client)
            except BaseException as error:
                notes.extend(error.__notes__)
                raise

        with respx.mock as mocked:
            mocked.post(host="api.sesamy.com").mock(side_effect=take)
            async with (
                AsyncSesamy(**complete({})) as client,
                anyio.create_task_group() as group,
            ):
                group.start_soon(note, client)
                await asked.wait()
                group.cancel_scope.cancel()

    anyio.run(main, backend=backend)

    assert "Outcome: UNKNOWN." in "".join(notes)


BEFORE_OUR_IMPORT = """
import asyncio, sys
import httpx
seen = []
def handle_request(self, request):
    seen.append("blocking")
    return httpx.Response(201, json={"id": "c-1"})
async def handle_async_request(self, request):
    seen.append("async")
    return httpx.Response(201, json={"id": "c-1"})
httpx.HTTPTransport.handle_request = handle_request
httpx.AsyncHTTPTransport.handle_async_request = handle_async_request
from support.calling import complete, create
from sesamy_async import AsyncSesamy, Sesamy
with Sesamy(**complete({})) as client:
    create(client)
async def main():
    async with AsyncSesamy(**complete({})) as client:
        await create(client)
asyncio.run(main())
print(*seen)
"""


def test_patched_before_we_are_imported() -> None:
    """As `opentelemetry-instrument` does it."""
    environ = {"PYTHONPATH": ":".join(sys.path)}
    done = run(["-c", BEFORE_OUR_IMPORT], environ)

    assert ("blocking async\n", "") == (done.stdout, done.stderr)


def test_a_neighbour_of_httpx_is_none_of_its_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A plain function counts as a patch, wherever it is from."""

    def handle_request(*_: object) -> httpx.Response:
        return httpx.Response(201, json={"id": "c-7"})

    home = httpx.__path__[0]
    handle_request.__code__ = handle_request.__code__.replace(
        co_filename=f"{home}_mocks/patch.py"
    )
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", handle_request)

    assert "c-7" == World.BLOCKING.one(create).value.id
