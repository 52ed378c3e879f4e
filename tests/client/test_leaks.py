"""No secret, token or customer's data comes out anywhere, however it ends.

Each way for a call to end (`support.telltale.SCENES`) is looked at through
everything into which the SDK could spill (`support.sinks.SINKS`).
"""

from __future__ import annotations

import logging
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sesamy_async import (
    Call,
    ClientCredentials,
    Connections,
    FileTokenStore,
    Proceed,
    Response,
    SesamyError,
)
from sesamy_async._cli import run
from support.calling import WORLDS, Operation, World
from support.canaries import CANARIES, ORDER, SECRET, found_in
from support.patience import BRIEF, patiently
from support.sinks import SINKS, Left, values_of
from support.telemetry import Told
from support.telltale import SCENES, Scene


pytestmark = pytest.mark.usefixtures("loud")

scenes = partial(
    pytest.mark.parametrize, "scene", SCENES, ids=lambda scene: scene.what
)


def create(client: Any) -> Any:
    """Send all that is personal in an order."""
    return client.contracts.create("SPRING-12", ORDER)


def confirm(client: Any) -> Any:
    """Send all that is personal as payment data."""
    return client.contracts.confirm(
        "SPRING-12", "c-9", provider_payment_data=CANARIES
    )


def ask(client: Any) -> Any:
    """Send all that is personal in a request of the caller's own."""
    return client.request("POST", "/x", json=CANARIES, query=CANARIES)


def left_by(
    scene: Scene,
    world: World,
    operation: Operation,
    path: Path,
    caplog: pytest.LogCaptureFixture,
    *,
    timeout: float,
) -> Left:
    """Make a call and gather what it leaves behind."""
    objects: list[object] = [ORDER, ORDER.user_data]
    store, told = FileTokenStore(path), Told()
    credentials = ClientCredentials("c", SECRET, store=store)

    async def spy(call: Call, proceed: Proceed) -> Response:
        objects.extend((call, call.request, call.record))
        response = await proceed(call)
        objects.extend((response, response.headers))
        return response

    def spied(client: Any) -> Any:
        objects.extend((client, client.contracts, client.with_options()))
        return operation(client)

    with (
        scene.server() as server,
        warnings.catch_warnings(record=True) as warned,
    ):
        ending = world.one(
            spied,
            base_url=server.url,
            token_url=f"{server.url}/oauth/token",
            auth=credentials,
            middleware=[told.telemetry, spy],
            transport=Connections(max_response_size=100_000),
            timeout=timeout,
        )
    objects.extend((credentials, store, ending.value))
    if ending.error is not None:
        logging.getLogger("theirs").error("It failed.", exc_info=ending.error)
    return Left(
        error=ending.error,
        objects=tuple(objects),
        logged=(caplog.text, *map(values_of, caplog.records)),
        warned=tuple(str(each.message) for each in warned),
        store=store,
        told=told,
    )


@pytest.mark.parametrize("world", WORLDS)
@scenes()
def test_nothing_leaks(
    scene: Scene,
    world: World,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """However a call ends, no sink shows any of the canaries."""
    leaks: dict[str, set[str]] = {}

    def attempt(operation: Operation, timeout: float) -> object:
        path = tmp_path / f"{operation.__name__}-{timeout}"
        left = left_by(scene, world, operation, path, caplog, timeout=timeout)
        for name, sink in SINKS.items():
            if found := found_in("\n".join(sink(left))):
                leaks[f"{operation.__name__}: {name}"] = found
        return getattr(left.error, "outcome", None)

    assert scene.outcome is patiently(scene.outcome, partial(attempt, create))
    # On trio they pass what they pass on asyncio.
    for operation in () if world is World.TRIO else (confirm, ask):
        caplog.clear()
        attempt(operation, BRIEF / 4)
    assert {} == leaks


@pytest.mark.parametrize("output", [(), ("--json",)], ids=["text", "json"])
@scenes()
def test_the_command_leaks_nothing(
    scene: Scene,
    output: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Neither stdout nor stderr shows a canary, not even with -vv."""
    order = tmp_path / "order.json"
    order.write_text(ORDER.to_json(), encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    command = ("contract", "create", str(order), "--promo", "SPRING-12")

    def attempt(timeout: float) -> bool:
        limits = ("--timeout", str(timeout), "--deadline", str(3 * timeout))
        with scene.server() as server:
            environment = {
                "BASE_URL": server.url,
                "TOKEN_URL": f"{server.url}/oauth/token",
                "VENDOR_ID": "acme",
                "CLIENT_ID": "c",
                "CLIENT_SECRET": SECRET,
            }
            for name, value in environment.items():
                monkeypatch.setenv(f"SESAMY_{name}", value)
            return run([*command, *limits, "-vv", *output]) == 0

    does_well = scene.outcome is None
    well = patiently(does_well, attempt)
    printed = capsys.readouterr()
    left = Left(error=None, objects=(), printed=(printed.out, printed.err))

    assert does_well is well
    assert printed.err
    assert set() == found_in("\n".join(SINKS["stdout and stderr"](left)))


@pytest.mark.parametrize("name", CANARIES)
def test_a_leak_would_be_found(name: str) -> None:
    """In the message of an error, its locals' repr, a log line, or a span."""
    error, told = SesamyError(f"Bad: {CANARIES[name]!r}"), Told()
    left = Left(error=error, objects=(error,), logged=(str(error),), told=told)
    with told.tracers.get_tracer("t").start_as_current_span("s") as span:
        span.record_exception(error)
    counter = told.meters.get_meter("m").create_counter("c")
    counter.add(1, {"of": CANARIES[name]})
    sinks = {"logs", "reprs", "deep copies", "pickles", "tracebacks"}
    sinks |= {"spans", "metrics"}

    assert sinks == {
        each
        for each in sinks
        if name in found_in("\n".join(SINKS[each](left)))
    }
